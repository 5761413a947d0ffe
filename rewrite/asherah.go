package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// asherahMark is a member of every data row record in Asherah's format, whatever
// their order.
const asherahMark = `"ParentKeyMeta"`

// asherahGuard is the test of Guard for columns that hold JSON, in a text column
// or one of a JSON type.
var asherahGuard = map[Dialect]string{
	Postgres: "length(%[1]s::text) > 20 AND position('" + asherahMark + "' IN %[1]s::text) > 0",
	MySQL:    "length(%[1]s) > 20 AND locate('" + asherahMark + "', %[1]s) > 0",
	SQLite:   "typeof(%[1]s) = 'text' AND length(%[1]s) > 20 AND instr(%[1]s, '" + asherahMark + "') > 0",
}

// asherahOverhead is what a record has more than the base64 of payload, tag and
// nonce: members, wrapped key, and the key's id with the longest names of
// service, product and partition, each byte escaped.
const asherahOverhead = 179 + 6*(64+64+200+8)

// asherahType is the physical type that holds records in Asherah's format. Their
// key ids may hold any letters of a partition's id.
func asherahType(d Dialect, c *schema.Column) string {
	if d != MySQL {
		return "text"
	}
	const bytewise = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	switch n := (carrierBytes(c)+28+2)/3*4 + asherahOverhead; {
	case n < 1<<16:
		return "text" + bytewise
	case n < 1<<24:
		return "mediumtext" + bytewise
	}
	return "longtext" + bytewise
}

// isJSONCheck recognises the CHECK that MariaDB makes of the type JSON.
func isJSONCheck(check string, c *schema.Column) bool {
	if c.Carrier != schema.CarrierAsherah {
		return false
	}
	bare := strings.NewReplacer(" ", "", "`", "", "(", "", ")", "").Replace(strings.ToLower(check))
	return bare == "json_valid"+strings.ToLower(c.Name)
}

// unmixed refuses to open a result column that may hold values of several
// columns when one of them is in Asherah's format: its records do not say which
// column they belong to.
func (a *analysis) unmixed(at int, o *Open) error {
	if len(o.Columns) < 2 {
		return nil
	}
	for _, c := range o.Columns {
		if c.Carrier == schema.CarrierAsherah {
			return a.refuse(at, ReasonSetOperation, c.String(), "records in Asherah's format do not say which column they belong to; run the queries separately")
		}
	}
	return nil
}
