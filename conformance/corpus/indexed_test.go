package corpus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// answered are the positions of a column that search indexes serve; in the
// others what is asked is not a question to an index.
const answered = wide | predicate | ordered | grouped | keyed | joined

// searchTarget is the share of application statements that must be planned where
// every encrypted column has every index, and is asked what indexes answer.
var searchTarget = map[string]float64{"postgres": 0.90, "mysql": 0.965, "sqlite": 0.965}

// types are what a column may be, tried in turn: a statement does not say it,
// and a text is not compared with a number.
var types = []string{"text", "text without case", "bigint", "timestamp", "boolean", "integer", "smallint", "numeric(10,2)", "double precision", "date", "uuid", "timestamptz"}

// indexedWorld is the catalog of a statement in which the columns of set are
// encrypted, with every index that their type can have.
func (l *language) indexedWorld(tables []*table, set map[bound]bool, typ string, order schema.Order) (rewrite.Catalog, error) {
	var ann []*schema.Table
	for _, t := range tables {
		a := &schema.Table{Schema: t.schema, Name: t.name}
		for _, c := range t.cols {
			if set[bound{t, c}] {
				a.Columns = append(a.Columns, l.indexedColumn(t, c, typ, order))
			}
		}
		if a.Columns != nil {
			ann = append(ann, a)
		}
	}
	annotations, err := schema.New(append(ann, &schema.Table{Name: "sealed_elsewhere", Columns: []*schema.Column{{Name: "sealed_secret"}}}), schema.Options{})
	if err != nil {
		return nil, err
	}
	snap := &rewrite.Snapshot{}
	for _, t := range tables {
		rel := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: t.schema, Name: t.name}, Kind: rewrite.RelTable}
		for _, c := range t.cols {
			if !set[bound{t, c}] {
				rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: c, Type: "text", BytewiseEqual: true})
				continue
			}
			rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: c, Type: l.carrier})
		}
		for _, a := range ann {
			if a.Name != t.name || a.Schema != t.schema {
				continue
			}
			for _, c := range a.Columns {
				for _, x := range c.Indexes() {
					rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: x.Physical(), Type: l.indexType(x)})
				}
			}
		}
		if len(rel.Columns) == 0 {
			rel.Columns = []rewrite.CatalogColumn{{Name: "c1", Type: "text", BytewiseEqual: true}}
		}
		snap.Relations = append(snap.Relations, rel)
	}
	snap.Relations = append(snap.Relations, rewrite.SnapshotRelation{
		ID: rewrite.RelationID{Schema: l.home, Name: "sealed_elsewhere"}, Kind: rewrite.RelTable,
		Columns: []rewrite.CatalogColumn{{Name: "sealed_secret", Type: l.carrier}},
	})
	return rewrite.NewCatalog(l.front.Dialect(), snap, rewrite.Names{SearchPath: []string{l.home}}, annotations, rewrite.Declarations{}), nil
}

func (l *language) indexType(x schema.Index) string {
	if f, ok := x.(*schema.Fragments); ok && f.Kind == schema.ContainsFragments && l.front.Dialect() == rewrite.Postgres {
		return "integer[]"
	}
	return l.carrier
}

// indexedColumn has an index for equality, one of each kind for patterns where
// it is a text, and one for ranges.
func (l *language) indexedColumn(t *table, name, typ string, order schema.Order) *schema.Column {
	logical, err := t.columnType(l, name)
	collation := schema.CollationBytes
	if err != nil || logical.Kind == schema.KindText || t.types[name] == "" {
		if typ == "text without case" {
			typ, collation = "text", schema.CollationIgnoreCase
		}
		logical, _ = schema.ParseType(typ)
	}
	c := &schema.Column{Name: name, Type: logical, Equality: &schema.Equality{Group: "values", Unique: schema.UniqueExact}}
	if logical.Kind == schema.KindText {
		c.Equality.Collation = collation
		c.Prefix = &schema.Fragments{Collation: collation}
		c.Suffix = &schema.Fragments{Collation: collation}
		c.Contains = &schema.Fragments{Collation: collation}
	}
	if collation != schema.CollationBytes {
		return c // its order is not that of bytes
	}
	switch logical.Kind {
	case schema.KindBool, schema.KindUUID, schema.KindJSON:
		return c
	}
	c.Range = &schema.Range{Order: order, Group: "order"}
	if order == schema.OrderRevealing {
		c.Accepted = schema.LeakOrder
	}
	switch {
	case logical.Kind == schema.KindText, logical.Kind == schema.KindBytes:
		c.Range.Prefix, c.Range.RefuseLonger = 10, true
		if order == schema.OrderRevealing {
			c.Range.Prefix = 64
		}
		if logical.Kind == schema.KindText {
			c.Range.Collation = schema.CollationBytes
		}
	case l.front.Dialect() == rewrite.SQLite && logical.Kind != schema.KindInt && logical.Kind != schema.KindFloat && logical.Kind != schema.KindNumeric && order == schema.OrderHidden:
		c.Range.Prefix = 10
	}
	return c
}

// searched is the outcome with indexes of both orders.
type searched struct {
	outcome
	hidden bool // planned with an index that hides the order
}

// runSearched plans a statement with each column, and what it is compared with,
// encrypted and indexed, and with all columns.
func (l *language) runSearched(t *testing.T, ln *line, f *facts, tables []*table, got *results) {
	if f.broken || ln.Kind == "ddl" {
		return
	}
	families := f.families()
	every := map[bound]bool{}
	for _, tab := range tables {
		for _, c := range tab.cols {
			b := bound{tab, c}
			every[b] = true
			set := families[b]
			if set == nil {
				set = map[bound]bool{b: true}
			}
			l.annotatedSearched(t, ln, set, b, tables, got)
		}
	}
}

func (l *language) annotatedSearched(t *testing.T, ln *line, set map[bound]bool, of bound, tables []*table, got *results) {
	o := searched{outcome: outcome{line: ln, columns: of.table.name + "." + of.col}}
	for b := range set {
		o.positions |= b.table.use[b.col]
	}
	if of.table.use[of.col] == 0 {
		return
	}
	plan := func(typ string, order schema.Order) (*rewrite.Plan, *rewrite.UnsupportedError) {
		cat, err := l.indexedWorld(tables, set, typ, order)
		if err != nil {
			return nil, nil
		}
		p, err := rewrite.PlanOnce(l.front, ln.SQL, cat, &l.session, rewrite.Options{HasArgs: true})
		var u *rewrite.UnsupportedError
		if err != nil && !errors.As(err, &u) {
			t.Errorf("error of type %T: %v\n%s", err, err, ln.SQL)
		}
		if u != nil && (u.Reason == rewrite.ReasonVerify || u.Reason == rewrite.ReasonParser) {
			t.Errorf("%s: %v\n%s", o.columns, u, ln.SQL)
		}
		return p, u
	}
	for _, typ := range types {
		p, u := plan(typ, schema.OrderRevealing)
		if p == nil && u == nil {
			continue
		}
		if p != nil {
			o.planned, o.pass, o.typ = true, p.Pass, typ
			break
		}
		if o.reason == 0 {
			o.reason, o.hint = u.Reason, fmt.Sprintf("%s at %d", u.Hint, u.Pos)
		}
	}
	if !o.planned && o.reason == 0 {
		return // names that cannot be annotated
	}
	for _, typ := range types {
		if p, _ := plan(typ, schema.OrderHidden); p != nil {
			o.hidden = true
			break
		}
	}
	got.searched = append(got.searched, o)
}

func (o *outcome) served() bool { return o.positions&^answered == 0 }

// searchedFigures are rows of the table of docs/corpus.md.
func (r *results) searchedFigures(dialect string) (out []string) {
	for _, class := range []string{"application DML", "suite DML"} {
		var served, hidden, others cell
		for i := range r.searched {
			o := &r.searched[i]
			if o.line.class() != class {
				continue
			}
			if !o.served() {
				others.add(o.planned)
				continue
			}
			served.add(o.planned)
			hidden.add(o.hidden)
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s |", dialect, class, served, hidden, others))
	}
	return out
}

func (c *cell) add(planned bool) {
	if c.all++; planned {
		c.part++
	}
}

func (r *results) indexed() (out []outcome) {
	for i := range r.searched {
		out = append(out, r.searched[i].outcome)
	}
	return out
}

// searchedRefusals are the reasons of refusals where indexes should answer.
func searchedRefusals(all map[string]*results) []string {
	return reasonRows(all, (*results).indexed, (*outcome).served, map[rewrite.Reason]string{
		rewrite.ReasonPredicate:     "LIKE under OR and in UPDATE (planned where the table has a key, which these have not), `WHERE active` (a truth value), `c = (SELECT …)`, `CASE WHEN $1 > 0 THEN id = $1 …`, types that are not tried (enumerations, arrays)",
		rewrite.ReasonExpression:    "`SET (a, b) = ($1, $2)` over indexed columns, `COALESCE(a, b)` with only one of them encrypted, `id::int`",
		rewrite.ReasonComputed:      "`$2::status`: casts to types of the application",
		rewrite.ReasonClearUse:      "`SET email = CASE WHEN $2 <> '' THEN $2 ELSE email END`, `$2 = '' OR id <> $2`",
		rewrite.ReasonRoutine:       "functions of the application elsewhere in the statement: declare them",
		rewrite.ReasonOrder:         "DELETE … ORDER BY … LIMIT; ORDER BY behind a subquery",
		rewrite.ReasonSetOperation:  "`SELECT a FROM s INTERSECT SELECT b FROM t`",
		rewrite.ReasonJoin:          "`JOIN b USING (id)`",
		rewrite.ReasonFunction:      "`NULLIF(id, $1)`, window frames",
		rewrite.ReasonUnknownColumn: "`RETURNING old.name` before PostgreSQL 18",
		rewrite.ReasonWholeRow:      "`row_to_json(r)`, `json_agg(t)`",
		rewrite.ReasonGroup:         "GROUP BY CUBE, an alias of GROUP BY in HAVING",
	})
}
