package rewrite_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var update = flag.Bool("update", false, "rewrite the output sections of the cases")

var frontends = map[string]rewrite.Frontend{
	"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New(),
}

// TestCases runs testdata/<dialect>/<topic>/<sentence>.txtar.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, f := range files {
		parts := strings.Split(filepath.ToSlash(f), "/")
		front := frontends[parts[1]]
		if front == nil {
			t.Fatalf("%s: unknown dialect %s", f, parts[1])
		}
		t.Run(strings.TrimSuffix(strings.Join(parts[1:], "/"), ".txtar"), func(t *testing.T) { runCase(t, front, f) })
	}
}

func runCase(t *testing.T, front rewrite.Frontend, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ar := txtar.Parse(raw)
	sec := map[string]string{}
	for _, f := range ar.Files {
		switch f.Name {
		case "schema", "options", "input.sql", "output.sql", "plan", "error":
			sec[f.Name] = string(f.Data)
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	if len(strings.TrimSpace(string(ar.Comment))) < 10 {
		t.Fatal("a case begins with why it exists")
	}
	w := parseWorld(t, front.Dialect(), sec["schema"])
	opt, sess := parseOptions(t, front.Dialect(), sec["options"])
	input := strings.TrimSuffix(sec["input.sql"], "\n")
	cat := w.catalog(sess)
	plan, err := rewrite.PlanOnce(front, input, cat, &sess, opt)
	bothProofs(t, front, input, cat, &sess, opt, plan, err)
	got := map[string]string{}
	if err != nil {
		var u *rewrite.UnsupportedError
		if !errors.As(err, &u) {
			t.Fatalf("error of type %T: %v", err, err)
		}
		got["error"] = describeError(u) + "\n"
		checkRefusal(t, input, u)
	} else {
		got["plan"] = describePlan(plan)
		if !plan.Pass {
			got["output.sql"] = plan.Text + "\n"
		}
		checkPlan(t, front, input, plan)
	}
	if *update {
		writeCase(t, file, ar, got)
		return
	}
	for _, name := range []string{"output.sql", "plan", "error"} {
		if got[name] != sec[name] {
			t.Errorf("%s\n got: %s\nwant: %s", name, got[name], sec[name])
		}
	}
}

func writeCase(t *testing.T, file string, ar *txtar.Archive, got map[string]string) {
	out := &txtar.Archive{Comment: ar.Comment}
	for _, f := range ar.Files {
		if f.Name == "schema" || f.Name == "options" || f.Name == "input.sql" {
			out.Files = append(out.Files, f)
		}
	}
	for _, name := range []string{"output.sql", "plan", "error"} {
		if got[name] != "" {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

func describeError(u *rewrite.UnsupportedError) string {
	return fmt.Sprintf("%s column=%q pos=%d", u.Reason, u.Column, u.Pos)
}

// checkRefusal holds for every refusal: the position is inside the text, and
// no literal of the text is in the message (threats T12).
func checkRefusal(t *testing.T, input string, u *rewrite.UnsupportedError) {
	t.Helper()
	if u.Pos < -1 || u.Pos > len(input) {
		t.Errorf("position %d outside the text", u.Pos)
	}
	if strings.Contains(u.Error(), "SECRET") {
		t.Errorf("message holds a literal: %s", u.Error())
	}
}

// checkPlan holds for every plan: nothing marked SECRET stays in the text, a
// plan that passes leaves the text alone, every outgoing argument is accounted
// for.
func checkPlan(t *testing.T, front rewrite.Frontend, input string, p *rewrite.Plan) {
	t.Helper()
	if p.Pass && p.Text != input && !strings.Contains(input, "/*") {
		t.Errorf("a passing plan changed the text to %q", p.Text)
	}
	if strings.Contains(p.Text, "SECRET") && p.Executes == nil { // whose text is another one when it runs
		t.Errorf("plaintext in the outgoing text: %s", p.Text)
	}
	if p.First != nil {
		for i := range p.First.Lookups {
			checkPlan(t, front, p.First.Lookups[i].Text, p.First.Lookups[i].Plan)
		}
		checkPlan(t, front, p.First.Text(make([]rewrite.Found, len(p.First.Lookups)), p.First.StandIns(front)), p.First.Main)
		return
	}
	if p.Sorted != nil {
		checkPlan(t, front, p.Sorted.Text, p.Sorted.Plan)
		return
	}
	if !p.Pass && !p.ArgsSame && len(p.Args) == 0 && len(p.Holes) == 0 && p.Params > 0 {
		t.Errorf("arguments are lost")
	}
	if p.Writes {
		sealed := len(p.Holes)
		for _, o := range p.Args {
			if o.Column() != nil {
				sealed++
			}
		}
		if p.Prepares != nil {
			sealed += len(p.Prepares.Args)
		}
		if sealed == 0 {
			t.Errorf("the plan seals nothing though it should")
		}
	}
	for _, o := range p.Args {
		if o.Value.Source == rewrite.FromArg && (o.Value.Arg < 1 || o.Value.Arg > p.Params) {
			t.Errorf("argument %d of %d", o.Value.Arg, p.Params)
		}
	}
}

func describePlan(p *rewrite.Plan) string {
	var b strings.Builder
	if p.First != nil {
		return describeSteps(p.First)
	}
	if p.Sorted != nil {
		return describeSorted(p.Sorted)
	}
	if p.Pass {
		b.WriteString("pass\n")
	}
	if !p.Pass && p.ArgsSame {
		b.WriteString("args same\n")
	} else if !p.Pass {
		for i, o := range p.Args {
			fmt.Fprintf(&b, "arg %d  %s\n", i+1, describeOut(o))
		}
	}
	for _, h := range p.Holes {
		fmt.Fprintf(&b, "hole at %d  %s\n", h.At, describeOut(h.Out))
	}
	describeResults(&b, "", p.Results, p.ResultNames)
	for i, set := range p.Sets {
		describeResults(&b, fmt.Sprintf("set %d  ", i+1), set.Results, set.ResultNames)
		describeFilters(&b, set.Filters)
	}
	if p.NoRows {
		b.WriteString("not queried\n")
	}
	describeFilters(&b, p.Filters)
	for _, l := range p.Likes {
		not := map[bool]string{true: "not "}[l.Not]
		fmt.Fprintf(&b, "filter result %d by %s %slike %s", l.Column+1, l.Of, not, describeValue(l.Pattern))
		if l.Escaped {
			fmt.Fprintf(&b, " escape %q", l.Escape)
		}
		b.WriteByte('\n')
	}
	for _, v := range p.Verifies {
		fmt.Fprintf(&b, "compare result %d with index %s in result %d\n", v.Value+1, v.Index.Physical(), v.Cell+1)
	}
	for _, text := range p.After {
		b.WriteString("then " + text + "\n")
	}
	if p.Limit != nil {
		b.WriteString("the driver counts:")
		if v := p.Limit.Count; v != nil {
			b.WriteString(" up to " + describeValue(*v))
		}
		if v := p.Limit.Offset; v != nil {
			b.WriteString(" from " + describeValue(*v))
		}
		b.WriteByte('\n')
	}
	if p.Describes != nil {
		b.WriteString("describes " + p.Describes.Name + "\n")
	}
	for _, c := range p.DescribesView {
		fmt.Fprintf(&b, "describes %s of a view, hidden %t, shows %v\n", c.Name, c.Hidden, c.Column)
	}
	if p.Declares != nil {
		describeResults(&b, "cursor "+p.Declares.Name+"  ", p.Declares.Results, p.Declares.ResultNames)
	}
	for _, n := range p.Replaces {
		b.WriteString("cursor " + n + " passes\n")
	}
	describePrepared(&b, p)
	for _, n := range p.Fetches {
		b.WriteString("fetches from " + n + "\n")
	}
	for _, c := range p.Checks {
		fmt.Fprintf(&b, "check %s = %s\n", describeValue(c.A), describeValue(c.B))
	}
	if p.Effects&rewrite.EffectCatalog != 0 {
		b.WriteString("effect catalog\n")
	}
	if p.Effects&rewrite.EffectSession != 0 {
		b.WriteString("effect session\n")
	}
	return b.String()
}

func describeSorted(s *rewrite.ClientSort) string {
	var b strings.Builder
	fmt.Fprintf(&b, "run, arguments %v\n  %s\n  %s\n", s.Args, s.Text, s.Plan.Text)
	for _, line := range strings.Split(strings.TrimSpace(describePlan(s.Plan)), "\n") {
		b.WriteString("    " + line + "\n")
	}
	if s.Apart > 0 {
		fmt.Fprintf(&b, "rows that differ in the first %d keys\n", s.Apart)
	}
	for i, k := range s.Keys {
		if len(s.Extremes) > 0 {
			fmt.Fprintf(&b, "of %s, greatest %t, name %q\n", k.Column, s.Extremes[i].Max, s.Extremes[i].Name)
			continue
		}
		if k.Column == nil {
			b.WriteString("sort by a rank\n")
			continue
		}
		fmt.Fprintf(&b, "sort by %s, descending %t, NULL first %t", k.Column, k.Desc, k.NullsFirst)
		if k.Shown > 0 {
			fmt.Fprintf(&b, ", shown as %d", k.Shown)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "at most %d rows\n", s.Most)
	if s.Limit != nil {
		b.WriteString("the driver counts\n")
	}
	return b.String()
}

// describeSteps shows the lookups and the statement with two keys in each place.
func describeSteps(k *rewrite.KeysFirst) string {
	var b strings.Builder
	found := make([]rewrite.Found, len(k.Lookups))
	for i, l := range k.Lookups {
		fmt.Fprintf(&b, "lookup %d of %s, arguments %v\n", i+1, l.Column, l.Args)
		fmt.Fprintf(&b, "  %s\n  %s\n", l.Text, l.Plan.Text)
		for _, line := range strings.Split(strings.TrimSpace(describePlan(l.Plan)), "\n") {
			b.WriteString("    " + line + "\n")
		}
		for range 2 {
			row := make([]string, len(l.Keys))
			for j := range row {
				row[j] = strconv.Itoa(j + 1)
			}
			found[i].Rows = append(found[i].Rows, row)
		}
	}
	partitions := make([]string, len(k.Narrowed))
	for i, t := range k.Narrowed {
		partitions[i] = "'partition of " + t.Name + "'"
	}
	fmt.Fprintf(&b, "then, locked %t, arguments %v\n  %s\n  %s\n", k.Locks, k.Args(), k.Text(found, partitions), k.Main.Text)
	for _, line := range strings.Split(strings.TrimSpace(describePlan(k.Main)), "\n") {
		b.WriteString("    " + line + "\n")
	}
	return b.String()
}

func describeFilters(b *strings.Builder, filters []rewrite.Filter) {
	for _, f := range filters {
		fmt.Fprintf(b, "filter result %d by %s =", f.Column+1, f.Index.Of)
		for _, v := range f.Values {
			b.WriteString(" " + describeValue(v))
		}
		b.WriteByte('\n')
	}
}

func describeResults(b *strings.Builder, set string, results []rewrite.Open, names []string) {
	if set != "" && results == nil {
		b.WriteString(set + "passes\n")
	}
	for i, r := range results {
		fmt.Fprintf(b, "%sresult %d", set, i+1)
		if r.Hidden {
			b.WriteString("  hidden")
		}
		if len(r.Columns) == 0 && !r.Hidden {
			b.WriteString("  pass")
		}
		for k, c := range r.Columns {
			fmt.Fprintf(b, "  open %s %s", c, describePartition(r.Partitions[k]))
			if r.Rows != nil {
				b.WriteString(describeRow(r.Rows[k]))
			}
		}
		if r.Computed {
			b.WriteString("  computed")
		}
		if names[i] != "" {
			fmt.Fprintf(b, "  named %q", names[i])
		}
		b.WriteByte('\n')
	}
}

func describeRow(r *rewrite.RowSource) string {
	switch {
	case r == nil:
		return ""
	case r.Value != nil:
		return " row " + describeValue(*r.Value)
	}
	return fmt.Sprintf(" row in result %d", r.ResultColumn+1)
}

func describeCover(o rewrite.Out) string {
	end := func(v *rewrite.Value, open bool) string {
		switch {
		case v == nil:
			return "any"
		case open:
			return "without " + describeValue(*v)
		}
		return describeValue(*v)
	}
	if o.Cover.Like != nil {
		return fmt.Sprintf("%s text of %s that begins as %q %s %q", []string{"first", "last"}[o.Nth], o.Index.Column(), o.Cover.Like.Before, describeValue(o.Cover.Like.Pattern), o.Cover.Like.After)
	}
	if o.Cover.Spans > 0 {
		return fmt.Sprintf("%s of span %d of %s from %s to %s", []string{"first", "last"}[o.Nth], o.Level, o.Index.Column(), end(o.Cover.Low, o.Cover.LowOpen), end(o.Cover.High, o.Cover.HighOpen))
	}
	return fmt.Sprintf("node %d of level %d of %s from %s to %s", o.Nth, o.Level, o.Index.Column(), end(o.Cover.Low, o.Cover.LowOpen), end(o.Cover.High, o.Cover.HighOpen))
}

func describeCasts(c rewrite.Casts) (s string) {
	if name, labels, ok := c.Labels(); ok {
		return " cast to " + name + " of " + strings.Join(labels, ", ")
	}
	for _, t := range c.List() {
		s += " cast to " + t
	}
	return s
}

func describeOut(o rewrite.Out) string {
	if d := o.Guard; d != nil {
		o.Guard = nil
		return describeOut(o) + fmt.Sprintf(" if %s %s as %s", d.Op, d.With.Value, d.Type.Name)
	}
	switch {
	case o.PartitionOf != nil:
		return "partition of " + o.PartitionOf.Name + " " + describeValue(o.Value)
	case o.Pattern != 0:
		what := []string{"", "least index", "greatest index", "all tokens", "token"}[o.Pattern]
		if o.Pattern == rewrite.PatternToken {
			what += fmt.Sprint(" ", o.Token)
		}
		return what + " of pattern " + describeValue(o.Value) + " for " + o.Index.Physical() + " " + describePartition(o.Partition)
	case o.Index != nil:
		scope := "table"
		if !o.Index.AllPartitions() {
			scope = describePartition(o.Partition)
		}
		if o.Folded {
			scope += " if in lower case"
		}
		if o.List {
			return "indexes of " + o.Index.Column().String() + " for each of " + describeValue(o.Value) + " " + scope
		}
		if o.Combined != nil {
			s := "index " + o.Index.(*schema.Compound).String() + " of"
			for i, v := range o.Combined.Values {
				s += " (" + describeValue(v)
				if len(o.Combined.Casts) > i {
					s += describeCasts(o.Combined.Casts[i])
				}
				s += ")"
			}
			return s + " " + scope
		}
		if o.Cover != nil {
			return describeCover(o) + " " + scope
		}
		if o.Rounded {
			scope += " rounded"
		}
		return "index " + o.Index.Column().String() + " " + describeValue(o.Value) + describeCasts(o.Casts) + " " + scope
	case o.Seal != nil:
		s := "seal " + o.Seal.String() + " " + describeValue(o.Value) + " " + describePartition(o.Partition)
		if o.Row != nil {
			s += " row " + describeValue(*o.Row)
		}
		if o.Exact {
			s += " exact"
		}
		if o.NotNull {
			s += " not null"
		}
		s += describeCasts(o.Casts)
		return s
	case o.Limit != 0:
		return []string{"", "no limit", "no offset"}[o.Limit]
	case o.Decide != nil:
		d := o.Decide
		return fmt.Sprintf("decide %s %s %s as %s, elements %t", describeValue(o.Value), d.Op, d.With.Value, d.Type.Name, d.Elements) + describeCasts(d.Casts)
	case o.Null:
		return "null or not " + describeValue(o.Value)
	}
	return "pass " + describeValue(o.Value)
}

func describeValue(v rewrite.Value) string {
	switch v.Source {
	case rewrite.FromArg:
		return fmt.Sprintf("argument %d", v.Arg)
	case rewrite.FromLiteral:
		return describeLiteral(v.Literal)
	}
	return "context"
}

// describeLiteral names a literal by its place in the text.
var describeLiteral = func(l *rewrite.Literal) string { return fmt.Sprintf("literal at %d", l.Start) }

func describePartition(p rewrite.PartitionSource) string {
	switch {
	case !p.Known:
		return "partition of the record"
	case p.ResultColumn >= 0:
		return fmt.Sprintf("partition in result %d", p.ResultColumn+1)
	case p.Value != nil:
		return "partition " + describeValue(*p.Value)
	}
	return fmt.Sprintf("partition %q", p.Const)
}

// ---- the world of a case ----

// world is a database and its annotations, written in a few lines:
//
//	table users
//	  id int required
//	  tenant_id text
//	  ssn bytea sealed text
//	  note bytea sealed text unbound
//	  partition column tenant_id text
//	  row id uuid
//	  unique tenant_id, id
//	  compound by_both by_both_bidx unique : status text, ssn
//	view uv of users as SELECT id FROM users
//	declare view uv
//	  id
//	  mail = users.email
//	opaque v
//	child c of users
//	trigger log on orders words users insert
//	routine add
//	enum status open closed
//	domain main
//	declare routine add
//	clear table x
//	rebuilds
type world struct {
	dialect rewrite.Dialect
	snap    rewrite.Snapshot
	tables  []*schema.Table
	clear   []string
	rebuilt bool // the tables into which SQLite's migrators copy count as well
	decl    rewrite.Declarations
	blind   bool
	views   []*schema.View
	view    *schema.View // the one whose columns are being read
}

// declaredColumn reads "mail = users.email" and "note".
func declaredColumn(f []string) schema.ViewColumn {
	c := schema.ViewColumn{Name: f[0]}
	if len(f) > 2 {
		c.Of = f[2]
	}
	return c
}

func parseWorld(t testing.TB, d rewrite.Dialect, text string) *world {
	w := &world{dialect: d, decl: rewrite.Declarations{Routines: map[string]bool{}, Triggers: map[string]bool{}, Metastore: "encryption_key"}}
	var rel *rewrite.SnapshotRelation
	var ann *schema.Table
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(strings.ReplaceAll(line, ",", " , "))
		if len(f) == 0 {
			continue
		}
		switch {
		case !strings.HasPrefix(line, " "):
			rel, ann = w.top(t, f)
		case strings.HasPrefix(line, "  ") && w.view != nil:
			w.view.Columns = append(w.view.Columns, declaredColumn(f))
		case f[0] == "partition":
			setPartition(t, ann, f)
		case f[0] == "row":
			typ, err := schema.ParseType(f[2])
			if err != nil {
				t.Fatal(err)
			}
			ann.Row = schema.RowIdentity{Column: f[1], Type: typ}
		case f[0] == "calls":
			rel.Calls = append(rel.Calls, rewrite.SnapshotCall{Routine: f[1], OnRead: len(f) > 2 && f[2] == "read"})
		case f[0] == "relaxed":
			ann.Relaxed = true
		case f[0] == "compound":
			ann.Compounds = append(ann.Compounds, compoundOf(t, f))
		case f[0] == "unique":
			var cols []string
			for _, c := range f[1:] {
				if c != "," {
					cols = append(cols, c)
				}
			}
			rel.Unique = append(rel.Unique, cols)
		case f[0] == "follows": // a foreign key with ON UPDATE CASCADE: table, own column, its column
			c := rewrite.SnapshotChange{Column: f[2]}
			if len(f) > 3 {
				c.Of = f[3]
			}
			rel.References = append(rel.References, rewrite.SnapshotReference{To: rewrite.RelationID{Schema: "main", Name: f[1]}, Changes: []rewrite.SnapshotChange{c}})
		case f[0] == "clears": // a foreign key with ON DELETE SET NULL: table, own column
			rel.References = append(rel.References, rewrite.SnapshotReference{To: rewrite.RelationID{Schema: "main", Name: f[1]}, Clears: f[2:]})
		case f[0] == "conflicts": // a unique index that is not told whole
			rel.Conflicts = append(rel.Conflicts, f[1:])
		default:
			w.addColumn(t, rel, ann, f)
		}
	}
	return w
}

// compoundOf reads "compound KEY COLUMN [unique] [table-wide] [ci] : a TYPE, b".
func compoundOf(t testing.TB, f []string) *schema.Compound {
	at := slices.Index(f, ":")
	if at < 3 {
		t.Fatalf("schema: %q", f)
	}
	words := f[3:at]
	x := &schema.Compound{Key: f[1], Name: f[2], Unique: slices.Contains(words, "unique"), TableScope: slices.Contains(words, "table-wide")}
	for word, transit := range schema.Transits {
		if slices.Contains(words, word) {
			x.Transit = transit
		}
	}
	for _, part := range strings.Split(strings.Join(f[at+1:], " "), " , ") {
		name, typ, clear := strings.Cut(strings.TrimSpace(part), " ")
		p := schema.Part{Name: name}
		if clear {
			var err error
			if p.Type, err = schema.ParseType(typ); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(words, "ci") {
				p.Collation = schema.CollationIgnoreCase
			}
		}
		x.Parts = append(x.Parts, p)
	}
	return x
}

func (w *world) top(t testing.TB, f []string) (*rewrite.SnapshotRelation, *schema.Table) {
	w.view = nil
	add := func(name string, kind rewrite.RelationKind) *rewrite.SnapshotRelation {
		id := rewrite.RelationID{Schema: "main", Name: name}
		if s, n, ok := strings.Cut(name, "."); ok {
			id = rewrite.RelationID{Schema: s, Name: n}
		}
		w.snap.Relations = append(w.snap.Relations, rewrite.SnapshotRelation{ID: id, Kind: kind})
		return &w.snap.Relations[len(w.snap.Relations)-1]
	}
	switch f[0] {
	case "table":
		r := add(f[1], rewrite.RelTable)
		return r, &schema.Table{Name: r.ID.Name, Partition: schema.Partition{Kind: schema.PartitionConst, Const: "default"}}
	case "view", "child", "materialized":
		kind := rewrite.RelView
		if f[0] == "materialized" {
			kind = rewrite.RelMaterializedView
		}
		if f[0] == "child" {
			kind = rewrite.RelTable
		}
		r := add(f[1], kind)
		dep := rewrite.RelationID{Schema: "main", Name: f[3]}
		r.DependsOn = append(r.DependsOn, dep)
		if f[0] == "child" {
			for _, p := range f[3:] {
				if p != "," {
					r.Parents = append(r.Parents, rewrite.RelationID{Schema: "main", Name: p})
				}
			}
			r.Relatives = append(r.Relatives, r.Parents...)
			for i := range w.snap.Relations {
				if p := &w.snap.Relations[i]; slices.Contains(r.Parents, p.ID) {
					p.Relatives, p.DependsOn = append(p.Relatives, r.ID), append(p.DependsOn, r.ID)
				}
			}
			return r, &schema.Table{Name: r.ID.Name}
		}
		if i := slices.Index(f, "as"); i > 0 {
			r.Definition = strings.Join(f[i+1:], " ")
			for _, c := range f[4:i] {
				if c != "," {
					r.DependsOn = append(r.DependsOn, rewrite.RelationID{Schema: "main", Name: c})
				}
			}
			return r, &schema.Table{Name: r.ID.Name}
		}
		return r, nil
	case "foreign":
		return add(f[1], rewrite.RelForeign), nil
	case "trigger":
		for i := range w.snap.Relations {
			if w.snap.Relations[i].ID.Name == f[3] {
				w.snap.Relations[i].Triggers = append(w.snap.Relations[i].Triggers, rewrite.SnapshotTrigger{Name: f[1], Words: f[5:]})
			}
		}
	case "rule":
		for i := range w.snap.Relations {
			if w.snap.Relations[i].ID.Name == f[3] {
				w.snap.Relations[i].Rules = append(w.snap.Relations[i].Rules, f[1])
			}
		}
	case "system": // a relation of the engine's catalog with its columns
		if w.snap.System == nil {
			w.snap.System = map[rewrite.RelationID][]string{}
		}
		s, n, _ := strings.Cut(f[1], ".")
		w.snap.System[rewrite.RelationID{Schema: s, Name: n}] = slices.DeleteFunc(f[2:], func(w string) bool { return w == "," })
	case "enum": // in the schema of the session
		if w.snap.Enums == nil {
			w.snap.Enums = map[rewrite.RelationID][]string{}
		}
		w.snap.Enums[rewrite.RelationID{Schema: "main", Name: f[1]}] = f[2:]
	case "domain": // of records, in a schema
		if w.snap.Domains == nil {
			w.snap.Domains = map[string]string{}
		}
		w.snap.Domains[f[1]] = f[1] + "." + rewrite.RecordDomain
	case "routine":
		w.snap.Routines = append(w.snap.Routines, strings.Join(f[1:], " "))
	case "opaque": // a view that calls routines, or whose definition is not shown
		for i := range w.snap.Relations {
			if w.snap.Relations[i].ID.Name == f[1] {
				w.snap.Relations[i].OpaqueDefinition = true
			}
		}
	case "declare":
		if f[1] == "view" {
			w.view = &schema.View{Name: f[2]}
			w.views = append(w.views, w.view)
			return nil, nil
		}
		if f[1] == "trigger" {
			w.decl.Triggers[f[2]] = true
		} else {
			w.decl.Routines[f[2]] = true
		}
	case "clear":
		w.clear = append(w.clear, f[2])
	case "blind":
		w.blind = true
	case "rebuilds":
		w.rebuilt = true
	default:
		t.Fatalf("schema: unknown line %q", f)
	}
	return nil, nil
}

func setPartition(t testing.TB, ann *schema.Table, f []string) {
	switch f[1] {
	case "const":
		ann.Partition = schema.Partition{Kind: schema.PartitionConst, Const: f[2]}
	case "context":
		ann.Partition = schema.Partition{Kind: schema.PartitionContext}
	case "column":
		typ, err := schema.ParseType(f[3])
		if err != nil {
			t.Fatal(err)
		}
		ann.Partition = schema.Partition{Kind: schema.PartitionColumn, Column: f[2], Type: typ}
	}
}

func (w *world) addColumn(t testing.TB, rel *rewrite.SnapshotRelation, ann *schema.Table, f []string) {
	c := rewrite.CatalogColumn{Name: f[0], Type: f[1], BytewiseEqual: true}
	for i := 2; i < len(f); i++ {
		switch f[i] {
		case "sealed":
			typ, err := schema.ParseType(f[i+1])
			if err != nil {
				t.Fatal(err)
			}
			i++
			if w.dialect == rewrite.SQLite && c.Type == "bytea" {
				c.Type = "blob"
			}
			ann.Columns = append(ann.Columns, &schema.Column{Table: ann, Name: c.Name, ID: ann.Name + "." + c.Name, Type: typ})
			if w.dialect == rewrite.MySQL && c.Type == "bytea" {
				c.Type = "varbinary(2000)"
			}
			if w.dialect == rewrite.SQLite && c.Type == "bytea" {
				c.Type = "blob"
			}
		case "prefix", "suffix", "contains":
			col := ann.Columns[len(ann.Columns)-1]
			x := &schema.Fragments{Name: f[i+1], Collation: schema.CollationBytes}
			*map[string]**schema.Fragments{"prefix": &col.Prefix, "suffix": &col.Suffix, "contains": &col.Contains}[f[i]] = x
			i++
		case "client-sort":
			n, err := strconv.Atoi(f[i+1])
			if err != nil {
				t.Fatal(err)
			}
			ann.Columns[len(ann.Columns)-1].ClientSort = n
			i++
		case "scan":
			n, err := strconv.Atoi(f[i+1])
			if err != nil {
				t.Fatal(err)
			}
			ann.Columns[len(ann.Columns)-1].Scan = n
			i++
		case "verified":
			ann.Columns[len(ann.Columns)-1].Verify = schema.VerifyAlways
		case "required":
			c.NotNull = true
		case "asherah":
			ann.Columns[len(ann.Columns)-1].Carrier = schema.CarrierAsherah
		case "index", "lossy", "normalized", "folding", "uniquely", "table-wide", "group", "adding", "dropping":
			i += indexWord(ann.Columns[len(ann.Columns)-1], f[i], f[i+1:])
		case "ranged", "hidden", "range-nodes", "range-prefix", "short", "range-wide", "range-group":
			i += rangeWord(t, ann.Columns[len(ann.Columns)-1], f[i], f[i+1:])
		case "id":
			ann.Columns[len(ann.Columns)-1].ID = f[i+1]
			i++
		case "reads":
			last := ann.Columns[len(ann.Columns)-1]
			last.Sealing.Read = append(last.Sealing.Read, f[i+1])
			i++
		case "carrier":
			ann.Columns[len(ann.Columns)-1].Carrier = schema.CarrierText
		case "default":
			c.Default = f[i+1]
			i++
		case "filled": // the configuration gives the default
			ann.Columns[len(ann.Columns)-1].Default = &f[i+1]
			i++
		case "domain":
			c.Domain = f[i+1] + "." + rewrite.RecordDomain
			i++
		case "generated":
			c.Generated = true
		case "invisible":
			c.Invisible = true
		case "ci":
			c.BytewiseEqual = false
		case "absent": // annotated, and not in the table yet
			if ann != nil && !w.annotated(ann.Name) {
				w.tables = append(w.tables, ann)
			}
			return
		case "unbound":
			ann.Columns[len(ann.Columns)-1].Unbound = true
		default:
			t.Fatalf("schema: unknown word %q", f[i])
		}
	}
	rel.Columns = append(rel.Columns, c)
	// An unqualified annotation holds for that name in every schema.
	if ann != nil && len(ann.Columns) > 0 && !w.annotated(ann.Name) {
		w.tables = append(w.tables, ann)
	}
}

// indexWord reads "index NAME", "lossy", "folding", "uniquely", "table-wide", "group NAME"
// and returns the number of further words it took.
func indexWord(c *schema.Column, word string, rest []string) int {
	if c.Equality == nil {
		c.Equality = &schema.Equality{}
		if c.Type.Kind == schema.KindText {
			c.Equality.Collation = schema.CollationBytes
		}
	}
	switch word {
	case "index":
		c.Equality.Name = rest[0]
		return 1
	case "group":
		c.Equality.Group = rest[0]
		return 1
	case "lossy":
		c.Equality.Normalize = []schema.Normalizer{schema.Lower}
	case "normalized":
		c.Equality.Normalize, c.Equality.Collation = []schema.Normalizer{schema.Digits}, schema.CollationNormalized
	case "folding":
		c.Equality.Collation = schema.CollationIgnoreCase
	case "uniquely":
		c.Equality.Unique = schema.UniqueExact
	case "table-wide":
		c.Equality.TableScope = true
	case "adding", "dropping":
		c.Equality.Transit = schema.Transits[word]
	}
	return 0
}

// rangeWord reads "ranged NAME", "hidden", "range-prefix N", "short", "range-wide", "range-group
// NAME" likewise.
func rangeWord(t testing.TB, c *schema.Column, word string, rest []string) int {
	if c.Range == nil {
		c.Accepted = schema.LeakOrder
		c.Range = &schema.Range{Order: schema.OrderRevealing}
	}
	switch word {
	case "ranged":
		c.Range.Name = rest[0]
		return 1
	case "hidden":
		c.Range.Order, c.Accepted = schema.OrderHidden, 0
	case "range-nodes":
		c.Range.Form = schema.FormNodes
	case "range-prefix":
		n, err := strconv.Atoi(rest[0])
		if err != nil {
			t.Fatal(err)
		}
		c.Range.Prefix = n
		return 1
	case "range-group":
		c.Range.Group = rest[0]
		return 1
	case "short":
		c.Range.RefuseLonger = true
	case "range-wide":
		c.Range.TableScope = true
	}
	return 0
}

func (w *world) annotated(name string) bool {
	for _, t := range w.tables {
		if t.Name == name {
			return true
		}
	}
	return false
}

func (w *world) catalog(s rewrite.Session) rewrite.Catalog {
	cat, err := schema.New(w.tables, schema.Options{ClearTables: w.clear, Views: w.views})
	if err != nil {
		panic(err)
	}
	if w.rebuilt {
		cat = cat.Rebuilt(func(table string) string { return table + "__temp" })
	}
	snap := &w.snap
	if w.blind {
		snap = nil
	}
	return rewrite.NewCatalog(w.dialect, snap, rewrite.Names{SearchPath: []string{"main"}}, cat, w.decl)
}

func parseOptions(t testing.TB, d rewrite.Dialect, text string) (rewrite.Options, rewrite.Session) {
	o := rewrite.Options{HasArgs: true}
	s := rewrite.Session{}
	if d == rewrite.MySQL {
		s = rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}
	}
	for _, f := range strings.Fields(text) {
		switch f {
		case "noargs":
			o.HasArgs = false
		case "prepare":
			o.Prepare = true
		case "context":
			o.ContextPartition = true
		case "spans2":
			o.Spans = 2
		case "ansi_quotes":
			s.ANSIQuotes = true
		case "no_backslash_escapes":
			s.NoBackslashEscapes = true
		case "ignore_space":
			s.IgnoreSpace = true
		case "high_not_precedence":
			s.HighNotPrecedence = true
		case "pipes_as_concat":
			s.PipesAsConcat = true
		case "lenient":
			s.Lenient = true
		case "mode_unknown":
			s.ModeKnown = false
		case "mysql8":
			s.MariaDB, s.Version = false, 80036
		case "unsafe":
			s.Unsafe = "standard_conforming_strings"
		default:
			t.Fatalf("unknown option %q", f)
		}
	}
	return o, s
}

// TestCaseNamesAreSentences keeps the cases readable.
func TestCaseNamesAreSentences(t *testing.T) {
	files, _ := filepath.Glob("testdata/*/*/*.txtar")
	sort.Strings(files)
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txtar"); strings.Count(name, "_") < 2 {
			t.Errorf("%s: name the case with a sentence", f)
		}
	}
}

// describePrepared writes what a plan says of PREPARE, EXECUTE and DEALLOCATE.
func describePrepared(b *strings.Builder, p *rewrite.Plan) {
	if s := p.Prepares; s != nil {
		fmt.Fprintf(b, "prepares %s with %d values\n", s.Name, s.Params)
		for i, o := range s.Args {
			fmt.Fprintf(b, "prepared arg %d  %s\n", i+1, describeOut(o))
		}
		describeResults(b, "prepared ", s.Results, s.ResultNames)
		describeFilters(b, s.Filters)
	}
	if x := p.Executes; x != nil {
		fmt.Fprintf(b, "executes %s with %d values\n", x.Name, len(x.Values))
	}
	for _, n := range p.Releases {
		fmt.Fprintf(b, "releases %q\n", n)
	}
}
