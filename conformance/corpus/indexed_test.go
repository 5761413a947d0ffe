package corpus_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// answered are the positions of a column that search indexes serve; in the
// others what is asked is not a question to an index.
const answered = wide | predicate | ordered | grouped | keyed | joined

// searchTarget is the share of application statements that must be planned where
// every encrypted column has every index, and is asked what indexes answer; the
// functions that they call are declared.
var searchTarget = map[string]float64{"postgres": 0.99, "mysql": 0.99, "sqlite": 0.99}

// types are what a column may be, tried in turn: a statement does not say it,
// and a text is not compared with a number.
var types = []string{"text", "text without case", "bigint", "timestamp", "boolean", "integer", "smallint", "numeric(10,2)", "double precision", "date", "uuid", "timestamptz"}

// variant is what a statement does not say of its tables, and the configuration
// of an application does.
type variant struct {
	typ   string
	order schema.Order
	// key: every table has a primary key that the statement does not name.
	key bool
	// sort: the driver sorts by a column up to a number of rows.
	sort bool
	// routines are functions that the statement calls and the configuration
	// declares clear.
	routines map[string]bool
}

// keyColumn is the primary key of a variant with key, apart from the table's name.
const keyColumn = "sealed_corpus_key_of_"

// spelled are the types of the casts in a text.
var spelled = regexp.MustCompile(`(?i)(?:::|\bas\s+)([a-z][a-z0-9_ ]*[a-z0-9](?:\([0-9, ]+\))?(?:\[\])?)`)

// candidates are the types to try on a statement: those of its casts after the
// common ones.
func candidates(sql string) []string {
	out := slices.Clone(types)
	for _, m := range spelled.FindAllStringSubmatch(sql, -1) {
		for name := strings.ToLower(m[1]); name != ""; name = name[:max(0, strings.LastIndexByte(name, ' '))] {
			if _, err := schema.ParseType(name); err == nil {
				if !slices.Contains(out, name) {
					out = append(out, name)
				}
				break
			}
		}
	}
	return out
}

// indexedWorld is the catalog of a statement in which the columns of set are
// encrypted, with every index that their type can have.
func (l *language) indexedWorld(tables []*table, set map[bound]bool, v variant) (rewrite.Catalog, error) {
	var ann []*schema.Table
	for _, t := range tables {
		a := &schema.Table{Schema: t.schema, Name: t.name}
		for _, c := range t.cols {
			if set[bound{t, c}] {
				a.Columns = append(a.Columns, l.indexedColumn(t, c, v))
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
	snap := &rewrite.Snapshot{Enums: l.enums}
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
		if v.key {
			name := keyColumn + t.name
			rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: name, Type: "bigint", NotNull: true})
			rel.Unique = [][]string{{name}}
		}
		snap.Relations = append(snap.Relations, rel)
	}
	snap.Relations = append(snap.Relations, rewrite.SnapshotRelation{
		ID: rewrite.RelationID{Schema: l.home, Name: "sealed_elsewhere"}, Kind: rewrite.RelTable,
		Columns: []rewrite.CatalogColumn{{Name: "sealed_secret", Type: l.carrier}},
	})
	return rewrite.NewCatalog(l.front.Dialect(), snap, rewrite.Names{SearchPath: []string{l.home}}, annotations, rewrite.Declarations{Routines: v.routines}), nil
}

func (l *language) indexType(x schema.Index) string {
	if f, ok := x.(*schema.Fragments); ok && f.Kind == schema.ContainsFragments && l.front.Dialect() == rewrite.Postgres {
		return "integer[]"
	}
	return l.carrier
}

// indexedColumn has an index for equality, one of each kind for patterns where
// it is a text, and one for ranges.
func (l *language) indexedColumn(t *table, name string, v variant) *schema.Column {
	typ, order := v.typ, v.order
	logical, err := t.columnType(l, name)
	collation := schema.CollationBytes
	if err != nil || logical.Kind == schema.KindText || t.types[name] == "" {
		if typ == "text without case" {
			typ, collation = "text", schema.CollationIgnoreCase
		}
		logical, _ = schema.ParseType(typ)
	}
	c := &schema.Column{Name: name, Type: logical}
	if logical.Kind == schema.KindJSON || logical.Kind == schema.KindArray {
		return c // has no index
	}
	c.Equality = &schema.Equality{Group: "values", Unique: schema.UniqueExact}
	if v.sort {
		c.ClientSort = 10000
	}
	if logical.Kind == schema.KindText && !logical.Fixed {
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
	declared bool    // planned, once the functions that it calls are declared
	hidden   outcome // so, with an index that hides the order
	sorted   outcome // so, with such an index, and with sorting by the driver
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
	x := &trial{l: l, t: t, ln: ln, tables: tables, set: set, types: candidates(ln.SQL)}
	if o.outcome = x.run(o.outcome, variant{order: schema.OrderRevealing}); !o.planned && o.reason == 0 {
		return // names that cannot be annotated
	}
	routines := x.declare(&o)
	if !o.declared {
		got.searched = append(got.searched, o) // an index that hides the order answers less
		return
	}
	o.hidden = x.run(o.unplanned(), variant{order: schema.OrderHidden, routines: routines})
	if o.sorted = o.hidden; !o.sorted.planned {
		o.sorted = x.run(o.unplanned(), variant{order: schema.OrderHidden, sort: true, routines: routines})
	}
	got.searched = append(got.searched, o)
}

// declare plans a refused statement with the functions that it calls declared
// clear, and returns these.
func (x *trial) declare(o *searched) map[string]bool {
	o.declared = o.planned
	routines := map[string]bool{}
	for !o.declared && o.reason == rewrite.ReasonRoutine {
		name := undeclared.FindStringSubmatch(o.hint)
		if name == nil || routines[name[1]] {
			break
		}
		routines[name[1]] = true
		with := x.run(outcome{}, variant{order: schema.OrderRevealing, routines: routines})
		if o.declared = with.planned; !with.planned {
			o.reason, o.hint = with.reason, with.hint
		}
	}
	return routines
}

// undeclared finds the name of a function in the hint of a refusal.
var undeclared = regexp.MustCompile(`declare it under routines: \((.*): clear\)`)

// trial is a statement with the columns that are encrypted in it.
type trial struct {
	l      *language
	t      *testing.T
	ln     *line
	tables []*table
	set    map[bound]bool
	types  []string
}

// run plans a statement with each type that its columns may have, and its tables
// without and with a key. Of refusals it keeps the one that came farthest.
func (x *trial) run(o outcome, v variant) outcome {
	best := -2
	for _, v.typ = range x.types {
		v.key = false
		p, u := x.plan(v)
		if u != nil && strings.Contains(u.Hint, "primary key") {
			v.key = true
			p, u = x.plan(v)
		}
		if p != nil {
			o.planned, o.pass, o.typ = true, p.Pass, v.typ
			return o
		}
		if u != nil && u.Pos > best {
			best, o.reason, o.hint = u.Pos, u.Reason, fmt.Sprintf("%s at %d", u.Hint, u.Pos)
		}
	}
	return o
}

func (x *trial) plan(v variant) (*rewrite.Plan, *rewrite.UnsupportedError) {
	cat, err := x.l.indexedWorld(x.tables, x.set, v)
	if err != nil {
		return nil, nil
	}
	p, err := rewrite.PlanOnce(x.l.front, x.ln.SQL, cat, &x.l.session, rewrite.Options{HasArgs: true})
	var u *rewrite.UnsupportedError
	if err != nil && !errors.As(err, &u) {
		x.t.Errorf("error of type %T: %v\n%s", err, err, x.ln.SQL)
	}
	if u != nil && (u.Reason == rewrite.ReasonVerify || u.Reason == rewrite.ReasonParser) {
		x.t.Errorf("%v\n%s", u, x.ln.SQL)
	}
	return p, u
}

// unplanned is the outcome before anything was planned.
func (o *outcome) unplanned() outcome {
	return outcome{line: o.line, columns: o.columns, positions: o.positions}
}

func (o *outcome) served() bool { return o.positions&^answered == 0 }

// searchedFigures are rows of the table of docs/corpus.md.
func (r *results) searchedFigures(dialect string) (out []string) {
	for _, class := range []string{"application DML", "suite DML"} {
		var served, declared, hidden, sorted, others cell
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
			declared.add(o.declared)
			hidden.add(o.hidden.planned)
			sorted.add(o.sorted.planned)
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", dialect, class, served, declared, hidden, sorted, others))
	}
	return out
}

func (c *cell) add(planned bool) {
	if c.all++; planned {
		c.part++
	}
}

// indexed are the outcomes with the functions declared.
func (r *results) indexed() (out []outcome) {
	for i := range r.searched {
		o := r.searched[i].outcome
		o.planned = r.searched[i].declared
		out = append(out, o)
	}
	return out
}

// unrevealed are the outcomes with ranges that hide the order, sorted by the
// driver, of statements that are planned with ranges that reveal it.
func (r *results) unrevealed() (out []outcome) {
	for i := range r.searched {
		if r.searched[i].declared {
			out = append(out, r.searched[i].sorted)
		}
	}
	return out
}

// searchedRefusals are the reasons of refusals where indexes should answer.
func searchedRefusals(all map[string]*results) []string {
	return reasonRows(all, (*results).indexed, (*outcome).served, map[rewrite.Reason]string{
		rewrite.ReasonPredicate:     "comparison with what the server computes (`c = d.x` of a function in FROM), LIKE BINARY",
		rewrite.ReasonExpression:    "`COALESCE(c, (SELECT …), '')`, `CASE WHEN c IS NULL THEN now() ELSE c END`",
		rewrite.ReasonComputed:      "INTERVAL, `COALESCE($1, (SELECT …), '')`",
		rewrite.ReasonClearUse:      "`SELECT $1 … WHERE c = $1`",
		rewrite.ReasonRoutine:       "functions that cannot be declared",
		rewrite.ReasonOrder:         "behind UNION and a query",
		rewrite.ReasonSetOperation:  "recursive UNION with a window",
		rewrite.ReasonJoin:          "`JOIN b USING (id)`",
		rewrite.ReasonFunction:      "`percentile_disc`",
		rewrite.ReasonUnknownColumn: "`RETURNING old.name` before PostgreSQL 18",
		rewrite.ReasonWholeRow:      "`row_to_json(r)`, `json_agg(t)`",
		rewrite.ReasonGroup:         "GROUP BY CUBE, `SELECT * … GROUP BY c`",
	}, 0.1)
}
