package pgvalue

import (
	"encoding/json"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
)

// appendJSON keeps json as it is written and puts jsonb into the form of
// jsonb_out. encoding/json checks the syntax: RFC 8259 as on the server, with
// at most 10000 levels.
func appendJSON(dst []byte, oid uint32, s string) ([]byte, problem) {
	if oid == pgtype.JSONOID {
		if !json.Valid([]byte(s)) {
			return nil, "invalid JSON"
		}
		return append(dst, s...), ""
	}
	return jsonbForm.Append(dst, s)
}

// jsonbForm is how the server prints jsonb: numbers as numeric.
var jsonbForm = logical.JSONForm{
	Number: func(dst []byte, digits string) ([]byte, problem) {
		d, why := logical.ParseDecimal(digits)
		if why != "" {
			return nil, why
		}
		return d.Append(dst), ""
	},
	NoNUL: true,
}
