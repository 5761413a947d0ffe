package fuzzsql_test

import (
	"fmt"

	"github.com/sealsql/sealsql/rewrite"
)

// sweep reads every column through every index that it has, for each value that
// is stored: an index that a write left behind finds other rows than the plain
// database does. It returns the first difference, or "".
func (p *pair) sweep(count func(verdict)) string {
	for _, t := range p.w.tables {
		for _, tenant := range t.partitions() {
			for _, st := range p.combinations(t, tenant) {
				if v := p.check(st); v.problem != "" || !v.executed {
					return fmt.Sprintf("read through a compound index: %s %v: %+v", st.text, st.args, v)
				}
			}
		}
		for _, c := range t.sealed() {
			if !c.any() && !c.sorts {
				continue
			}
			for _, tenant := range t.partitions() {
				for _, st := range p.questions(t, c, tenant) {
					v := p.check(st)
					if count != nil {
						count(v)
					}
					switch {
					case v.problem != "":
						return fmt.Sprintf("read through an index: %s %v: %s", st.text, st.args, v.problem)
					case !v.executed && !c.tooShort(v):
						return fmt.Sprintf("not read through an index: %s %v: %+v", st.text, st.args, v)
					}
				}
			}
		}
	}
	return ""
}

// tooShort reports a pattern that no index of the column answers.
func (c column) tooShort(v verdict) bool { return v.refused == rewrite.ReasonPredicate && !c.contains }

// partitions are conditions that each name one.
func (t *table) partitions() []string {
	if !t.tenant {
		return []string{""}
	}
	return []string{"tenant = 't1' AND ", "tenant = 't2' AND "}
}

// questions are the statements that ask the indexes of a column.
func (p *pair) questions(t *table, c column, tenant string) (out []statement) {
	key := "id"
	if t.tenant {
		key = "tenant, id"
	}
	ask := func(cond string, args ...any) {
		out = append(out, statement{text: "SELECT " + key + ", " + c.name + " FROM " + t.name + " WHERE " + tenant + cond + " ORDER BY " + key, args: args, rows: true, total: true})
	}
	for _, v := range p.stored(t, c, tenant) {
		if c.equal() {
			ask(c.name+" = "+p.mark(1), v)
		}
		if s, ok := v.(string); ok && c.like() && len(s) > 0 {
			r := []rune(s)
			ask(c.name+" LIKE "+p.mark(1)+" ESCAPE '#'", string(r[:min(len(r), 6)])+"%")
			ask(c.name+" LIKE "+p.mark(1)+" ESCAPE '#'", "%"+string(r[max(0, len(r)-6):]))
		}
		if c.order == orderRevealing {
			ask(c.name+" < "+p.mark(1), v)
		}
		if c.order == orderHidden && c.kind != kindText && c.kind != kindBytes {
			ask(c.name+" >= "+p.mark(1), v)
		}
	}
	if c.sorts {
		out = append(out, statement{text: "SELECT " + key + ", " + c.name + " FROM " + t.name + " WHERE " + tenant + "1 = 1 ORDER BY " + c.name + " DESC, " + key + " LIMIT 5", rows: true, total: true})
	}
	if c.order == orderRevealing {
		out = append(out, statement{text: "SELECT " + key + ", " + c.name + " FROM " + t.name + " WHERE " + tenant + "1 = 1 ORDER BY " + c.name + ", " + key, rows: true, total: true})
		// PostgreSQL has no min(bytea) before 18; the index answers it all the same.
		if c.kind != kindBytes {
			out = append(out, statement{text: "SELECT min(" + c.name + ") AS a FROM " + t.name + " WHERE " + tenant + "1 = 1", rows: true})
		}
	}
	return out
}

// combinations ask the index over several columns, for those that are stored.
func (p *pair) combinations(t *table, tenant string) (out []statement) {
	x := t.together
	if x == nil {
		return nil
	}
	a, b := x.parts[0].name, x.parts[1].name
	got, err := run(p.plain, statement{text: "SELECT " + a + ", " + b + " FROM " + t.name + " WHERE " + tenant + a + " IS NOT NULL AND " + b + " IS NOT NULL", rows: true})
	if err != nil {
		return nil
	}
	for _, r := range got.rows[:min(len(got.rows), 6)] {
		out = append(out, statement{
			text: "SELECT id, " + a + ", " + b + " FROM " + t.name + " WHERE " + tenant + a + " = " + p.mark(1) + " AND " + b + " = " + p.mark(2),
			args: []any{r[0], r[1]}, rows: true,
		})
	}
	return out
}

// stored are some of the values of a column in the plain database.
func (p *pair) stored(t *table, c column, tenant string) (out []any) {
	a, err := run(p.plain, statement{text: "SELECT DISTINCT " + c.name + " FROM " + t.name + " WHERE " + tenant + c.name + " IS NOT NULL", rows: true})
	if err != nil {
		return nil
	}
	for _, r := range a.rows[:min(len(a.rows), 6)] {
		if b, ok := r[0].([]byte); ok && c.kind == kindText {
			r[0] = string(b) // bytes are compared as bytes, in whatever collation
		}
		out = append(out, r[0])
	}
	return out
}
