package rewrite

import "strings"

// eachTime are functions that answer otherwise each time they are asked, or do
// something when they are: what is written twice into a statement must not hold them.
// The clocks that stand still for a statement (now(), datetime('now')) are not among
// them (PostgreSQL §38.7 and pg_proc.provolatile, MySQL 8.0 §17.2.1.7, SQLite
// deterministic.html).
var eachTime = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range strings.Fields("clock_timestamp timeofday random random_normal setseed gen_random_uuid uuidv4 uuidv7 nextval setval currval lastval " +
		"array_sample array_shuffle encrypt rand uuid uuid_short uuid_v4 uuid_v7 sys_guid sysdate random_bytes sleep benchmark last_insert_id row_count found_rows " +
		"get_lock release_lock release_all_locks is_free_lock is_used_lock randomblob changes total_changes last_insert_rowid") {
		m[s] = true
	}
	return m
}()

// sameEachTime are the constructs without a node of their own that answer the same for
// the same row, as far as what stands in them does. A construct that is not here may be
// anything: NEXT VALUE FOR, a variable that is assigned or that another part of the
// statement may assign, the default of a column.
var sameEachTime = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range []string{
		"ARRAY[…]", "named argument", "field selection", "subscript",
		"IS JSON", "JSON_VALUE, JSON_QUERY or JSON_EXISTS", "JSON_OBJECT", "JSON_ARRAY", "JSON function", "JSON_VALUE",
		"XMLCONCAT", "XMLELEMENT", "XMLFOREST", "XMLPARSE", "XMLPI", "XMLROOT", "XMLSERIALIZE", "IS DOCUMENT",
		"MEMBER OF", "MATCH … AGAINST", "CONVERT … USING", "CHAR … USING", "||",
		"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
	} {
		m[s] = true
	}
	return m
}()

// onceOnly reports what must not be asked once more for the same row, in an expression,
// outside of queries: a call of one of these functions, of PostgreSQL's own about the
// server (pg_…), or of a routine, of which nothing is known; and a construct that is not
// known to answer the same.
func (a *analysis) onceOnly(e Expr) bool {
	if e == nil {
		return false
	}
	if o, ok := e.(*Opaque); ok && (!sameEachTime[o.What] || len(o.Queries) > 0) {
		return true
	}
	if c, ok := e.(*Call); ok {
		name := strings.ToLower(c.Name[len(c.Name)-1].Name)
		if eachTime[name] || strings.HasPrefix(name, "pg_") || a.cat.Declared(c.Name) || !a.front.Function(name) {
			return true
		}
	}
	es, _ := kids(e)
	for _, k := range es {
		if a.onceOnly(k) {
			return true
		}
	}
	return false
}
