package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Names is how a session resolves names.
type Names struct {
	// SearchPath lists the schemas in which unqualified names are looked up,
	// in order: PostgreSQL's effective search_path without temporary and
	// system schemas, MySQL's current database, SQLite's "main" and attached
	// files.
	SearchPath []string
	// Temp are the session's temporary relations; they come before everything.
	Temp []SnapshotRelation
}

// Declarations are what the configuration states about code that the catalog
// cannot prove clear, and what the driver reserves.
type Declarations struct {
	// Routines and Triggers declared clear, lower case.
	Routines map[string]bool
	Triggers map[string]bool
	// Metastore is the name of the key table, refused in every statement.
	Metastore string
}

// Finding is a problem of an annotated table that the catalog shows: a
// DEFAULT, generated column, CHECK, expression index, policy, trigger, rule or wrong
// carrier. Opening the database reports it.
type Finding struct {
	Column  string
	Problem string
	Hint    string
}

// namespace is the Catalog of one session. It is built once per state of
// database and session and never changes.
type namespace struct {
	dialect  Dialect
	ann      *schema.Catalog
	decl     Declarations
	path     []string
	temp     map[string]*Relation
	views    []*Relation // over annotated tables, in the order of the catalog
	byID     map[RelationID]*Relation
	schemas  map[string]bool
	routines map[string]bool
	reached  map[string]bool // lower-case names of relations that reach an annotated table
	reaching map[RelationID]bool
	system   map[RelationID][]string
	snap     *Snapshot
	doubt    map[RelationID]string // relations that show what is not known, and because of which other
	fetching bool                  // see FetchSets
	calling  bool                  // a relation is not written to without code that may change the session
	blind    bool                  // no snapshot: nothing is known but the configuration
}

// NewCatalog joins a snapshot of the database, a session's names and the
// annotations. snap is nil where no catalog access is wanted: then only
// annotated tables and the configuration's clear tables resolve.
func NewCatalog(d Dialect, snap *Snapshot, names Names, annotations *schema.Catalog, decl Declarations) Catalog {
	n := &namespace{
		dialect: d, ann: annotations, decl: decl, path: names.SearchPath,
		temp: map[string]*Relation{}, byID: map[RelationID]*Relation{},
		schemas: map[string]bool{}, routines: map[string]bool{}, reached: map[string]bool{},
		reaching: map[RelationID]bool{}, blind: snap == nil,
	}
	if snap == nil {
		return n
	}
	n.system = snap.System
	n.snap = snap
	for _, r := range snap.Routines {
		n.routines[strings.ToLower(r)] = true
	}
	all := make([]*SnapshotRelation, 0, len(snap.Relations)+len(names.Temp))
	for i := range snap.Relations {
		all = append(all, &snap.Relations[i])
	}
	for i := range names.Temp {
		all = append(all, &names.Temp[i])
	}
	reach := reachable(all, annotations, n.key)
	for id, how := range reach {
		if how != reachSelf {
			n.reached[strings.ToLower(id.Name)], n.reaching[id] = true, true
		}
	}
	f := newFamily(n, all)
	n.doubt = doubtful(all, reach, annotations, n.key)
	for _, r := range all {
		rel := n.judge(r, reach[n.key(r.ID)], f)
		rel.lists = new(starLists)
		for i := range rel.prepared {
			p := &rel.prepared[i]
			p.cols, p.part, p.rowAt = baseColumns(rel, i == 1)
			p.shown, p.distinct = shownColumns(p.cols)
		}
		if rel.Verdict == VerdictView {
			n.views = append(n.views, rel)
		}
		if r.Temp {
			n.temp[n.key(r.ID).Name] = rel
			continue
		}
		n.byID[n.key(r.ID)] = rel
		n.schemas[n.key(r.ID).Schema] = true
	}
	n.depend(all)
	n.setting(all)
	return n
}

// key folds an id as the dialect compares names. PostgreSQL compares exactly;
// MySQL may or may not, by platform, so that folding is the safe reading: two
// tables that differ only by case are then one, and refused if either is.
func (n *namespace) key(id RelationID) RelationID {
	return foldID(n.dialect, id)
}

func foldID(d Dialect, id RelationID) RelationID {
	if d == Postgres {
		return id
	}
	return RelationID{strings.ToLower(id.Schema), strings.ToLower(id.Name)}
}

type reachKind uint8

const (
	reachNone reachKind = iota
	reachSelf
	reachRelative
	reachView
)

// reachable computes which relations lead to an annotated table, by whatever
// chain of views, rules, synonyms and inheritance.
func reachable(all []*SnapshotRelation, ann *schema.Catalog, key func(RelationID) RelationID) map[RelationID]reachKind {
	users := map[RelationID][]*SnapshotRelation{} // relation -> those that depend on it
	reach := map[RelationID]reachKind{}
	var queue []RelationID
	for _, r := range all {
		id := key(r.ID)
		for _, d := range r.DependsOn {
			users[key(d)] = append(users[key(d)], r)
		}
		for _, d := range r.Relatives {
			users[key(d)] = append(users[key(d)], r)
		}
		if ann.Lookup(r.ID.Schema, r.ID.Name) != nil {
			reach[id] = reachSelf
			queue = append(queue, id)
		} else if ann.View(r.ID.Schema, r.ID.Name) != nil {
			reach[id] = reachView // whatever the catalog knows of it
			queue = append(queue, id)
		}
	}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, u := range users[id] {
			uid := key(u.ID)
			if reach[uid] != reachNone {
				continue
			}
			reach[uid] = reachView
			for _, d := range u.Relatives {
				if key(d) == id {
					reach[uid] = reachRelative
				}
			}
			queue = append(queue, uid)
		}
	}
	return reach
}

// judge turns what the reader reported of one relation into a verdict.
func (n *namespace) judge(r *SnapshotRelation, how reachKind, f *family) *Relation {
	rel := &Relation{ID: r.ID, Kind: r.Kind, Columns: r.Columns, Unique: r.Unique, Conflicts: r.Conflicts, Source: r.Source, Verdict: VerdictClear}
	refuse := func(why Reason, hint string) *Relation {
		rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, why, hint
		return rel
	}
	declared := n.ann.IsClearIn(r.ID.Schema, r.ID.Name)
	if n.decl.Metastore != "" && strings.EqualFold(r.ID.Name, n.decl.Metastore) {
		return refuse(ReasonMetastore, "the key table is read and written by sealsql only; grant the application's role nothing but SELECT and INSERT on it")
	}
	if n.isSide(r.ID) {
		return refuse(ReasonHiddenColumn, "the table holds the tokens of a search index; its rows are sealsql's")
	}
	if v := n.ann.View(r.ID.Schema, r.ID.Name); v != nil && !r.Temp {
		return n.judgeDeclared(r, rel, v)
	}
	switch {
	case how == reachSelf:
		return n.judgeAs(r, rel, n.ann.Lookup(r.ID.Schema, r.ID.Name), f)
	case how == reachRelative:
		return n.judgeRelative(r, rel, f)
	case how == reachView:
		return n.judgeView(r, rel)
	case r.OpaqueDefinition && !declared:
		return refuse(ReasonView, "its definition could not be read; list it under clear_tables if it reaches no annotated table")
	case (r.Kind == RelForeign || r.Kind == RelOther) && !declared:
		return refuse(ReasonView, "a foreign or virtual table may show another table's rows; list it under clear_tables if it reaches no annotated table")
	case n.doubt[n.key(r.ID)] != "":
		return refuse(ReasonView, "it reads "+n.doubt[n.key(r.ID)]+", of which the catalog does not tell what it shows; list that under clear_tables if it reaches no annotated table")
	}
	n.judgeTriggers(r, rel, nil)
	n.judgeCalls(r, rel)
	return rel
}

// judgeCalls refuses relations whose definition runs user-defined code that is
// not declared clear (threats T3).
func (n *namespace) judgeCalls(r *SnapshotRelation, rel *Relation) {
	if r.Kind == RelView || r.Kind == RelMaterializedView {
		return // judged as a view
	}
	calls := r.Calls
	for i := range r.Columns {
		if name := "type " + typeName(r.Columns[i].Type); n.routines[name] {
			calls = append(calls[:len(calls):len(calls)], SnapshotCall{Routine: name})
		}
	}
	for _, c := range calls {
		if n.decl.Routines[c.Routine] {
			continue
		}
		hint := c.Routine + " runs with the rows of this relation; declare it under routines: if it touches no annotated table"
		if c.OnRead {
			rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, ReasonRoutine, hint
			return
		}
		rel.WriteReason, rel.WriteHint = ReasonRoutine, hint
	}
}

// typeName is the last part of a type's name, without modifiers, as the names of
// types stand in Snapshot.Routines.
func typeName(spelling string) string {
	spelling, _, _ = strings.Cut(spelling, "(")
	spelling = strings.TrimRight(spelling, "[] ")
	spelling = spelling[strings.LastIndexByte(spelling, '.')+1:]
	return strings.ToLower(strings.Trim(spelling, `"`))
}

// judgeAs compares a relation with the annotation that it has, by its name or
// from its parents.
func (n *namespace) judgeAs(r *SnapshotRelation, rel *Relation, t *schema.Table, f *family) *Relation {
	refuse := func(why Reason, hint string) *Relation {
		rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, why, hint
		return rel
	}
	if r.Temp {
		return refuse(ReasonShadowed, "a temporary relation has the name of an annotated table; give it another name")
	}
	if r.Kind != RelTable && r.Kind != RelPartitioned {
		return refuse(ReasonShadowed, "the configuration annotates a table of this name, but it is a view or another kind of relation")
	}
	for _, c := range t.Columns {
		if !r.has(c.Name) {
			rel.Lacks = pendingHint(c)
			continue
		}
		if p := columnProblem(n.dialect, r, c); p != nil {
			return refuse(ReasonShadowed, c.Name+": "+p.Problem+"; "+p.Hint)
		}
		for _, x := range c.Indexes() {
			if p := indexProblem(n.dialect, r, x); p != nil {
				return refuse(ReasonShadowed, x.Physical()+": "+p.Problem+"; "+p.Hint)
			}
			if p := redefined(n.dialect, r, x); p != nil {
				return refuse(ReasonShadowed, x.Physical()+": "+p.problem()+"; "+definitionHint)
			}
		}
	}
	if child := f.stranger(r, t, 0); child != "" {
		return refuse(ReasonInheritance, child+" is a part of it and has an annotation with other ids; give both the same")
	}
	if fault := f.partFault(r, t, 0); fault != "" {
		return refuse(ReasonShadowed, fault)
	}
	rel.Verdict, rel.Annotation = VerdictAnnotated, t
	var trusted map[string]bool
	rel.sides, trusted = sides(n.dialect, quoteIdent(n.dialect), r, t, n.snap.find)
	n.judgeTriggers(r, rel, trusted)
	n.judgeCalls(r, rel)
	if triggers := f.triggers(r, 0); len(triggers) > 0 && rel.WriteReason == 0 {
		for _, tr := range triggers {
			if trusted[strings.ToLower(tr.Name)] {
				continue
			}
			if !n.decl.Triggers[strings.ToLower(tr.Name)] {
				rel.WriteReason = ReasonTrigger
				rel.WriteHint = "trigger " + tr.Name + " runs on an annotated table; declare it under triggers if it may see ciphertext"
			}
		}
	}
	return rel
}

// judgeTriggers refuses writes to a relation whose triggers or rules may touch
// an annotated table (threats T3).
func (n *namespace) judgeTriggers(r *SnapshotRelation, rel *Relation, trusted map[string]bool) {
	if len(r.Rules) > 0 {
		rel.WriteReason = ReasonTrigger
		rel.WriteHint = "rule " + r.Rules[0] + " rewrites statements on this relation; drop it"
	}
	for _, tr := range r.Triggers {
		if n.decl.Triggers[strings.ToLower(tr.Name)] || trusted[strings.ToLower(tr.Name)] {
			continue
		}
		for _, w := range tr.Words {
			if w == "*" || n.Mentions(w) || n.routines[w] && !n.decl.Routines[w] {
				rel.WriteReason = ReasonTrigger
				rel.WriteHint = "trigger " + tr.Name + " may touch an annotated table; declare it under triggers if it does not write encrypted columns"
			}
		}
	}
}

// columnProblem compares an annotated column with its physical column.
func columnProblem(d Dialect, r *SnapshotRelation, c *schema.Column) *Finding {
	for i := range r.Columns {
		p := &r.Columns[i]
		if !strings.EqualFold(p.Name, c.Name) {
			continue
		}
		switch {
		case p.Generated:
			return &Finding{c.String(), "the column is generated by the server", "an encrypted column must be an ordinary one"}
		case p.Default != "":
			return &Finding{c.String(), "the column has a DEFAULT, which the server would store in clear", "drop the default in the database; let the application give the value, or default: of the column in the configuration"}
		case r.Strict && !carriesStrictly(d, p.Type, c):
			return &Finding{c.String(), "the table is STRICT, and the type " + typeShown(p.Type) + " cannot hold records", "make the table again with the type " + strings.ToUpper(CarrierType(d, c)) + " for it, as `sealsql ddl` prints it"}
		case !r.Strict && !carries(d, p.Type, c.Carrier):
			return &Finding{c.String(), "its type " + typeShown(p.Type) + " cannot hold records", "it needs " + strings.ToUpper(CarrierType(d, c)) + ", as `sealsql ddl` prints it, or another carrier: in the configuration"}
		}
		return nil
	}
	return nil
}

// orderProblem reports texts whose index has another order than the database.
func orderProblem(snap *Snapshot, c *schema.Column) *Finding {
	if !snap.UTF16 || c.Type.Kind != schema.KindText || c.Range == nil || c.Range.Collation != schema.CollationNone {
		return nil
	}
	return &Finding{c.String(), "the database sorts texts by their UTF-16, and the range by their UTF-8", "say collation: binary of the range, if that is the order that the program expects"}
}

// typeShown is a type of the catalog as it stands in a message.
func typeShown(typ string) string {
	if typ == "" {
		return "(none)"
	}
	return strings.ToUpper(typ)
}

// carries reports whether a physical type can hold records (threats T25 for
// SQLite's affinities).
func carries(d Dialect, typ string, c schema.Carrier) bool {
	typ = strings.ToLower(typ)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(typ, w) {
				return true
			}
		}
		return false
	}
	text := has("char", "text", "clob") && !has("varbinary")
	switch d {
	case Postgres:
		switch c {
		case schema.CarrierText:
			return text
		case schema.CarrierAsherah:
			return text || has("json")
		}
		return typ == "bytea"
	case MySQL:
		switch c {
		case schema.CarrierText:
			return text
		case schema.CarrierAsherah:
			return text || has("json")
		}
		return has("binary", "blob")
	}
	if has("int") {
		return false
	}
	return typ == "" || text || has("blob")
}

// carriesStrictly is carries for the columns of a STRICT table, which convert nothing and
// take no value of another type. ANY takes all and keeps them as they are.
func carriesStrictly(d Dialect, typ string, c *schema.Column) bool {
	return strings.EqualFold(typ, "any") || strings.EqualFold(typ, CarrierType(d, c))
}

// Findings checks the annotated tables against the snapshot: what it returns
// would put plaintext into the server or make stored data unreadable.
func Findings(d Dialect, snap *Snapshot, annotations *schema.Catalog, decl Declarations) []Finding {
	var out []Finding
	if snap == nil {
		return nil
	}
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || t.Rebuilds != nil || r.Temp || r.Kind != RelTable && r.Kind != RelPartitioned {
			continue
		}
		for _, c := range t.Columns {
			if !r.has(c.Name) {
				continue
			}
			if p := columnProblem(d, r, c); p != nil {
				out = append(out, *p)
			}
			if p := orderProblem(snap, c); p != nil {
				out = append(out, *p)
			}
			for _, x := range c.Indexes() {
				if p := indexProblem(d, r, x); p != nil {
					out = append(out, *p)
				} else if p := redefined(d, r, x); p != nil {
					out = append(out, p.finding())
				}
			}
			out = append(out, expressionFindings(d, r, c)...)
		}
		_, trusted := sides(d, quoteIdent(d), r, t, snap.find)
		for _, tr := range r.Triggers {
			if !decl.Triggers[strings.ToLower(tr.Name)] && !trusted[strings.ToLower(tr.Name)] {
				out = append(out, Finding{t.Name, "trigger " + tr.Name + " runs on the table", "declare it under triggers: if it may see ciphertext"})
			}
		}
		for _, rule := range r.Rules {
			out = append(out, Finding{t.Name, "rule " + rule + " rewrites statements on the table", "drop the rule"})
		}
		if f := partitionFinding(d, r, t); f != nil {
			out = append(out, *f)
		}
		if f := rowFinding(d, r, t); f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// expressionFindings reports CHECK constraints, expression indexes, unique keys, generated
// columns, policies and foreign keys over an encrypted column, apart from the guards of
// `sealsql ddl`.
func expressionFindings(d Dialect, r *SnapshotRelation, c *schema.Column) []Finding {
	var out []Finding
	for _, key := range r.Unique {
		if slices.ContainsFunc(key, func(name string) bool { return strings.EqualFold(name, c.Name) }) {
			out = append(out, Finding{c.String(), "a primary key or unique index holds the column, which compares ciphertext", "drop it: no two records are equal, so it enforces nothing"})
		}
	}
	for _, chk := range r.Checks {
		chk, _ := cutDefinition(chk)
		if hasWord(chk, c.Name) && !isGuard(chk) && !guardsIndex(chk, c) && !isJSONCheck(chk, c) && !knownMark(chk, c) {
			out = append(out, checkFinding(c, chk))
		}
	}
	out = append(out, fillFindings(r, c)...)
	for _, ix := range r.ExpressionIndexes {
		if hasWord(ix, c.Name) {
			out = append(out, Finding{c.String(), "an expression index reads the column, which holds ciphertext", "drop the index"})
		}
	}
	for _, x := range r.Computed {
		if hasWord(x, c.Name) {
			out = append(out, Finding{c.String(), "a generated column is computed from the column, which holds ciphertext", "drop the generated column; let the application compute it"})
		}
	}
	for _, p := range r.Policies {
		if strings.EqualFold(p.Column, c.Name) {
			out = append(out, Finding{c.String(), "policy " + p.Name + " reads the column, which holds ciphertext", "let the policy compare a clear column, such as that of the partition"})
		}
	}
	return append(out, referenceFindings(r, c)...)
}

// referenceFindings reports foreign keys by which the server writes the column, or its
// search index and not the value beside it.
func referenceFindings(r *SnapshotRelation, c *schema.Column) []Finding {
	written := func(name string) bool {
		return strings.EqualFold(name, c.Name) || slices.ContainsFunc(c.Indexes(), func(x schema.Index) bool { return strings.EqualFold(name, x.Physical()) })
	}
	var out []Finding
	for _, x := range r.References {
		if slices.ContainsFunc(x.Clears, written) || slices.ContainsFunc(x.Changes, func(ch SnapshotChange) bool { return written(ch.Column) }) {
			out = append(out, Finding{
				c.String(), "the foreign key to " + x.To.Name + " changes the column or its search index, and not both",
				"make it anew: ON UPDATE takes RESTRICT or NO ACTION, ON DELETE also CASCADE",
			})
		}
	}
	return out
}

// isGuard recognises the CHECK of `sealsql ddl`, however the engine prints it.
func isGuard(check string) bool {
	return isGuardOf(check, schema.CarrierBinary) || isGuardOf(check, schema.CarrierText) || isGuardOf(check, schema.CarrierAsherah)
}

// isGuardOf recognises the guard of a carrier: it tests the length, cuts off the
// beginning or compares it by LIKE, which PostgreSQL prints as an operator, and
// compares with the bytes that begin every record.
func isGuardOf(check string, carrier schema.Carrier) bool {
	mark := recordMagic
	switch carrier {
	case schema.CarrierText:
		mark = armourPrefix
	case schema.CarrierAsherah:
		mark = asherahMark
	}
	c := strings.ToLower(check)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(c, w) })
	}
	return has("length", "substring", "~~", " like ") && has(strings.ToLower(mark)) &&
		!has("!~~", "not like", "<>", "!=") // it says the opposite
}

func partitionFinding(d Dialect, r *SnapshotRelation, t *schema.Table) *Finding {
	if t.Partition.Kind != schema.PartitionColumn {
		return nil
	}
	name := t.Name + "." + t.Partition.Column
	for i := range r.Columns {
		p := &r.Columns[i]
		if !strings.EqualFold(p.Name, t.Partition.Column) {
			continue
		}
		if p.Default != "" || p.Generated {
			return &Finding{name, "the partition column is filled in by the server", "the application must give the partition of every row"}
		}
		return storedOtherwise(d, name, p, t.Partition.Type)
	}
	return &Finding{name, "the table has no such column", "correct the partition in the configuration"}
}

// hasWord finds name as a whole word, without case.
func hasWord(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(name)
	for i := 0; ; {
		j := strings.Index(text[i:], name)
		if j < 0 {
			return false
		}
		j += i
		end := j + len(name)
		if (j == 0 || !wordByte(text[j-1])) && (end == len(text) || !wordByte(text[end])) {
			return true
		}
		i = j + 1
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Relation resolves a name as the session would.
func (n *namespace) Relation(path []Ident) *Relation {
	name := path[len(path)-1].Name
	if n.decl.Metastore != "" && strings.EqualFold(name, n.decl.Metastore) {
		return &Relation{
			ID: RelationID{Name: name}, Verdict: VerdictRefused, Reason: ReasonMetastore,
			Hint: "the key table is read and written by sealsql only",
		}
	}
	if len(path) > 1 {
		return n.qualified(path[len(path)-2].Name, name)
	}
	if rel := n.temp[n.key(RelationID{Name: name}).Name]; rel != nil {
		return rel
	}
	if n.blind {
		return n.fromConfig("", name)
	}
	for _, s := range n.path {
		if rel := n.byID[n.key(RelationID{s, name})]; rel != nil {
			return rel
		}
	}
	return n.unknown("", name)
}

func (n *namespace) qualified(schemaName, name string) *Relation {
	low := strings.ToLower(schemaName)
	if low == "pg_temp" || strings.HasPrefix(low, "pg_temp_") || n.dialect == SQLite && low == "temp" {
		if rel := n.temp[n.key(RelationID{Name: name}).Name]; rel != nil {
			return rel
		}
	}
	if systemSchema(n.dialect, low) {
		return &Relation{ID: RelationID{low, name}, Kind: RelSystem, Verdict: VerdictClear, Open: true}
	}
	if n.blind {
		return n.fromConfig(schemaName, name)
	}
	if rel := n.byID[n.key(RelationID{schemaName, name})]; rel != nil {
		return rel
	}
	return n.unknown(schemaName, name)
}

// fromConfig answers without a catalog: annotated tables are known by name
// only, everything else must be declared.
func (n *namespace) fromConfig(schemaName, name string) *Relation {
	if t := n.ann.Lookup(schemaName, name); t != nil {
		return &Relation{ID: RelationID{schemaName, name}, Kind: RelTable, Verdict: VerdictAnnotated, Open: true, Annotation: t}
	}
	if v := n.ann.View(schemaName, name); v != nil {
		return &Relation{ID: RelationID{schemaName, name}, Kind: RelView, Verdict: VerdictView, declared: v, look: new(viewLook)}
	}
	if n.ann.IsClearIn(schemaName, name) {
		return &Relation{ID: RelationID{schemaName, name}, Kind: RelTable, Verdict: VerdictClear, Open: true}
	}
	return n.unknown(schemaName, name)
}

func (n *namespace) unknown(schemaName, name string) *Relation {
	if systemName(n.dialect, name) {
		return &Relation{ID: RelationID{schemaName, name}, Kind: RelSystem, Verdict: VerdictClear, Open: true}
	}
	hint := "the database's catalog has no such relation"
	if n.blind {
		hint = "list it under clear_tables, or let the driver read the catalog (catalog: {read: auto})"
	}
	return &Relation{ID: RelationID{schemaName, name}, Verdict: VerdictUnknown, Reason: ReasonUnknownRelation, Hint: hint}
}

func systemSchema(d Dialect, low string) bool {
	switch d {
	case Postgres:
		return low == "pg_catalog" || low == "information_schema"
	case MySQL:
		return low == "information_schema" || low == "performance_schema" || low == "mysql" || low == "sys"
	}
	return false
}

func systemName(d Dialect, name string) bool {
	low := strings.ToLower(name)
	switch d {
	case Postgres:
		return strings.HasPrefix(low, "pg_")
	case SQLite:
		return strings.HasPrefix(low, "sqlite_")
	case MySQL:
		return low == "dual"
	}
	return false
}

func routineName(path []Ident) string {
	return strings.ToLower(path[len(path)-1].Name)
}

// Routine reports a user-defined routine that is not declared clear.
func (n *namespace) Routine(path []Ident) bool {
	name := routineName(path)
	return n.routines[name] && !n.decl.Routines[name]
}

// Declared reports a routine that the configuration declares clear.
func (n *namespace) Declared(path []Ident) bool {
	return n.decl.Routines[routineName(path)]
}

// runsText are built-in functions that change settings, or run a text that may.
var runsText = map[string]bool{
	"set_config": true, "query_to_xml": true, "query_to_xmlschema": true, "query_to_xml_and_xmlschema": true,
	"cursor_to_xml": true, "cursor_to_xmlschema": true, "ts_stat": true, "ts_rewrite": true,
}

// SetsSession: see Catalog.
func (n *namespace) SetsSession(path []Ident) bool {
	name := routineName(path)
	return n.routines["session "+name] || n.calling && n.routines[name] || n.dialect == Postgres && !n.routines[name] && runsText[name]
}

// Defines: see Catalog.
func (n *namespace) Defines(path []Ident) bool { return n.routines["defines "+routineName(path)] }

// AnySets: see Catalog.
func (n *namespace) AnySets() bool { return n.routines["session *"] }

// WritesSet: see Catalog.
func (n *namespace) WritesSet() bool { return n.calling }

// FetchSets: see Catalog.
func (n *namespace) FetchSets() bool { return n.fetching }

// Annotated returns the annotation that a new table of that name would have.
func (n *namespace) Annotated(path []Ident) *schema.Table {
	name := path[len(path)-1].Name
	if len(path) > 1 {
		return n.ann.Lookup(path[len(path)-2].Name, name)
	}
	if len(n.path) > 0 {
		if t := n.ann.Lookup(n.path[0], name); t != nil {
			return t
		}
	}
	return n.ann.Lookup("", name)
}

// Mentions reports whether a word names something annotated.
func (n *namespace) Mentions(word string) bool {
	return n.configured(word) || n.reached[strings.ToLower(word)]
}

// configured reports whether the configuration gives a word a meaning.
func (n *namespace) configured(word string) bool {
	return n.ann.Mentions(word) || n.ann.MentionsView(word) ||
		n.decl.Metastore != "" && strings.EqualFold(word, n.decl.Metastore)
}

// Taken reports whether a new table may not have the name: the configuration
// speaks of it, or what the name means in this session reaches an annotated table.
func (n *namespace) Taken(path []Ident) bool {
	return n.configured(path[len(path)-1].Name) || n.reaching[n.key(n.Relation(path).ID)]
}

// Tables returns the annotated tables.
func (n *namespace) Tables() []*schema.Table { return n.ann.Tables() }

// Views returns the views over annotated tables that may be read.
func (n *namespace) Views() []*Relation { return n.views }

// SystemColumns returns the columns of a relation of the engine's catalog.
func (n *namespace) SystemColumns(id RelationID) []string { return n.system[id] }
