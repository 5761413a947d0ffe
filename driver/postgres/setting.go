package postgres

import (
	"context"
	"regexp"
	"slices"
	"strings"

	sealdriver "github.com/sealsql/sealsql/driver"
)

// settingWords stand in the body of a function that changes what the driver knows of
// a session: settings, roles, temporary tables, which are dropped and renamed like
// others. Such a body may also build its SQL.
const settingWords = `\m(set_config|pg_settings|create|alter|drop|search_path|schema|role|authorization|reset|discard|temp|temporary|pg_temp|execute|names|client_encoding|` +
	`standard_conforming_strings|bytea_output|quote_all_identifiers|array_nulls|transform_null_equals)\M`

// settingBuiltin finds built-in functions that change settings or run texts, as p. Of
// these pg_depend records nothing.
const settingBuiltin = `p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('set_config',
	'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'cursor_to_xml', 'cursor_to_xmlschema', 'ts_stat', 'ts_rewrite')`

// defines is the condition on the body of a function that may change the catalog for
// others: one that drops the temporary tables that it makes does not. Comments may stand
// between the words, and speak of them.
const defines = `(lower(p.prosrc) || ' ; ' || regexp_replace(lower(p.prosrc), '/\*.*?\*/|--[^\n]*', ' ', 'g')) ~
	('\m(create(\s+or\s+replace)?|alter|drop)\s+(unlogged|table|recursive|view|materialized|foreign|schema|function|procedure|routine|aggregate|operator|' ||
	'constraint|trigger|event|rule|policy|type|domain|cast|index|unique|sequence|extension|owned)\M')
	AND NOT (lower(p.prosrc) ~ '\m(temp|temporary)\M' AND lower(p.prosrc) !~ '\m(create|alter)(\s+or\s+replace)?\s+(?!((local|global)\s+)?(temp|temporary)\M)')`

// settingOIDs are those of settingBuiltin, as a regular expression.
const settingOIDs = `(SELECT string_agg(p.oid::text, '|') FROM pg_proc p WHERE ` + settingBuiltin + `)`

// inTree matches calls in the tree of an expression or a query, by a regular expression
// of the functions' OIDs.
func inTree(tree, oids string) string {
	return `coalesce(` + tree + `, '') ~ (':(funcid|opfuncid|aggfnoid|winfnoid) (' || ` + oids + ` || ') ')`
}

// atomicBody is the tree of a function whose body is BEGIN ATOMIC (PostgreSQL 14).
const atomicBody = `to_jsonb(p) ->> 'prosqlbody'`

// settingText is what the body of a trigger says that changes the session, also inside
// the texts that it runs, which it may compose of pieces; columns called role or temp are
// none of it.
var settingText = regexp.MustCompile(`(?i)\b(set_config|pg_settings|execute|search_path|client_encoding|standard_conforming_strings|bytea_output|` +
	`quote_all_identifiers|array_nulls|transform_null_equals|pg_temp|discard|` +
	`set\s+((local|session)\s+)?(schema|role|names|authorization|session\s+authorization)|` +
	`reset\s+\w+|into\s+((local|global)\s+)?(temp|temporary)|(create|alter|drop)\s+\w+)\b`)

// setsSession reports the body of a trigger that may change the session, or that is not
// text.
func setsSession(language, body string) bool {
	return language != "plpgsql" && language != "sql" || settingText.MatchString(body) || settingText.MatchString(comments.ReplaceAllString(body, " "))
}

// comments may stand between the words of settingText.
var comments = regexp.MustCompile(`(?s)/\*.*?\*/|--[^\n]*`)

// readSetting lists, as "session NAME", the functions and aggregates that may change the
// session, and as "defines NAME" those that may change the catalog, or call one that may.
// What is not volatile cannot SET, but may call; a body that is not text may do anything
// to the session, where it is volatile. "session *" says that a type, a cast or an
// operator runs such code: then any statement may.
func readSetting(ctx context.Context, r *sealdriver.Reader) ([]string, error) {
	s := &setters{ctx: ctx, r: r, names: map[string]bool{}, seen: []string{"0"}}
	if err := s.all(`CASE WHEN ` + readable + ` THEN lower(p.prosrc) ~ CASE p.provolatile WHEN 'v' THEN '` + settingWords +
		`' ELSE '\m(set_config|execute)\M' END ELSE p.provolatile = 'v' OR ` + inTree(atomicBody, settingOIDs) + ` END`); err != nil {
		return nil, err
	}
	d := &setters{ctx: ctx, r: r, names: map[string]bool{}, seen: []string{"0"}}
	if err := d.all(readable + ` AND ` + defines); err != nil {
		return nil, err
	}
	out := make([]string, 0, len(s.names)+len(d.names)+1)
	for name := range s.names {
		out = append(out, "session "+name)
	}
	for name := range d.names {
		out = append(out, "defines "+name)
	}
	err := query(ctx, r, anySets(strings.Join(s.seen, ", ")), func(sealdriver.Row) error {
		out = append(out, "session *")
		return nil
	})
	slices.Sort(out)
	return out, err
}

// maxWords is how many names bodies are searched for at once: the time grows with their
// number times that of the functions.
const maxWords = 200

// all adds the functions for which a condition holds, and those that call one of them;
// where these are very many, all.
func (s *setters) all(where string) error {
	err := s.find(`p.prokind <> 'a' AND ` + where)
	for err == nil && len(s.oids) > 0 {
		if len(s.words) > maxWords {
			return s.find("p.prokind <> 'a' AND " + readable)
		}
		err = s.find(readable + ` AND lower(p.prosrc) ~ '` + strings.Join(s.words, "|") + `'
	OR ` + inTree(atomicBody, `'`+strings.Join(s.oids, "|")+`'`) + `
	OR p.prokind = 'a' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
		AND d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (` + strings.Join(s.oids, ", ") + `))`)
	}
	return err
}

// readable are routines whose body is text.
const readable = `l.lanname IN ('sql', 'plpgsql') AND p.prosrc <> ''`

// setters collects the routines that may change the session, or the catalog.
type setters struct {
	ctx   context.Context
	r     *sealdriver.Reader
	names map[string]bool
	seen  []string // the OIDs of all
	// oids are those found last, and words their names as regular expressions: of
	// those that belong to no extension, whose routines call none of users.
	oids, words []string
}

// find adds the routines for which a condition holds.
func (s *setters) find(where string) error {
	s.oids, s.words = nil, nil
	return query(s.ctx, s.r, `SELECT p.oid::bigint, lower(p.proname), EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= `+firstUserOID+` AND `+userSchemas+` AND (`+where+`) AND p.oid NOT IN (`+strings.Join(s.seen, ", ")+`)
	AND NOT EXISTS (`+trustedCode("'pg_proc'::regclass", "p.oid")+`)`, func(v sealdriver.Row) error {
		s.names[v.Text(1)] = true
		if !v.Bool(2) {
			s.oids, s.words, s.seen = append(s.oids, v.Text(0)), append(s.words, wordOf(v.Text(1))), append(s.seen, v.Text(0))
		}
		return nil
	})
}

// wordOf is the regular expression of a name, in an SQL string, that finds it where it
// stands for itself. Letters beyond ASCII are none to some locales.
func wordOf(name string) string {
	var b strings.Builder
	plain := true
	for i := range len(name) {
		c := name[i]
		if word := c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'; word || c >= 0x80 {
			b.WriteByte(c)
			plain = plain && word
			continue
		}
		plain = false
		if b.WriteByte('\\'); c == '\'' {
			b.WriteByte(c)
		}
		b.WriteByte(c)
	}
	if !plain {
		return b.String()
	}
	return `\m` + b.String() + `\M`
}

// anySets has a row where a type, a cast or an operator runs one of the routines, or a
// type one of settingBuiltin.
func anySets(oids string) string {
	return `WITH called AS (SELECT p.oid FROM pg_proc p WHERE p.oid IN (` + oids + `) OR ` + settingBuiltin + `)
SELECT 1 WHERE EXISTS (SELECT FROM pg_cast f WHERE f.castfunc IN (` + oids + `) AND f.castfunc <> 0)
	OR EXISTS (SELECT FROM pg_operator o WHERE o.oprcode IN (` + oids + `) AND o.oprcode <> 0)
	OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (` + oids + `) AND d.classid = 'pg_type'::regclass)
	OR EXISTS (SELECT FROM pg_type t JOIN called c ON t.typdefaultbin::text LIKE '%:funcid ' || c.oid || ' %' WHERE t.oid >= ` + firstUserOID + ` AND t.typtype = 'd')
	OR EXISTS (SELECT FROM pg_constraint k JOIN called c ON k.conbin::text LIKE '%:funcid ' || c.oid || ' %' WHERE k.contypid <> 0)`
}
