package rewrite

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// A contains index has no index of the database's own on MySQL and SQLite: its
// column holds a set. A table beside the annotated one holds a row for each
// token, and triggers keep it, so that it changes with the column whatever
// statement changes that, and no statement of the caller's counts its rows.
// Where the table or a trigger is missing or is another, the tokens of all rows
// are read through instead: slower, and as right.
//
// A row whose token is empty stands for every row of the annotated table, for
// patterns that have nothing to look up.

// side is the table of a contains index.
type side struct {
	table RelationID
	// keys are the columns of the annotated table that tell its rows.
	keys []string
	// joined: see writeSideJoin.
	joined bool
}

// tokenPrefix begins the names of these tables and triggers.
const tokenPrefix = "sealsql_tokens_"

// filledColumn stands in the table once the rows that there were before are in
// it (MySQL, whose definitions are not transactional).
const filledColumn = "filled"

// hasSide reports an index that has a table of tokens.
func hasSide(d Dialect, f *schema.Fragments) bool {
	return d != Postgres && f.Kind == schema.ContainsFragments
}

// SideName is the name of the table of tokens, and with a suffix that of a
// trigger.
func SideName(f *schema.Fragments, suffix string) string {
	name := tokenPrefix + strings.ToLower(f.Of.Table.Name) + "_" + strings.ToLower(f.Name)
	if len(name)+4 > maxGuardName {
		h := fnv.New64a()
		h.Write([]byte(name))
		name = strings.ToValidUTF8(name[:maxGuardName-21], "") + fmt.Sprintf("_%016x", h.Sum64())
	}
	return name + suffix
}

// sideTrigger is one of the triggers that keep a table of tokens.
type sideTrigger struct{ name, event, body string }

// create is the CREATE TRIGGER on a table.
func (t *sideTrigger) create(quote func(string) string, table string) string {
	return "CREATE TRIGGER " + quote(t.name) + " " + t.event + " ON " + quote(table) + " FOR EACH ROW " + t.body
}

// text is what the catalog reports of the trigger.
func (t *sideTrigger) text(d Dialect, quote func(string) string, table string) string {
	if d == SQLite {
		return TriggerText(t.create(quote, table))
	}
	return TriggerText(t.event, t.body)
}

// IsTokenTrigger reports the name of a trigger that keeps tokens, whose text
// catalogs report.
func IsTokenTrigger(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), tokenPrefix)
}

// TriggerText is the text of a trigger as it is compared, blanks collapsed: on
// SQLite the CREATE TRIGGER, on MySQL when it runs ("AFTER INSERT") and its body.
func TriggerText(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// sideTriggers are the triggers of an index over the rows that keys tell.
func sideTriggers(d Dialect, quote func(string) string, x *schema.Fragments, keys []string) []sideTrigger {
	put, drop := sqliteTokens(quote, x, keys)
	if d == MySQL {
		put, drop = mysqlTokens(quote, x, keys)
	}
	update := "AFTER UPDATE"
	if d == SQLite {
		update += " OF " + prefixed("", quote, append([]string{x.Name}, keys...))
	}
	return []sideTrigger{
		{SideName(x, "_ins"), "AFTER INSERT", "BEGIN " + put + " END"},
		{SideName(x, "_upd"), update, updateBody(d, quote, x, keys, drop, put)},
		{SideName(x, "_del"), "AFTER DELETE", "BEGIN " + drop + " END"},
	}
}

// updateBody leaves updates of other columns alone. @sealsql_fill is set while
// rows that were there before are filled in.
func updateBody(d Dialect, quote func(string) string, x *schema.Fragments, keys []string, drop, put string) string {
	if d == SQLite {
		return "BEGIN " + drop + " " + put + " END"
	}
	var same []string
	for _, c := range append([]string{x.Name}, keys...) {
		same = append(same, "OLD."+quote(c)+" <=> NEW."+quote(c))
	}
	return "BEGIN IF @sealsql_fill IS NOT NULL OR NOT (" + strings.Join(same, " AND ") + ") THEN BEGIN " + drop + " END; BEGIN " + put + " END; END IF; END"
}

// keyNames are the columns of the table of tokens that hold the key.
func keyNames(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("k%d", i+1)
	}
	return out
}

func prefixed(prefix string, quote func(string) string, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + quote(n)
	}
	return strings.Join(out, ", ")
}

// sqliteTokens are the statements of a trigger that put the tokens of NEW in and
// take those of OLD out.
func sqliteTokens(quote func(string) string, x *schema.Fragments, keys []string) (put, drop string) {
	col, table := quote(x.Name), quote(SideName(x, ""))
	each := func(row string) string {
		return fmt.Sprintf("(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + %d FROM c WHERE n + %[1]d <= length(%s.%s)) SELECT n FROM c)", schema.TokenBytes, row, col)
	}
	names := keyNames(len(keys))
	var null, where []string
	for i, k := range keys {
		null = append(null, "NEW."+quote(k)+" IS NULL")
		where = append(where, names[i]+" IS OLD."+quote(k))
	}
	put = "SELECT RAISE(ABORT, 'sealsql: a row without a key cannot be searched') WHERE NEW." + col + " IS NOT NULL AND (" + strings.Join(null, " OR ") + "); " +
		"INSERT OR IGNORE INTO " + table + " (token, " + strings.Join(names, ", ") + ") " +
		"SELECT x'', " + prefixed("NEW.", quote, keys) + " WHERE NEW." + col + " IS NOT NULL UNION ALL " +
		fmt.Sprintf("SELECT substr(NEW.%s, n, %d), ", col, schema.TokenBytes) + prefixed("NEW.", quote, keys) + " FROM " + each("NEW") + " WHERE NEW." + col + " IS NOT NULL;"
	drop = "DELETE FROM " + table + " WHERE " + strings.Join(where, " AND ") + " AND token IN (SELECT x'' UNION ALL " +
		fmt.Sprintf("SELECT substr(OLD.%s, n, %d)", col, schema.TokenBytes) + " FROM " + each("OLD") + ");"
	return put, drop
}

// mysqlTokens are those for MySQL and MariaDB, in a block.
func mysqlTokens(quote func(string) string, x *schema.Fragments, keys []string) (put, drop string) {
	col, table := quote(x.Name), quote(SideName(x, ""))
	names := keyNames(len(keys))
	var where []string
	for i, k := range keys {
		where = append(where, names[i]+" = OLD."+quote(k))
	}
	loop := func(row, body string) string {
		return fmt.Sprintf("WHILE n <= LENGTH(%s.%s) DO %s; SET n = n + %d; END WHILE;", row, col, body, schema.TokenBytes)
	}
	insert := func(token string) string {
		return "INSERT INTO " + table + " (token, " + strings.Join(names, ", ") + ") VALUES (" + token + ", " + prefixed("NEW.", quote, keys) + ") ON DUPLICATE KEY UPDATE token = VALUES(token)"
	}
	remove := func(token string) string {
		return "DELETE FROM " + table + " WHERE token = " + token + " AND " + strings.Join(where, " AND ")
	}
	substr := func(row string) string { return fmt.Sprintf("SUBSTR(%s.%s, n, %d)", row, col, schema.TokenBytes) }
	put = "DECLARE n BIGINT DEFAULT 1; IF NEW." + col + " IS NOT NULL THEN " + insert("''") + "; " + loop("NEW", insert(substr("NEW"))) + " END IF;"
	drop = "DECLARE n BIGINT DEFAULT 1; IF OLD." + col + " IS NOT NULL THEN " + remove("''") + "; " + loop("OLD", remove(substr("OLD"))) + " END IF;"
	return put, drop
}

// SideDDL are the statements that make the table of tokens and the triggers of
// an index on an existing table, and fill it, in the place of what there may be
// of them; nil where the index has none, or the table no key that tells its
// rows. They move no value. On SQLite they are one transaction; on MySQL they
// set a variable of the session, and writes to the table fail while its triggers
// are there and the table of tokens is not.
func SideDDL(f Frontend, r *SnapshotRelation, x *schema.Fragments) []string {
	d, quote := f.Dialect(), f.QuoteIdent
	keys := sideKey(d, r)
	if !hasSide(d, x) || keys == nil {
		return nil
	}
	table, main := quote(SideName(x, "")), quote(r.ID.Name)
	cols := []string{"token varbinary(4) NOT NULL"}
	if d == SQLite {
		cols[0] = "token blob NOT NULL"
	}
	names := keyNames(len(keys))
	for i, k := range keys {
		cols = append(cols, names[i]+" "+keyType(d, r, k)+" NOT NULL")
	}
	create := "CREATE TABLE " + table + " (" + strings.Join(cols, ", ") + ", PRIMARY KEY (token, " + strings.Join(names, ", ") + "))"
	if d == SQLite {
		create += " WITHOUT ROWID"
	}
	var out []string
	if d == SQLite {
		out = append(out, "BEGIN IMMEDIATE")
	}
	triggers := sideTriggers(d, quote, x, keys)
	for _, t := range triggers {
		out = append(out, "DROP TRIGGER IF EXISTS "+quote(t.name))
	}
	out = append(out, "DROP TABLE IF EXISTS "+table, create)
	for _, t := range triggers {
		out = append(out, t.create(quote, r.ID.Name))
	}
	fill := "UPDATE " + main + " SET " + quote(x.Name) + " = " + quote(x.Name)
	if d == SQLite {
		return append(out, fill, "COMMIT")
	}
	return append(out, "SET @sealsql_fill = 1", fill, "SET @sealsql_fill = NULL", "ALTER TABLE "+table+" ADD COLUMN "+filledColumn+" tinyint")
}

// keyType is the type of a key column as the catalog spells it.
func keyType(d Dialect, r *SnapshotRelation, name string) string {
	for i := range r.Columns {
		c := &r.Columns[i]
		switch {
		case !schema.EqualNames(c.Name, name):
		case d == MySQL && c.Collation != "":
			return c.Type + " COLLATE " + c.Collation
		default:
			return c.Type
		}
	}
	return ""
}

// sideKey is the first key of a table whose columns are never NULL; SQLite's
// first one else, whose NULLs the trigger refuses.
func sideKey(d Dialect, r *SnapshotRelation) []string {
	for _, set := range r.Unique {
		if len(set) > 0 && !slices.ContainsFunc(set, func(name string) bool { return !neverNull(r, name) }) && !changesUnseen(d, r, set) {
			return set
		}
	}
	if d == SQLite && len(r.Unique) > 0 {
		return r.Unique[0]
	}
	return nil
}

// changesUnseen reports a key that a foreign key changes with a row of another table:
// MySQL runs no triggers for that, and the tokens would stay those of the key before.
func changesUnseen(d Dialect, r *SnapshotRelation, keys []string) bool {
	return d == MySQL && slices.ContainsFunc(r.References, func(ref SnapshotReference) bool {
		return slices.ContainsFunc(ref.Changes, func(c SnapshotChange) bool { return containsFold(keys, c.Column) })
	})
}

func neverNull(r *SnapshotRelation, name string) bool {
	for i := range r.Columns {
		if schema.EqualNames(r.Columns[i].Name, name) {
			return r.Columns[i].NotNull
		}
	}
	return false
}

// sides finds the tables of tokens of an annotated table that are complete, and
// the triggers that are exactly sealsql's, which run also while a table is made.
func sides(d Dialect, quote func(string) string, r *SnapshotRelation, t *schema.Table, find func(RelationID) *SnapshotRelation) (map[*schema.Fragments]*side, map[string]bool) {
	var out map[*schema.Fragments]*side
	var trusted map[string]bool
	for _, x := range containing(t) {
		if !hasSide(d, x) {
			continue
		}
		table := find(RelationID{r.ID.Schema, SideName(x, "")})
		for _, keys := range r.Unique {
			names := kept(d, quote, r, sideTriggers(d, quote, x, keys))
			for _, name := range names {
				if trusted == nil {
					trusted = map[string]bool{}
				}
				trusted[name] = true
			}
			if len(names) < 3 || changesUnseen(d, r, keys) || table == nil || table.Kind != RelTable || len(table.Triggers) > 0 || !sideColumns(d, table, len(keys)) {
				continue
			}
			if out == nil {
				out = map[*schema.Fragments]*side{}
			}
			out[x] = &side{table.ID, keys, d == MySQL}
		}
	}
	return out, trusted
}

// containing are the contains indexes of a table's columns, with those to which
// and from which they are moved.
func containing(t *schema.Table) []*schema.Fragments {
	var out []*schema.Fragments
	for _, c := range t.Columns {
		for _, x := range c.Hidden() {
			if f, ok := x.(*schema.Fragments); ok && f.Kind == schema.ContainsFragments {
				out = append(out, f)
			}
		}
	}
	return out
}

// sideColumns reports a table of tokens with n key columns that is filled.
func sideColumns(d Dialect, r *SnapshotRelation, n int) bool {
	want := append([]string{"token"}, keyNames(n)...)
	if d == MySQL {
		want = append(want, filledColumn)
	}
	if len(r.Columns) != len(want) {
		return false
	}
	for i, name := range want {
		if !strings.EqualFold(r.Columns[i].Name, name) {
			return false
		}
	}
	return true
}

// kept lists the triggers that a table has exactly as they are wanted, in lower
// case.
func kept(d Dialect, quote func(string) string, r *SnapshotRelation, want []sideTrigger) []string {
	var out []string
	for i := range want {
		w := &want[i]
		if slices.ContainsFunc(r.Triggers, func(t SnapshotTrigger) bool {
			return strings.EqualFold(t.Name, w.name) && t.Text == w.text(d, quote, r.ID.Name)
		}) {
			out = append(out, strings.ToLower(w.name))
		}
	}
	return out
}

// writeSide writes the condition on a table of tokens: that it holds all of
// them for the row.
func (b *builder) writeSide(out []byte, l *liked, p *likePart) []byte {
	f := b.a.front
	own := func(out []byte, key string) []byte {
		last := l.ref.Path[len(l.ref.Path)-1]
		out = append(out, b.a.script.Text[l.ref.Start:last.Start]...)
		return f.AppendIdent(out, key)
	}
	keys := p.side.keys
	if len(keys) > 1 {
		out = append(out, '(')
	}
	for i, k := range keys {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = own(out, k)
	}
	if len(keys) > 1 {
		out = append(out, ')')
	}
	out = append(out, " IN ("...)
	if p.side.joined {
		return append(b.writeSideJoin(out, p), ')')
	}
	names := keyNames(len(keys))
	table := f.QuoteIdent(p.side.table.Schema) + "." + f.QuoteIdent(p.side.table.Name)
	out = append(out, "SELECT "...)
	for i, n := range names {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, sideAlias(0)+"."+n...)
	}
	for i := range p.slots {
		a := sideAlias(i)
		if i > 0 {
			out = append(out, " AND EXISTS (SELECT 1"...)
		}
		out = append(out, " FROM "+table+" AS "+a+" WHERE "+a+".token = "...)
		out = b.writeSlot(out, p.slots[i])
		for _, n := range names {
			if i > 0 {
				out = append(out, " AND "+a+"."+n+" = "+sideAlias(0)+"."+n...)
			}
		}
		if i > 0 {
			out = append(out, ')')
		}
	}
	return append(out, ')')
}

func sideAlias(i int) string { return fmt.Sprintf("sealsql_t%d", i+1) }

// side compares what stands in the place of a LIKE with what writeSide writes.
func (v verifier) side(l *liked, p *likePart, y Expr) bool {
	in, ok := y.(*In)
	if !ok || in.Not || len(in.List) > 0 || in.Query == nil {
		return false
	}
	got := []Expr{in.X}
	if row, ok := in.X.(*Row); ok {
		got = row.Items
	}
	n := len(l.ref.Path) - 1
	if len(got) != len(p.side.keys) {
		return false
	}
	for i, k := range p.side.keys {
		ref, ok := got[i].(*ColumnRef)
		if !ok || len(ref.Path) != n+1 || !idents(l.ref.Path[:n], ref.Path[:n]) || ref.Path[n].Name != k {
			return false
		}
	}
	if p.side.joined {
		return v.sideJoin(p, in.Query)
	}
	var items []string
	for _, name := range keyNames(len(p.side.keys)) {
		items = append(items, sideAlias(0)+"."+name)
	}
	return v.sideQuery(p, 0, items, in.Query)
}

// sideQuery compares the query over token i, and those inside it.
func (v verifier) sideQuery(p *likePart, i int, items []string, q *Query) bool {
	s := bareSelect(q)
	if s == nil || s.Distinct || len(s.Items) != len(items) || len(s.From) != 1 {
		return false
	}
	for k, want := range items {
		if spelt(s.Items[k].Expr) != want {
			return false
		}
	}
	if !p.isSide(s.From[0], i) {
		return false
	}
	conds := conjuncts(s.Where)
	names := keyNames(len(p.side.keys))
	want := 1 + len(names)
	if i == 0 {
		want = len(p.slots)
	}
	if len(conds) != want || !v.sideEquals(sideAlias(i)+".token", "", p.slots[i], conds[0]) {
		return false
	}
	for k, cond := range conds[1:] {
		if i > 0 {
			if !v.sideEquals(sideAlias(i)+"."+names[k], sideAlias(0)+"."+names[k], nil, cond) {
				return false
			}
			continue
		}
		sub, ok := cond.(*Subquery)
		if !ok || sub.Kind != SubExists || sub.X != nil || !v.sideQuery(p, k+1, []string{"1"}, sub.Query) {
			return false
		}
	}
	return true
}

// sideEquals compares "left = right", where right is a name or the value of a
// slot.
func (v verifier) sideEquals(left, right string, s *slot, y Expr) bool {
	o, ok := y.(*Op)
	if !ok || o.Name != "=" || len(o.Args) != 2 || spelt(o.Args[0]) != left {
		return false
	}
	if s != nil {
		return v.slot(s, o.Args[1])
	}
	return spelt(o.Args[1]) == right
}

// spelt is a column with its qualifier, or a number.
func spelt(e Expr) string {
	switch x := e.(type) {
	case *ColumnRef:
		names := make([]string, len(x.Path))
		for i := range x.Path {
			names[i] = x.Path[i].Name
		}
		return strings.Join(names, ".")
	case *Literal:
		return x.Value
	}
	return ""
}

// find returns a relation of the snapshot, or nil.
func (s *Snapshot) find(id RelationID) *SnapshotRelation {
	for i := range s.Relations {
		r := &s.Relations[i]
		if !r.Temp && strings.EqualFold(r.ID.Schema, id.Schema) && strings.EqualFold(r.ID.Name, id.Name) {
			return r
		}
	}
	return nil
}

// isSide reports a table of tokens of an annotated table.
func (n *namespace) isSide(id RelationID) bool {
	if !IsTokenTrigger(id.Name) {
		return false
	}
	for _, t := range n.ann.Tables() {
		for _, x := range containing(t) {
			if hasSide(n.dialect, x) && strings.EqualFold(SideName(x, ""), id.Name) {
				return true
			}
		}
	}
	return false
}

// quoteIdent quotes names as the dialect does, where no front end is at hand.
func quoteIdent(d Dialect) func(string) string {
	mark := `"`
	if d == MySQL {
		mark = "`"
	}
	return func(name string) string { return mark + strings.ReplaceAll(name, mark, mark+mark) + mark }
}

// MissingSides lists the contains indexes of an annotated table that could have
// a table of tokens and have none that is complete.
func MissingSides(f Frontend, snap *Snapshot, r *SnapshotRelation, t *schema.Table) []*schema.Fragments {
	d := f.Dialect()
	have, _ := sides(d, f.QuoteIdent, r, t, snap.find)
	var out []*schema.Fragments
	for _, x := range containing(t) {
		if hasSide(d, x) && have[x] == nil && sideKey(d, r) != nil && slices.Contains(x.Of.Indexes(), schema.Index(x)) {
			out = append(out, x)
		}
	}
	return out
}

// FragmentIndexName is the name of the database's own index of a fragment index.
func FragmentIndexName(x *schema.Fragments) string {
	return "sealsql_index" + strings.TrimPrefix(guardName(x.Of.Table.Name, x.Name), strings.TrimSuffix(guardPrefix, "_"))
}

// FragmentIndex is the statement that makes it, "" where there is none. table is
// quoted.
func FragmentIndex(f Frontend, table string, x *schema.Fragments) string {
	if hasSide(f.Dialect(), x) {
		return ""
	}
	return fragmentIndex(f, f.QuoteIdent(FragmentIndexName(x)), table, x)
}

func fragmentIndex(f Frontend, name, table string, x *schema.Fragments) string {
	using := ""
	if isArray(f.Dialect(), x) {
		using = "USING gin "
	}
	return "CREATE INDEX " + name + " ON " + table + " " + using + "(" + f.QuoteIdent(x.Name) + ")"
}
