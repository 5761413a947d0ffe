package rewrite_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// mutator makes statements out of others of one dialect: it changes their
// tokens, which mostly gives texts that no parser takes, and exchanges parts of
// their trees for parts of other trees, which mostly gives texts that it takes.
type mutator struct {
	front   rewrite.Frontend
	session *rewrite.Session
	// parts are texts of nodes by their class, for exchanges.
	parts map[string][]string
	seen  map[string]bool
	last  string // the text that was parsed last
}

// node is a part of a text with its class: expr, table, body, item, assign,
// statement.
type node struct {
	class string
	rewrite.Span
}

var (
	exprType      = reflect.TypeFor[rewrite.Expr]()
	tableType     = reflect.TypeFor[rewrite.TableExpr]()
	bodyType      = reflect.TypeFor[rewrite.Body]()
	statementType = reflect.TypeFor[rewrite.Statement]()
	itemType      = reflect.TypeFor[rewrite.SelectItem]()
	assignType    = reflect.TypeFor[rewrite.Assign]()
	spanType      = reflect.TypeFor[rewrite.Span]()
)

// nodes lists the parts of a text; none where it is not parsed.
func (m *mutator) nodes(text string) (out []node) {
	m.last = text
	script, err := m.front.Parse(text, m.session)
	if err != nil {
		return nil
	}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if class := classOf(v.Type()); class != "" {
				s := v.FieldByName("Span").Interface().(rewrite.Span)
				if s.Known() && s.Start >= 0 && s.End <= len(text) {
					out = append(out, node{class, s})
				}
			}
			for i := range v.NumField() {
				if v.Field(i).Type() != spanType {
					walk(v.Field(i))
				}
			}
		}
	}
	for _, st := range script.Statements {
		walk(reflect.ValueOf(st))
	}
	return out
}

func classOf(t reflect.Type) string {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(exprType):
		return "expr"
	case p.Implements(tableType):
		return "table"
	case p.Implements(bodyType):
		return "body"
	case p.Implements(statementType):
		return "statement"
	case t == itemType:
		return "item"
	case t == assignType:
		return "assign"
	}
	return ""
}

// learn keeps the parts of a text for exchanges.
func (m *mutator) learn(text string) {
	for _, n := range m.nodes(text) {
		part := text[n.Start:n.End]
		if key := n.class + part; len(part) < 300 && !m.seen[key] {
			m.seen[key] = true
			m.parts[n.class] = append(m.parts[n.class], part)
		}
	}
}

func newMutator(front rewrite.Frontend, s *rewrite.Session) *mutator {
	m := &mutator{front: front, session: s, parts: map[string][]string{}, seen: map[string]bool{}}
	for _, list := range [][]string{odd, map[rewrite.Dialect][]string{rewrite.Postgres: oddPostgres, rewrite.MySQL: oddMySQL, rewrite.SQLite: oddSQLite}[front.Dialect()]} {
		m.parts["odd"] = append(m.parts["odd"], list...)
	}
	return m
}

// mark stands for the canary in parts that are put in: a mutant has it as
// arguments, as literals or not at all.
const mark = "\x01"

// odd are expressions that seldom stand where they are put; % is what stood
// there.
var odd = []string{
	"NULL", "DEFAULT", "(%, %)", "ROW(%, 1)", "(%)", "((%))", "-%", "NOT %", "% IS NULL", "% IS NOT NULL", "% = %", "% <> ''", "% = " + mark, mark + " = %", "% > 0", "% || ''",
	"(SELECT %)", "(SELECT % AS x)", "(SELECT * FROM (SELECT %) q)", "(SELECT max(%))", "EXISTS (SELECT %)", "% IN (%)", "% IN (" + mark + ", " + mark + ")", "% NOT IN (SELECT %)", "% BETWEEN % AND " + mark,
	"COALESCE(%)", "COALESCE(%, " + mark + ")", "COALESCE(" + mark + ", %)", "COALESCE()", "NULLIF(%, " + mark + ")", "NULLIF(%)", "CASE WHEN % THEN % END", "CASE % WHEN " + mark + " THEN % ELSE " + mark + " END", "CASE WHEN " + mark + " <> '' THEN % ELSE " + mark + " END",
	"CAST(% AS char)", "CAST(" + mark + " AS int)", "lower(%)", "upper()", "length(%)", "count(%)", "count(*)", "count(DISTINCT %)", "min(%)", "max(%, " + mark + ")", "sum(%) OVER ()", "lag(%) OVER (ORDER BY %)", "first_value(%) OVER (PARTITION BY %)", "row_number() OVER ()", "concat(%, " + mark + ")",
	"% LIKE '" + mark + "%'", "% LIKE " + mark, "% LIKE " + mark + " ESCAPE '!'", "% COLLATE nocase", "(VALUES (%))", "%, %", "", "*", "1", "0", "1.5", "''", "x'f9'", "TRUE", "%%", "(% IS NULL OR % = " + mark + ")", "(% AND %)", "(% OR %)", mark, "(" + mark + ")", "substr(%, 1, 2)", "replace(%, " + mark + ", '')", "trim(%)", "abs(%)",
}

var oddPostgres = []string{
	"%::text", "%::int", "%::bytea", mark + "::text", mark + "::int = 1", "% = ANY(%)", "% = ANY(" + mark + ")", "% = ANY(ARRAY[" + mark + "])", "% <> ALL('{" + mark + "}')", "ARRAY[%]", "ARRAY[" + mark + "]", "(%).x", "%[1]", "% IS DISTINCT FROM " + mark, "% ~ " + mark, "% ILIKE " + mark, "% IS TRUE",
	"array_length(%, 1)", "array_length()", "array_length(" + mark + "::int[], 1) > 0", "cardinality(%)", "cardinality(" + mark + "::text[]) = 0", "array_agg(%)", "string_agg(%, " + mark + ")", "jsonb_build_object('a', %)", "to_jsonb(%)", "GREATEST(%, " + mark + ")", "unnest(%)", "EXTRACT(year FROM %)", "% AT TIME ZONE 'utc'", "ROW()", "ROW(%)", "E'" + mark + "'", "$$" + mark + "$$", "OVERLAY(% PLACING " + mark + " FROM 1)", "pg_notify('c', " + mark + ")", "set_config('a.b', " + mark + ", false)", "encode(%, 'hex')", "substring(% from 1 for 2)", "position(" + mark + " in %)",
}

var oddMySQL = []string{
	"% <=> " + mark, "IF(%, %, " + mark + ")", "IF()", "IFNULL(%, " + mark + ")", "IFNULL(%)", "VALUES(%)", "DEFAULT(%)", "@v := %", "@v", "BINARY %", "% REGEXP " + mark, "% XOR %", "GROUP_CONCAT(% SEPARATOR ',')", "CONVERT(% USING utf8mb4)", "CAST(% AS CHAR)", "ISNULL(%)", "NVL2(%, %, %)", "NVL(%)", "ELT(1, %)", "FIELD(%, " + mark + ")", "JSON_EXTRACT(%, '$')", "MATCH (%) AGAINST (" + mark + ")", "_utf8mb4'" + mark + "'", "N'" + mark + "'", "\"" + mark + "\"", "INTERVAL(%, 1)", "% DIV 2", "STRCMP(%, " + mark + ")", "ANY_VALUE(%)", "INSERT(%, 1, 1, " + mark + ")", "{d %}", "GET_LOCK(" + mark + ", 1)",
}

var oddSQLite = []string{
	"% IS " + mark, "% IS NOT " + mark, "% == " + mark, "% GLOB " + mark, "iif(%, %, " + mark + ")", "iif(%)", "ifnull(%, " + mark + ")", "ifnull(%)", "CAST(" + mark + " AS INTEGER)", "CAST(CAST(% AS TEXT) AS BLOB)", "% NOTNULL", "% ISNULL", "% COLLATE BINARY", "+%", "json_extract(%, '$')", "group_concat(%, " + mark + ")", "printf('%s', " + mark + ")", "min(%, " + mark + ")", "likely(%)", "unhex(hex(%))", "\"" + mark + "\"", "instr(%, " + mark + ")", "% IN (VALUES (" + mark + "))", "% -> '$'", "raise(abort, " + mark + ")", "rowid", "like(" + mark + ", %)", "glob(%)", "quote(%)", "typeof(%)",
}

// clauses are put behind statements.
var clauses = []string{
	" RETURNING *", " RETURNING %", " WHERE %", " AND %", " OR %", " ORDER BY %", " ORDER BY 1", " GROUP BY %", " GROUP BY 1", " HAVING %", " LIMIT 1", " LIMIT %", " LIMIT 1 OFFSET 2", " FOR UPDATE", " UNION SELECT %", " UNION ALL SELECT %", " EXCEPT SELECT %",
	" ON CONFLICT DO NOTHING", " ON CONFLICT (id) DO UPDATE SET %", " ON DUPLICATE KEY UPDATE %", "; SELECT %", "; SELECT 1", ";", " -- x", " /* " + mark + " */", ", %", " WINDOW w AS (PARTITION BY %)", " OFFSET 1",
}

var heads = []string{"EXPLAIN ", "WITH q AS (SELECT % AS c) ", "EXPLAIN ANALYZE ", "PREPARE p AS ", "DECLARE c CURSOR FOR ", "CREATE TABLE z AS ", "CREATE VIEW z AS ", "SELECT 1; ", "(", "INSERT INTO users (id, ssn) ", "SELECT * FROM ", "EXECUTE "}

var operators = []string{"=", "<>", "<", "<=", ">", ">=", "||", "+", "-", "*", "/", "%", "AND", "OR", "LIKE", "NOT LIKE", "IN", "IS", "IS NOT", "BETWEEN", ",", "(", ")", ".", "::", "<=>", "->>", "NOT", "NULL", "DEFAULT", "IS NULL", "DISTINCT", "ALL", "AS", "ON", "USING", "SET", "VALUES", "FROM", "WHERE", "SELECT", "CASE", "END", "CAST(", "*", "1", "$1", "?", "ANY", ":=", "@", "~", "!", "^", "&", "|", "COLLATE", "ESCAPE", "OVER ()", "FILTER (WHERE true)", "NATURAL JOIN", "LEFT JOIN", "CROSS JOIN", ";", "EXCLUDED", "RETURNING", "LIMIT"}

// names returns the words of a world: its tables and columns, and what belongs
// to sealsql.
func (w *world) names() (tables, columns []string) {
	for _, r := range w.snap.Relations {
		tables = append(tables, r.ID.Name)
		for _, c := range r.Columns {
			columns = append(columns, c.Name)
		}
	}
	return tables, append(columns, "nosuch", "rowid", "ctid")
}

// mutate changes a text n times.
func (m *mutator) mutate(r *rand.Rand, text string, tables, columns []string, n int) string {
	for range n {
		if len(text) > 4000 {
			return text
		}
		if r.IntN(3) > 0 {
			text = m.byTree(r, text, tables, columns)
		} else {
			text = m.byTokens(r, text, tables, columns)
		}
	}
	return text
}

func pick(r *rand.Rand, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[r.IntN(len(list))]
}

// fill puts x in the place of every % that is not the end of a pattern.
func fill(form, x string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(form, mark+"%'", mark+"\x02'"), "%", x), "\x02", "%")
}

func (m *mutator) byTree(r *rand.Rand, text string, tables, columns []string) string {
	nodes := m.nodes(text)
	if len(nodes) == 0 {
		return m.byTokens(r, text, tables, columns)
	}
	n := nodes[r.IntN(len(nodes))]
	old := text[n.Start:n.End]
	put := func(s string) string { return text[:n.Start] + s + text[n.End:] }
	switch k := r.IntN(20); {
	case k < 2:
		return pick(r, []string{text + fill(pick(r, clauses), pick(r, m.parts["expr"])), fill(pick(r, heads), pick(r, m.parts["expr"])) + text})
	case n.class == "expr" && k < 9:
		return put(fill(pick(r, m.parts["odd"]), old))
	case n.class == "expr" && k < 12:
		return put(pick(r, columns))
	case n.class == "expr" && k < 13:
		return put("(SELECT " + pick(r, columns) + " FROM " + pick(r, tables) + ")")
	case n.class == "table" && k < 10:
		return put(pick(r, tables))
	case n.class == "table" && k < 12:
		return put(old + pick(r, []string{", ", " JOIN ", " LEFT JOIN ", " NATURAL JOIN ", " CROSS JOIN "}) + pick(r, tables) + pick(r, []string{"", " x", " ON 1 = 1", " x USING (id)"}))
	case n.class == "table" && k < 14:
		return put("(SELECT * FROM " + old + ") " + pick(r, []string{"x", "AS y (a, b)", "", "users"}))
	case k < 15:
		other := nodes[r.IntN(len(nodes))]
		return put(text[other.Start:other.End])
	case k == 15:
		return put("")
	case k == 16:
		return put(old + ", " + old)
	}
	return put(pick(r, m.parts[n.class]))
}

func (m *mutator) byTokens(r *rand.Rand, text string, tables, columns []string) string {
	var toks []rewrite.Token
	reader := m.front.Tokens(text, m.session)
	for t := (rewrite.Token{}); reader.Next(&t); {
		toks = append(toks, t)
	}
	if len(toks) == 0 {
		return text + pick(r, clauses)
	}
	i := r.IntN(len(toks))
	t := toks[i]
	old := text[t.Start:t.End]
	put := func(s string) string { return text[:t.Start] + s + text[t.End:] }
	switch r.IntN(12) {
	case 0:
		return put("")
	case 1:
		return put(old + " " + old)
	case 2:
		o := toks[r.IntN(len(toks))]
		if o.Start < t.Start {
			t, o = o, t
		}
		if o.Start >= t.End {
			return text[:t.Start] + text[o.Start:o.End] + text[t.End:o.Start] + text[t.Start:t.End] + text[o.End:]
		}
	case 3:
		return put(pick(r, operators))
	case 4:
		return put(" " + pick(r, operators) + " " + old)
	case 5: // what stands in parentheses
		if end := closing(toks, i); end > 0 {
			inside := text[t.End:toks[end].Start]
			return text[:t.End] + pick(r, []string{"", "(" + inside + ")", inside + ", " + inside, "NULL", "SELECT " + inside, "*"}) + text[toks[end].Start:]
		}
	case 6:
		if t.Kind == rewrite.TokParam {
			return put(pick(r, []string{"'" + mark + "'", "NULL", "1", "'x'", "$1", "?", "$99", "?1", ":a"}))
		}
	}
	switch t.Kind {
	case rewrite.TokString, rewrite.TokNumber:
		return put(pick(r, []string{mark, "'" + mark + "'", "NULL", "0", "''", "TRUE", "x'00'", "(" + old + ")", "-" + old, old + "." + old}))
	case rewrite.TokParam:
		return put(pick(r, []string{mark, "'" + mark + "'"}))
	case rewrite.TokPunct:
		return put(" " + pick(r, operators) + " ")
	}
	return put(pick(r, [][]string{tables, columns, columns, operators}[r.IntN(4)]))
}

// closing is the token that closes the parenthesis that token i opens; 0 for
// none.
func closing(toks []rewrite.Token, i int) int {
	depth := 0
	for k := i; k < len(toks) && toks[i].Text == "("; k++ {
		switch toks[k].Text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return k
			}
		}
	}
	return 0
}

// marked puts the canary into the places of a mutant: as placeholders where the
// place is not inside a string, or as literals.
func marked(r *rand.Rand, d rewrite.Dialect, text, canary string, bind bool) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(text); i++ {
		if text[i] != mark[0] {
			b.WriteByte(text[i])
			continue
		}
		before, after := byte(' '), byte(' ')
		if i > 0 {
			before = text[i-1]
		}
		if i+1 < len(text) {
			after = text[i+1]
		}
		switch {
		case strings.IndexByte("'\"$ {", before) >= 0 && before != ' ' || strings.IndexByte("'\"$}%", after) >= 0, before == '*' || after == '*':
			b.WriteString(canary)
		case !bind:
			b.WriteString("'" + canary + "'")
		case d == rewrite.Postgres:
			n++
			b.WriteString("$" + strconv.Itoa(1+r.IntN(3)))
		default:
			b.WriteString("?")
		}
	}
	return b.String()
}
