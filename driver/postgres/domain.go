package postgres

import (
	"context"
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// domain is a domain of records: bytea under the one constraint that is its guard.
//
// Whoever owns a domain can take its constraint away, and drop it with the columns of
// any table. So it counts only where its owner could do that to the table anyway: owner
// of the table, the schema or the database, or a superuser.
type domain struct {
	schema, quoted, check string
	owner                 int64
	// trusted says that the owner needs not be the table's, own that it is the session's
	// user.
	trusted, own bool
}

// domainCheck is how PostgreSQL prints the constraint. Any other is not taken for a
// guard.
var domainCheck = regexp.MustCompile(`^check \(\(("substring"\(value, 1, 3\)|substring\(value from 1 for 3\)) = '\\xf95351'::bytea\)\)( not valid)?$`)

// readDomains reads the domains of records. One with NOT NULL, a default or another
// constraint beside is a type like any other.
func readDomains(ctx context.Context, r *sealdriver.Reader) (map[int64]domain, error) {
	out := map[int64]domain{}
	err := query(ctx, r, `SELECT t.oid::bigint, n.nspname::text, quote_ident(n.nspname) || '.' || quote_ident(t.typname), lower(pg_get_constraintdef(k.oid)),
	t.typowner::bigint, t.typowner = n.nspowner OR o.rolsuper OR t.typowner = (SELECT datdba FROM pg_database WHERE datname = current_database()), o.rolname = current_user
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_constraint k ON k.contypid = t.oid JOIN pg_roles o ON o.oid = t.typowner
WHERE t.typname = '`+rewrite.RecordDomain+`' AND t.typtype = 'd' AND t.typbasetype = 'bytea'::regtype AND NOT t.typnotnull AND t.typdefault IS NULL
	AND k.conname = '`+rewrite.RecordDomainGuard+`' AND NOT EXISTS (SELECT FROM pg_constraint x WHERE x.contypid = t.oid AND x.oid <> k.oid) AND `+userSchemas,
		func(v sealdriver.Row) error {
			if domainCheck.MatchString(v.Text(3)) {
				out[v.Int(0)] = domain{schema: v.Text(1), quoted: v.Text(2), check: v.Text(3), owner: v.Int(4), trusted: v.Bool(5), own: v.Bool(6)}
			}
			return nil
		})
	return out, err
}

// bySchema are the domains that tables which the session makes may take.
func bySchema(domains map[int64]domain) map[string]string {
	out := map[string]string{}
	for _, d := range domains {
		if d.trusted || d.own {
			out[d.schema] = d.quoted
		}
	}
	return out
}

// of describes a column of the domain as one of bytea, with the guard that it would
// have then.
func (d domain) of(rel *rewrite.SnapshotRelation, col *rewrite.CatalogColumn) {
	col.Type, col.Base, col.Domain = "bytea", "", d.quoted
	if rel.Kind == rewrite.RelTable || rel.Kind == rewrite.RelPartitioned {
		rel.Checks = append(rel.Checks, strings.Replace(d.check, "value", strings.ToLower(col.Name), 1))
	}
}

// sendAsBytea lets pgx send parameters of the domains of records, whose OIDs are given,
// in binary, as those of bytea; what it does not know it writes in hexadecimal.
func sendAsBytea(inner driver.Conn, oids string) {
	c := pgxConn(inner)
	if c == nil {
		return
	}
	for oid := range strings.FieldsSeq(oids) {
		n, err := strconv.ParseUint(oid, 10, 32)
		if err != nil {
			continue
		}
		if _, known := c.TypeMap().TypeForOID(uint32(n)); !known {
			c.TypeMap().RegisterType(&pgtype.Type{Name: rewrite.RecordDomain, OID: uint32(n), Codec: pgtype.ByteaCodec{}})
		}
	}
}
