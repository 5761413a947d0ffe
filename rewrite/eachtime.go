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
		"rand uuid uuid_short uuid_v4 uuid_v7 sys_guid sysdate random_bytes sleep benchmark last_insert_id row_count found_rows " +
		"get_lock release_lock release_all_locks is_free_lock is_used_lock randomblob changes total_changes last_insert_rowid") {
		m[s] = true
	}
	return m
}()

// onceOnly reports a call in an expression, outside of queries, that must not be made
// once more for the same row: of one of these functions, of PostgreSQL's own about the
// server (pg_…), or of a routine, of which nothing is known.
func (a *analysis) onceOnly(e Expr) bool {
	if e == nil {
		return false
	}
	if o, ok := e.(*Opaque); ok && o.What == ":=" {
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
