package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// simple makes pgx send a query in one round trip without preparing it, which
// also works behind transaction poolers.
var simple = []driver.NamedValue{{Ordinal: 1, Value: pgx.QueryExecModeSimpleProtocol}}

func query(ctx context.Context, r *sealdriver.Reader, text string, row func(sealdriver.Row) error) error {
	if pgxConn(r.Conn()) == nil {
		return r.Query(ctx, text, nil, row)
	}
	return r.Query(ctx, text, simple, row)
}

// sessionQuery returns one row per schema of the search path, at least one. The
// settings are those under which guards and indexes are shown otherwise, and those
// by which '{NULL}' and c = NULL mean something else.
const sessionQuery = `SELECT current_database()::text, pg_my_temp_schema()::bigint, coalesce(n.nspname::text, ''), coalesce(n.oid = pg_my_temp_schema(), false),
(SELECT datctype IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()),
(SELECT coalesce(string_agg(oid::text, ' '), '') FROM pg_type WHERE typname = '` + rewrite.RecordDomain + `' AND typtype = 'd' AND typbasetype = 'bytea'::regtype),
CASE WHEN current_setting('bytea_output') = 'escape' THEN 'bytea_output escape'
	WHEN current_setting('quote_all_identifiers', true) = 'on' THEN 'quote_all_identifiers'
	WHEN current_setting('array_nulls', true) = 'off' THEN 'array_nulls off'
	WHEN current_setting('transform_null_equals', true) = 'on' THEN 'transform_null_equals'
	ELSE '' END
FROM (SELECT 1) AS one
LEFT JOIN unnest(current_schemas(false)) WITH ORDINALITY AS s(name, at) ON true
LEFT JOIN pg_namespace n ON n.nspname = s.name
ORDER BY s.at`

// Session reads how the connection resolves names, and its temporary
// relations.
func (e *engine) Session(ctx context.Context, r *sealdriver.Reader) (*sealdriver.Session, error) {
	s := &sealdriver.Session{Codec: e.codecOf(r.Conn()), Prepared: e.codec, Ages: true}
	if s.Plan.Unsafe = unsafeSettings(r.Conn()); s.Plan.Unsafe != "" {
		// pgx reads nothing reliably under it either.
		return nil, &rewrite.UnsupportedError{
			Column: s.Plan.Unsafe, Pos: -1, Reason: rewrite.ReasonSession,
			Hint: "texts cannot be read reliably under it; connect with the setting changed",
		}
	}
	var tempSchema int64
	tempLate := false
	err := query(ctx, r, sessionQuery, func(row sealdriver.Row) error {
		s.Scope, tempSchema, s.ASCIILike = row.Text(0), row.Int(1), row.Bool(4)
		s.Plan.Unsafe = row.Text(6)
		sendAsBytea(r.Conn(), row.Text(5))
		name := row.Text(2)
		switch {
		case name == "":
		case row.Bool(3):
			tempLate = tempLate || len(s.Names.SearchPath) > 0
		case !systemSchema(name):
			s.Names.SearchPath = append(s.Names.SearchPath, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if tempSchema != 0 {
		if err := e.temporary(ctx, r, s, tempLate); err != nil {
			return nil, err
		}
	}
	s.Plan.Namespace = fingerprint(s)
	return s, nil
}

// temporary reads the session's temporary relations. Where the search path
// names pg_temp behind other schemas, a temporary relation does not come first
// and which one a name means is not decided here: it is then never clear.
func (e *engine) temporary(ctx context.Context, r *sealdriver.Reader, s *sealdriver.Session, late bool) error {
	rels, err := readRelations(ctx, r, "n.oid = pg_my_temp_schema()", nil)
	if err != nil {
		return err
	}
	for i := range rels {
		rels[i].ID.Schema = "pg_temp"
		rels[i].Temp = true
		rels[i].OpaqueDefinition = rels[i].OpaqueDefinition || late
	}
	s.Names.Temp = rels
	return nil
}

func systemSchema(name string) bool {
	return name == "pg_catalog" || name == "information_schema" || strings.HasPrefix(name, "pg_toast") || strings.HasPrefix(name, "pg_temp")
}

// fingerprint makes a short key of everything that decides what names mean.
func fingerprint(s *sealdriver.Session) string {
	path := fmt.Sprintf("%s %q", s.Scope, s.Names.SearchPath)
	if len(s.Names.Temp) == 0 {
		return path
	}
	h := fnv.New128a()
	fmt.Fprintf(h, "%#v", s.Names.Temp)
	return fmt.Sprintf("%s %x", path, h.Sum(nil))
}
