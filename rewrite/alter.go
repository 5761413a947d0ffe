package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// alterTable plans ALTER TABLE action by action. What names an encrypted column
// is turned into the physical form or refused; of the other actions those pass
// that are known to move no value into an encrypted column and to leave its
// guard alone. A table that is not annotated may be altered in any way that
// does not lead to one that is.
func (a *analysis) alterTable(o *Other) error {
	a.effects |= EffectCatalog | EffectSession
	for _, e := range o.Exprs {
		if err := a.subqueries(e, nil); err != nil {
			return err
		}
	}
	path, actions := a.altered(a.tokens(o.Range()))
	if path == nil {
		return a.definition(o)
	}
	t := a.cat.Annotated(path)
	if t == nil {
		if a.cat.Mentions(path[len(path)-1].Name) {
			return a.definition(o)
		}
		if err := a.elsewhere(o); err != nil {
			return err
		}
		return a.alterClear(o, actions)
	}
	w := &alteration{a: a, t: t, path: path, name: a.script.Text[path[0].Start:path[len(path)-1].End]}
	for _, action := range actions {
		if err := w.action(words(action)); err != nil {
			return err
		}
	}
	a.ddl = w.edits
	if len(w.edits) > 0 {
		a.touch(t)
	}
	return nil
}

// alterClear is ALTER TABLE of a table that is not annotated: it may point at
// the clear columns of one that is, and otherwise not name any.
func (a *analysis) alterClear(o *Other, actions [][]Token) error {
	w := &alteration{a: a}
	for _, action := range actions {
		if err := w.foreignKey(words(action)); err != nil {
			return a.noMention(o, ReasonDDL, ddlHint)
		}
	}
	return nil
}

// altered reads ALTER [modifiers] TABLE [IF EXISTS] [ONLY] name [*] and cuts
// what follows into actions. path is nil for statements of another form.
func (a *analysis) altered(toks []Token) (path []Ident, actions [][]Token) {
	w := words(toks)
	if !w.is("ALTER") {
		return nil, nil
	}
	w = w[1:].skip("ONLINE", "OFFLINE", "IGNORE")
	if !w.is("TABLE") {
		return nil, nil
	}
	w = w[1:].skip("IF", "EXISTS", "ONLY")
	for len(w) > 0 && isName(w[0]) {
		path = append(path, Ident{Name: a.foldToken(w[0]), Quoted: w[0].Kind == TokQuoted, Span: Span{w[0].Start, w[0].End}})
		if w = w[1:]; len(w) == 0 || !isPunct(w[0], ".") {
			break
		}
		w = w[1:]
	}
	if len(w) > 0 && isPunct(w[0], "*") {
		w = w[1:]
	}
	if len(w) > 0 && isPunct(w[len(w)-1], ";") {
		w = w[:len(w)-1]
	}
	return path, split(w)
}

// split cuts a list at the commas outside of parentheses.
func split(toks []Token) [][]Token {
	var out [][]Token
	depth, from := 0, 0
	for i, t := range toks {
		switch {
		case isPunct(t, "("):
			depth++
		case isPunct(t, ")"):
			depth--
		case isPunct(t, ",") && depth == 0:
			out = append(out, toks[from:i])
			from = i + 1
		}
	}
	return append(out, toks[from:])
}

// words is a piece of a statement that is read by its keywords.
type words []Token

// is reports whether the piece begins with the keywords.
func (w words) is(keywords ...string) bool {
	if len(w) < len(keywords) {
		return false
	}
	for i, k := range keywords {
		if w[i].Kind != TokWord || !strings.EqualFold(w[i].Text, k) {
			return false
		}
	}
	return true
}

// any reports whether a keyword occurs at any depth.
func (w words) any(keywords ...string) bool {
	for i := range w {
		for _, k := range keywords {
			if w[i:].is(k) {
				return true
			}
		}
	}
	return false
}

// skip drops leading keywords of the list.
func (w words) skip(keywords ...string) words {
	for len(w) > 0 && w[:1].any(keywords...) {
		w = w[1:]
	}
	return w
}

// alteration collects the edits of one ALTER TABLE of an annotated table.
type alteration struct {
	a     *analysis
	t     *schema.Table
	path  []Ident
	name  string // the table's, as it is written
	edits []edit
}

func (w *alteration) refuse(at words, subject, hint string) error {
	pos := -1
	if len(at) > 0 {
		pos = at[0].Start
	}
	return w.a.refuse(pos, ReasonDDL, subject, hint)
}

// harmlessActions move no value and change no meaning of a column. The part
// behind them is not read, but for the names of encrypted columns.
var harmlessActions = [][]string{
	{"OWNER", "TO"},
	{"AUTO_INCREMENT"},
	{"ENGINE"},
	{"ROW_FORMAT"},
	{"KEY_BLOCK_SIZE"},
	{"COMMENT"},
	{"ALGORITHM"},
	{"LOCK"},
	{"VALIDATE", "CONSTRAINT"},
	{"CLUSTER", "ON"},
	{"SET", "TABLESPACE"},
	{"SET", "LOGGED"},
	{"SET", "UNLOGGED"},
	{"SET", "WITHOUT", "CLUSTER"},
	{"REPLICA", "IDENTITY"},
	{"FORCE"},
	{"DROP", "INDEX"},
	{"DROP", "KEY"},
	{"DROP", "PRIMARY", "KEY"},
	{"DROP", "FOREIGN", "KEY"},
	{"DROP", "CONSTRAINT"},
	{"RENAME", "INDEX"},
	{"RENAME", "KEY"},
	{"RENAME", "CONSTRAINT"},
}

// namesKey reports a name of an index or constraint, or two for RENAME: it may
// be that of a column.
func namesKey(rest words) bool {
	rest = rest.skip("IF", "EXISTS")
	if len(rest) > 2 && isName(rest[0]) && rest[1:].is("TO") {
		rest = rest[2:]
	}
	return len(rest) > 0 && isName(rest[0]) && (len(rest) == 1 || len(rest) == 2 && rest[1:].any("CASCADE", "RESTRICT"))
}

func (w *alteration) action(act words) error {
	if len(act) == 0 {
		return w.refuse(act, w.t.Name, ddlHint)
	}
	if err := w.guards(act); err != nil {
		return err
	}
	if err := w.parts(act); err != nil {
		return err
	}
	for _, h := range harmlessActions {
		if act.is(h...) {
			if rest := act[len(h):]; !namesKey(rest) || !act[:2].any("INDEX", "KEY", "CONSTRAINT") {
				return w.clearNames(rest)
			}
			return nil
		}
	}
	switch {
	case act.is("ADD"):
		return w.add(act[1:])
	case act.is("DROP"):
		return w.drop(act)
	case act.is("ALTER"):
		return w.alterColumn(act[1:].skip("COLUMN"))
	case act.is("MODIFY"):
		return w.modify(act[1:].skip("COLUMN").skip("IF", "EXISTS"))
	case act.is("CHANGE"):
		return w.change(act[1:].skip("COLUMN").skip("IF", "EXISTS"))
	case act.is("RENAME"):
		return w.rename(act[1:])
	case w.a.dialect == Postgres && isStorage(act):
		return w.clearNames(act[2:])
	}
	return w.refuse(act, w.t.Name, ddlHint)
}

// isStorage reports SET (fillfactor = 80) and the like: how rows lie in their pages
// and when they are vacuumed.
func isStorage(act words) bool {
	return len(act) > 1 && (act.is("SET") || act.is("RESET")) && isPunct(act[1], "(")
}

// guards keeps index columns, and the constraints of threats T10, in place: they
// go with their column only.
func (w *alteration) guards(act words) error {
	for _, t := range act {
		if isName(t) && w.t.IndexColumn(w.a.foldToken(t)) != nil {
			return w.a.refuse(t.Start, ReasonHiddenColumn, w.t.Name, indexColumnHint)
		}
		if isName(t) && strings.HasPrefix(strings.ToLower(t.Text), guardPrefix) {
			return w.a.refuse(t.Start, ReasonDDL, w.t.Name, "the constraint keeps plaintext out of an encrypted column; it goes with the column")
		}
	}
	return nil
}

// clearNames refuses the names of encrypted columns, also inside texts, and
// whatever could run: queries and routines.
func (w *alteration) clearNames(toks words) error {
	for i, t := range toks {
		switch {
		case toks[i:].is("SELECT"), toks[i:].is("WITH"), toks[i:].is("VALUES"):
			return w.a.refuse(t.Start, ReasonDDL, w.t.Name, "leave the query out of the definition")
		case i+1 < len(toks) && isName(t) && isPunct(toks[i+1], "(") && w.routine(t):
			return w.a.refuse(t.Start, ReasonRoutine, "", "declare the routine under routines: if it touches no annotated table")
		case isName(t):
			if c := w.t.Column(w.a.foldToken(t)); c != nil {
				return w.a.refuse(t.Start, ReasonDDL, c.String(), "a constraint or index would look at ciphertext; leave the encrypted column out of it")
			}
		case t.Kind == TokString && w.a.mentionIn(t.Text) != "":
			return w.a.refuse(t.Start, ReasonDDL, w.t.Name, ddlHint)
		}
	}
	return nil
}

func (w *alteration) routine(t Token) bool {
	path := []Ident{{Name: w.a.foldToken(t), Quoted: t.Kind == TokQuoted}}
	return w.a.cat.Routine(path) && !w.a.cat.Declared(path)
}

// constraintWords begin the constraints and keys that ADD takes.
var constraintWords = []string{"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "CHECK", "EXCLUDE"}

func (w *alteration) add(act words) error {
	switch {
	case act.is("PARTITION"), act.is("SYSTEM"), act.is("PERIOD"):
		return w.refuse(act, w.t.Name, ddlHint)
	case act.is("COLUMN"):
		act = act[1:]
	case len(act) > 0 && act[:1].any(constraintWords...):
		return w.constraint(act)
	}
	exists := act.is("IF", "NOT", "EXISTS")
	if exists {
		act = act[3:]
	}
	if len(act) > 2 && isPunct(act[0], "(") && isPunct(act[len(act)-1], ")") {
		for _, one := range split(act[1 : len(act)-1]) {
			if t := w.t; len(one) > 0 && t.Column(w.a.foldToken(one[0])) != nil {
				return w.refuse(one, t.Name, "add encrypted columns one by one: ADD COLUMN name type, ADD COLUMN …")
			}
			if err := w.addColumn(one, false); err != nil {
				return err
			}
		}
		return nil
	}
	return w.addColumn(act, exists)
}

// addColumn adds a column: an encrypted one gets its carrier and its guard.
func (w *alteration) addColumn(def words, exists bool) error {
	if len(def) == 0 || !isName(def[0]) {
		return w.refuse(def, w.t.Name, ddlHint)
	}
	name := w.a.foldToken(def[0])
	if w.isPartition(name) {
		if def.any("DEFAULT", "GENERATED", "AUTO_INCREMENT", "AS", "SERIAL", "BIGSERIAL") {
			return w.refuse(def, w.t.Name+"."+name, "the application gives the partition of every row; leave out the default")
		}
		return w.clearDefinition(def[1:])
	}
	c := w.t.Column(name)
	if c == nil {
		return w.clearDefinition(def[1:])
	}
	body, end := w.place(def)
	if i := slices.IndexFunc(body, func(t Token) bool { return isWord(&t, "DEFAULT") }); i >= 0 && !body[i+1:].is("NULL") {
		return w.refuse(body[i:], c.String(), "add the column without a default and write the value with UPDATE: rows that are there would go without it")
	}
	if err := w.column(c, body); err != nil {
		return err
	}
	spelt := *c
	spelt.Name = name
	constraint := " CONSTRAINT " + w.a.front.QuoteIdent(GuardName(c)) + " CHECK (" + Guard(w.a.front, &spelt) + ")"
	if _, guards := w.a.newCarrier(w.schema(), c); guards {
		constraint = ""
	}
	if w.a.dialect == MySQL {
		// A column's own CHECK takes no name there, and AFTER would follow it.
		if exists {
			return w.refuse(def, c.String(), "leave out IF NOT EXISTS: the column's guard is a constraint of its own, which would be added twice")
		}
		constraint = ", ADD" + constraint
	}
	if w.a.dialect == SQLite {
		w.edits = append(w.edits, edit{span: Span{end, end}, text: constraint + w.indexesBehind(c, name)})
		return nil
	}
	for _, x := range c.Indexes() {
		constraint += ", ADD COLUMN " + w.a.front.QuoteIdent(x.Physical()) + " " + IndexType(w.a.dialect, x) +
			", ADD CONSTRAINT " + w.a.front.QuoteIdent(IndexGuardName(x)) + " CHECK (" + spelledGuard(w.a.front, name, x) + ")"
	}
	w.edits = append(w.edits, edit{span: Span{end, end}, text: constraint})
	return nil
}

// indexesBehind adds the index columns of a column by statements of their own:
// SQLite adds one column a statement. They are sent in one text.
func (w *alteration) indexesBehind(c *schema.Column, name string) string {
	var out strings.Builder
	q := w.a.front.QuoteIdent
	for _, x := range c.Indexes() {
		w.a.behind++
		fmt.Fprintf(&out, "; ALTER TABLE %s ADD COLUMN %s %s CONSTRAINT %s CHECK (%s)", w.name, q(x.Physical()), IndexType(w.a.dialect, x),
			q(IndexGuardName(x)), spelledGuard(w.a.front, name, x))
	}
	return out.String()
}

// place cuts MySQL's FIRST and AFTER name off a definition and returns the
// offset behind the whole.
func (w *alteration) place(def words) (body words, end int) {
	end = def[len(def)-1].End
	if n := len(def); w.a.dialect == MySQL {
		switch {
		case n > 1 && def[n-1:].is("FIRST"):
			return def[:n-1], end
		case n > 2 && def[n-2:].is("AFTER"):
			return def[:n-2], end
		}
	}
	return def, end
}

// schema is that in which the table is.
func (w *alteration) schema() string {
	if rel := w.a.cat.Relation(w.path); rel != nil {
		return rel.ID.Schema
	}
	return ""
}

// column replaces the type of an encrypted column by its carrier.
func (w *alteration) column(c *schema.Column, def words) error {
	d := &tableDefinition{a: w.a, t: w.t, schema: w.schema(), names: map[*schema.Column]string{}}
	if err := d.column(c, def); err != nil {
		return err
	}
	w.edits = append(w.edits, d.edits...)
	return nil
}

// clearDefinition is the definition of a clear column: it may not look at an
// encrypted one.
func (w *alteration) clearDefinition(def words) error {
	if def.is("AS") || def.any("GENERATED") {
		// A generated column may take the row as a whole.
		for _, t := range def {
			if isName(t) && w.a.cat.Mentions(t.Text) {
				return w.a.refuse(t.Start, ReasonDDL, w.t.Name, ddlHint)
			}
		}
	}
	if i := w.references(def); i >= 0 {
		if err := w.foreignKey(def[i:]); err != nil {
			return err
		}
		def = def[:i]
	}
	return w.clearNames(def)
}

func (w *alteration) references(toks words) int {
	for i := range toks {
		if toks[i:].is("REFERENCES") {
			return i
		}
	}
	return -1
}

// constraint adds a key or a check over clear columns.
func (w *alteration) constraint(act words) error {
	body := act
	if act.is("CONSTRAINT") && len(act) > 2 {
		if body = act[1:].skip("IF", "NOT", "EXISTS"); !body[:1].any(constraintWords[1:]...) {
			body = body[1:]
		}
	}
	switch {
	case body.is("PRIMARY"), body.is("UNIQUE"), body.is("KEY"), body.is("INDEX"), body.is("FULLTEXT"), body.is("SPATIAL"):
		if !onlyNames(body) {
			return w.refuse(body, w.t.Name, "name columns only, or change the table with the statements that `sealsql ddl` prints")
		}
		d := &tableDefinition{a: w.a, t: w.t}
		if err := d.constraint(act); err != nil {
			return err
		}
		w.edits = append(w.edits, d.edits...)
		return nil
	case body.is("FOREIGN"):
		edits, err := w.a.foreignKey(w.t, body)
		w.edits = append(w.edits, edits...)
		return err
	case body.is("CHECK"):
		// The name of the table is the row as a whole.
		for _, t := range body {
			if isName(t) && w.a.cat.Mentions(t.Text) || t.Kind == TokString && w.a.mentionIn(t.Text) != "" {
				return w.a.refuse(t.Start, ReasonDDL, w.t.Name, ddlHint)
			}
		}
		return w.clearNames(body)
	}
	return w.refuse(body, w.t.Name, ddlHint)
}

// onlyNames refuses expressions: an index key in parentheses of its own may be
// any.
func onlyNames(w words) bool {
	depth := 0
	for _, t := range uncommented(w) {
		switch {
		case isPunct(t, "("):
			depth++
		case isPunct(t, ")"):
			depth--
		case t.Kind == TokString:
			return false
		}
		if depth > 2 {
			return false
		}
	}
	return !w.any("WHERE", "CHECK", "EXCLUDE", "SELECT")
}

// foreignKey reads REFERENCES table (columns) wherever it stands: the columns
// must be clear ones of that table, and nothing else may name an annotated
// table.
func (w *alteration) foreignKey(act words) error {
	for i := 0; i < len(act); i++ {
		if act[i:].is("REFERENCES") {
			path, rest := w.a.relationName(act[i+1:])
			if t := w.a.cat.Annotated(path); t != nil {
				n, err := w.a.keyColumns(t, rest)
				if err != nil {
					return err
				}
				i = len(act) - len(rest) + n - 1
				continue
			}
		}
		if m := w.a.mention(act[i]); m != "" {
			return w.a.refuse(act[i].Start, ReasonDDL, m, ddlHint)
		}
	}
	return nil
}

func (a *analysis) relationName(w words) (path []Ident, rest words) {
	for len(w) > 0 && isName(w[0]) {
		path = append(path, Ident{Name: a.foldToken(w[0]), Quoted: w[0].Kind == TokQuoted})
		if w = w[1:]; len(w) == 0 || !isPunct(w[0], ".") {
			break
		}
		w = w[1:]
	}
	return path, w
}

// keyColumns reads the parenthesised columns of an annotated table that a
// foreign key points at, and returns how many tokens they take.
func (a *analysis) keyColumns(t *schema.Table, w words) (int, error) {
	if len(w) == 0 || !isPunct(w[0], "(") {
		return 0, nil // its primary key
	}
	for i, tok := range w {
		if isPunct(tok, ")") {
			return i + 1, nil
		}
		if isName(tok) && t.Column(a.foldToken(tok)) != nil {
			return 0, a.refuse(tok.Start, ReasonDDL, t.Column(a.foldToken(tok)).String(), "a key would compare ciphertext; point it at a clear column")
		}
	}
	return len(w), nil
}

// drop drops a column. What the encrypted one holds is lost, as is meant.
func (w *alteration) drop(act words) error {
	body := act[1:].skip("COLUMN").skip("IF", "EXISTS")
	if len(body) == 0 || !isName(body[0]) || len(body) > 1 && !body[1:].is("CASCADE") && !body[1:].is("RESTRICT") || body[0].Kind == TokWord && len(body) == 1 && act.is("DROP", "PARTITION") {
		return w.refuse(act, w.t.Name, ddlHint)
	}
	name := w.a.foldToken(body[0])
	if w.isPartition(name) {
		return w.refuse(body, w.t.Name+"."+name, "its values name the keys of every row; without them nothing can be read")
	}
	c := w.t.Column(name)
	if c != nil && w.a.dialect != SQLite {
		end := act[len(act)-1].End
		for _, x := range c.Indexes() {
			w.edits = append(w.edits, edit{span: Span{end, end}, text: ", DROP COLUMN " + w.a.front.QuoteIdent(x.Physical())})
			if w.a.dialect == MySQL {
				w.edits = append(w.edits, edit{span: Span{act[0].Start, act[0].Start}, text: "DROP CONSTRAINT " + w.a.front.QuoteIdent(IndexGuardName(x)) + ", "})
			}
		}
	}
	if c == nil || w.a.dialect == Postgres {
		return nil // PostgreSQL drops the guard with its column
	}
	if w.a.dialect == SQLite {
		return w.refuse(body, c.String(), "SQLite drops no column that a CHECK names: rebuild the table through the plain driver (CREATE TABLE new, INSERT … SELECT, DROP, RENAME)")
	}
	w.edits = append(w.edits, edit{span: Span{act[0].Start, act[0].Start}, text: "DROP CONSTRAINT " + w.a.front.QuoteIdent(GuardName(c)) + ", "})
	return nil
}

// alterColumn is PostgreSQL's and MySQL's ALTER COLUMN name ….
func (w *alteration) alterColumn(act words) error {
	if len(act) < 3 || !isName(act[0]) {
		return w.refuse(act, w.t.Name, ddlHint)
	}
	name, body := w.a.foldToken(act[0]), act[1:]
	if w.isPartition(name) {
		if body.is("SET", "NOT", "NULL") {
			return nil
		}
		return w.refuse(act, w.t.Name+"."+name, "the application gives the partition of every row: its type and default stay")
	}
	c := w.t.Column(name)
	if c == nil {
		if body.is("TYPE") || body.is("SET", "DATA") || body.is("SET", "DEFAULT") || body.is("DROP") || body.is("SET", "NOT", "NULL") ||
			body.is("SET", "STATISTICS") || body.is("ADD", "GENERATED") || body.is("SET", "STORAGE") {
			return w.clearDefinition(body)
		}
		return w.refuse(act, w.t.Name, ddlHint)
	}
	switch {
	case body.is("DROP", "DEFAULT"), body.is("SET", "DEFAULT"):
		return w.defaultOf(c, body)
	case body.is("SET", "NOT", "NULL"), body.is("DROP", "NOT", "NULL"), body.is("SET", "STATISTICS"), body.is("SET", "STORAGE"):
		return nil
	case body.is("TYPE"):
		return w.retype(c, body[1:])
	case body.is("SET", "DATA", "TYPE"):
		return w.retype(c, body[3:])
	}
	return w.refuse(act, c.String(), "the server cannot compute with an encrypted column: it takes NULL and NOT NULL only")
}

// defaultOf lets a column's default be set to what it is by the configuration, or to none
// where it has none.
func (w *alteration) defaultOf(c *schema.Column, body words) error {
	none := body.is("DROP") || body.is("SET", "DEFAULT", "NULL") && len(body) == 3
	switch {
	case none && c.Default == nil:
		return nil
	case none:
		return w.refuse(body, c.String(), otherDefault)
	case c.Default == nil:
		return w.refuse(body, c.String(), undeclared)
	case w.a.sameDefault(c, body[2:]) != len(body)-2:
		return w.refuse(body, c.String(), otherDefault)
	}
	w.edits = append(w.edits, edit{span: Span{body[0].Start, body[len(body)-1].End}, text: "DROP DEFAULT"})
	return nil
}

// retype keeps the carrier where the new type is the configured one. USING
// would compute over ciphertext; the cast that migrators add is left out.
func (w *alteration) retype(c *schema.Column, def words) error {
	end := len(def)
	for i := range def {
		if def[i:].is("USING") || def[i:].is("COLLATE") {
			end = i
			break
		}
	}
	if end == 0 || end < len(def) && !w.plainUsing(c, def[end:]) {
		return w.refuse(def, c.String(), "leave out USING: the values stay as they are")
	}
	d := &tableDefinition{a: w.a, t: w.t}
	if err := d.typeAgrees(c, def[:end]); err != nil {
		return err
	}
	if err := w.sizeAgrees(c, def[:end]); err != nil {
		return err
	}
	w.edits = append(w.edits, edit{span: Span{def[0].Start, def[len(def)-1].End}, text: w.a.carrier(w.path, c)})
	return nil
}

// sizeAgrees refuses a change to a length or precision that is not the
// configuration's: values are cut and rounded by that, so that the change would
// have no effect, and a migrator would try it again and again.
func (w *alteration) sizeAgrees(c *schema.Column, toks words) error {
	if len(toks) == 0 {
		return nil
	}
	t, err := schema.ParseType(w.a.script.Text[toks[0].Start:toks[len(toks)-1].End])
	if err != nil || !w.a.sameSize(t, c.Type) {
		return w.refuse(toks, c.String(), "the configuration says "+c.Type.Name+": change it there, which is all that is needed")
	}
	return nil
}

// sameSize compares length, or precision and scale, of types of one kind.
func (a *analysis) sameSize(t, u schema.Type) bool {
	switch t.Kind {
	case schema.KindText, schema.KindBytes:
		return t.Length == u.Length
	case schema.KindNumeric:
		return a.digits(t) == a.digits(u)
	}
	return true
}

// digits are precision and scale; MySQL's are 10 and 0 where none are given.
func (a *analysis) digits(t schema.Type) [2]int {
	if !t.HasPrecision && a.dialect == MySQL {
		return [2]int{10, 0}
	}
	if !t.HasPrecision {
		return [2]int{-1, -1}
	}
	return [2]int{t.Precision, t.Scale}
}

// plainUsing recognises [COLLATE name] USING column[::type].
func (w *alteration) plainUsing(c *schema.Column, toks words) bool {
	if toks.is("COLLATE") && len(toks) > 1 {
		if toks = toks[2:]; len(toks) == 0 {
			return true
		}
	}
	if !toks.is("USING") || len(toks) < 2 || !isName(toks[1]) || w.t.Column(w.a.foldToken(toks[1])) != c {
		return false
	}
	toks = toks[2:]
	if len(toks) == 0 {
		return true
	}
	if !isPunct(toks[0], "::") {
		return false
	}
	return (&tableDefinition{a: w.a, t: w.t}).typeAgrees(c, toks[1:]) == nil
}

// modify is MySQL's MODIFY COLUMN definition.
func (w *alteration) modify(def words) error {
	if len(def) < 2 || !isName(def[0]) {
		return w.refuse(def, w.t.Name, ddlHint)
	}
	name := w.a.foldToken(def[0])
	if w.isPartition(name) {
		return w.refuse(def, w.t.Name+"."+name, "the partition is part of every record: its type and default stay")
	}
	if c := w.t.Column(name); c != nil {
		body, _ := w.place(def)
		d, end := &tableDefinition{a: w.a, t: w.t}, 1
		for end < len(body) && !d.typeEnds(body, end) {
			end++
		}
		if err := w.column(c, body); err != nil {
			return err
		}
		return w.sizeAgrees(c, body[1:end])
	}
	body, _ := w.place(def)
	return w.clearDefinition(body[1:])
}

// change is MySQL's CHANGE COLUMN old definition.
func (w *alteration) change(act words) error {
	if len(act) < 3 || !isName(act[0]) || !isName(act[1]) {
		return w.refuse(act, w.t.Name, ddlHint)
	}
	if !schema.EqualNames(act[0].Text, act[1].Text) {
		if err := w.renamed(act, act[0], act[1]); err != nil {
			return err
		}
	}
	return w.modify(act[1:])
}

const renameHint = "a record is bound to its column: set id: to the old name in the configuration, rename through the plain driver, then rename in the configuration (sealsql config diff checks it)"

// rename lets clear columns be renamed, to names that mean nothing yet.
// A table may take the name of one whose records are the same.
func (w *alteration) rename(act words) error {
	if len(act) == 2 && act.is("TO") && isName(act[1]) && w.t.SameRecords(w.a.cat.Annotated([]Ident{{Name: w.a.foldToken(act[1]), Quoted: act[1].Kind == TokQuoted}})) {
		w.a.effects |= EffectCatalog | EffectSession
		return nil
	}
	act = act.skip("COLUMN")
	if len(act) != 3 || !isName(act[0]) || !act[1:].is("TO") || !isName(act[2]) {
		return w.refuse(act, w.t.Name, renameHint)
	}
	return w.renamed(act, act[0], act[2])
}

func (w *alteration) renamed(at words, from, to Token) error {
	for _, t := range []Token{from, to} {
		name := w.a.foldToken(t)
		if c := w.t.Column(name); c != nil {
			return w.refuse(at, c.String(), renameHint)
		}
		if w.isPartition(name) {
			return w.refuse(at, w.t.Name+"."+name, "change partition: in the configuration at the same time, through the plain driver")
		}
	}
	return nil
}

func (w *alteration) isPartition(name string) bool {
	return w.t.Partition.Kind == schema.PartitionColumn && schema.EqualNames(w.t.Partition.Column, name)
}
