package rewrite

import "strings"

const ddlHint = "change annotated tables with the statements that `sealsql ddl` prints, through the plain driver"

// other plans statements that are not queries or DML. Most of them pass when
// nothing in them can name an annotated table.
func (a *analysis) other(o *Other) error {
	if err := a.keepsDomain(o); err != nil {
		return err
	}
	switch o.Kind {
	case OtherDeallocate:
		if o.Verb != "CLOSE" {
			a.releases = append(a.releases, a.released(o))
		}
		return a.contents(o)
	case OtherTransaction:
		a.runsDeferred(o)
		return a.contents(o)
	case OtherEmpty, OtherListen, OtherMaintenance:
		return a.contents(o)
	case OtherShow:
		return a.show(o)
	case OtherSession:
		return a.setting(o)
	case OtherExplain:
		return a.explain(o)
	case OtherDynamic:
		return a.dynamic(o)
	case OtherCall:
		return a.callStatement(o)
	case OtherCopy:
		return a.bulk(o)
	case OtherCursor:
		return a.cursor(o)
	case OtherDrop, OtherTruncate:
		a.effects |= EffectCatalog | EffectSession
		if err := a.removes(o); err != nil {
			return err
		}
		return a.keyTable(o)
	case OtherCreateIndex:
		return a.createIndex(o)
	case OtherCreateTable:
		return a.createTable(o)
	case OtherCreateView:
		return a.createView(o)
	case OtherAlterTable:
		if done, err := a.alterView(o); done {
			return err
		}
		return a.alterTable(o)
	case OtherCreateCode, OtherDDL:
		a.effects |= EffectCatalog | EffectSession
		return a.definition(o)
	}
	return a.unknownStatement(o)
}

// contents walks what a statement names: functions must be clear, queries
// must yield clear columns.
func (a *analysis) contents(o *Other) error {
	sc := &scope{}
	if err := a.clearAll(o.Exprs, sc, ReasonExpression); err != nil {
		return err
	}
	if o.Query != nil {
		return a.nested([]*Query{o.Query}, sc)
	}
	return nil
}

// show lets statements pass that show settings and definitions; those that
// describe an annotated table are noted, because their report is of carriers.
func (a *analysis) show(o *Other) error {
	for _, t := range o.Relations {
		if len(t.Path) == 0 {
			continue
		}
		switch rel := a.cat.Relation(t.Path); rel.Verdict {
		case VerdictAnnotated:
			a.describes = rel.Annotation
		case VerdictView:
			a.describedView = a.look(rel).cols
		}
	}
	return a.contents(o)
}

// unsafeSettings change how texts are read or what the catalog may hold.
var unsafeSettings = map[string]string{
	"standard_conforming_strings": "sealsql reads strings as the standard does",
	"backslash_quote":             "sealsql reads strings as the standard does",
	"writable_schema":             "it lets the catalog be changed unseen",
	"ignore_check_constraints":    "it switches the guards off",
	"check_constraint_checks":     "it switches the guards off",
	"session_replication_role":    "it switches triggers and rules, which the catalog's verdicts rest on",
}

func (a *analysis) setting(o *Other) error {
	for _, s := range o.Settings {
		if why, bad := unsafeSettings[s[strings.LastIndexByte(s, '.')+1:]]; bad {
			return a.refuse(o.Start, ReasonSession, s, why)
		}
	}
	for _, s := range o.Settings {
		switch {
		case a.dialect == MySQL && strings.HasPrefix(s, "@"):
			continue // a variable of the user's
		case s == "attach" || s == "detach":
			a.effects |= EffectCatalog
		}
		a.effects |= EffectSession
	}
	return a.contents(o)
}

// explain plans the explained statement: its values are sealed like any, its
// result is the engine's report.
func (a *analysis) explain(o *Other) error {
	if o.Inner == nil {
		return a.unknownStatement(o)
	}
	if err := a.statement(o.Inner); err != nil {
		return err
	}
	if len(a.liked) > 0 { // nothing is opened that a pattern could be compared with
		l := a.liked[0]
		return a.refuse(l.ref.Start, ReasonPredicate, l.like.Of.String(), "EXPLAIN does not take LIKE over an encrypted column: explain the statement without it")
	}
	a.results, a.skipRes = nil, true
	a.declares, a.fetches = nil, nil
	if a.executes != nil {
		a.executes.Explained = true
	}
	return nil
}

func (a *analysis) callStatement(o *Other) error {
	for _, e := range o.Exprs {
		if c, ok := e.(*Call); !ok || !a.cat.Declared(c.Name) {
			return a.refuse(o.Start, ReasonRoutine, "", "if the procedure touches no annotated table declare it under routines:")
		}
	}
	if len(o.Exprs) == 0 {
		return a.refuse(o.Start, ReasonRoutine, "", "if the procedure touches no annotated table declare it under routines:")
	}
	a.effects |= EffectSession
	return a.contents(o)
}

// bulk plans COPY and LOAD DATA: every relation must be clear.
func (a *analysis) bulk(o *Other) error {
	for _, t := range o.Relations {
		rel := a.cat.Relation(t.Path)
		switch {
		case rel.Verdict == VerdictAnnotated:
			hint := " would carry values past the driver; use INSERT or UPDATE with bound parameters"
			if o.Verb == "COPY" && !a.wordIn(o.Span, "FROM") {
				hint = " would show the records; read the values with SELECT"
			}
			return a.refuse(t.Start, ReasonStatement, rel.Annotation.Name, o.Verb+hint)
		case rel.Verdict != VerdictClear:
			return a.refuse(t.Start, rel.Reason, t.Path[len(t.Path)-1].Name, rel.Hint)
		case rel.WriteReason != 0:
			return a.refuse(t.Start, rel.WriteReason, t.Path[len(t.Path)-1].Name, rel.WriteHint)
		case rel.writeSets:
			a.effects |= EffectSession
		}
	}
	if err := a.noMention(o, ReasonStatement, "use INSERT or UPDATE with bound parameters"); err != nil {
		return err
	}
	return a.contents(o)
}

// keyTable refuses DROP and TRUNCATE of the key table: the data would be lost.
func (a *analysis) keyTable(o *Other) error {
	for _, t := range o.Relations {
		if rel := a.cat.Relation(t.Path); rel.Reason == ReasonMetastore {
			return a.refuse(t.Start, ReasonMetastore, t.Path[len(t.Path)-1].Name, rel.Hint)
		}
	}
	return nil
}

// createIndex lets indexes over clear columns pass.
func (a *analysis) createIndex(o *Other) error {
	a.effects |= EffectCatalog
	if len(o.Relations) == 0 {
		return a.definition(o)
	}
	sc := &scope{}
	r, err := a.table(o.Relations[0], sc)
	if err != nil {
		return err
	}
	sc.rels = []*relation{r}
	together, err := a.compoundIndexOver(o, r.annotated())
	if err != nil {
		return err
	}
	for _, e := range o.Exprs {
		if ref, ok := e.(*ColumnRef); ok {
			if together[ref.Path[len(ref.Path)-1].Name] {
				continue
			}
			done, err := a.keyOver(o, ref, sc)
			if err != nil {
				return err
			}
			if done {
				continue
			}
		}
		var sealedCol string
		eachColumn(e, func(ref *ColumnRef) {
			if h, _, found, _ := a.resolve(ref, sc); found && len(h.flow()) > 0 {
				sealedCol = h.flow()[0].col.String()
			}
		})
		if sealedCol != "" {
			return a.refuse(e.Pos(), ReasonDDL, sealedCol, "an index over ciphertext finds nothing")
		}
		if err := a.subqueries(e, sc); err != nil {
			return err
		}
		if r.annotated() == nil {
			continue
		}
		if err := a.clear(e, sc, ReasonDDL); err != nil {
			return err
		}
	}
	return nil
}

// subqueries analyses the queries inside an expression of a definition. No
// engine accepts them there, but by then their values would have been sent.
func (a *analysis) subqueries(e Expr, sc *scope) error {
	if e == nil {
		return nil
	}
	es, qs := kids(e)
	for _, k := range es {
		if err := a.subqueries(k, sc); err != nil {
			return err
		}
	}
	return a.nested(qs, sc)
}

// createTable refuses definitions of annotated tables; CREATE TABLE AS must
// not read sealed columns.
func (a *analysis) createTable(o *Other) error {
	a.effects |= EffectCatalog
	if o.Temp {
		a.effects |= EffectSession
	}
	for _, e := range o.Exprs {
		if err := a.subqueries(e, nil); err != nil {
			return err
		}
	}
	if len(o.Relations) == 0 {
		return a.definition(o)
	}
	t := o.Relations[0]
	name := t.Path[len(t.Path)-1]
	if o.Temp && a.cat.Mentions(name.Name) {
		return a.refuse(t.Start, ReasonShadowed, name.Name, "give the temporary table another name")
	}
	if a.cat.Taken(t.Path) {
		if ann := a.cat.Annotated(t.Path); ann != nil {
			return a.physicalTable(o, ann)
		}
		return a.refuse(t.Start, ReasonDDL, name.Name, "the name is taken by a relation that reaches an annotated table")
	}
	if err := a.elsewhere(o); err != nil {
		return err
	}
	if err := a.modelled(o); err != nil || o.Query == nil {
		return err
	}
	cols, err := a.query(o.Query, nil, false)
	if err != nil {
		return err
	}
	return a.noSealed(cols, ReasonSealedToClear, o.Query.Start, hints[ReasonSealedToClear])
}

// modelWords stand before the table that a new one takes its columns from, or
// becomes a part of.
var modelWords = map[string]bool{"LIKE": true, "OF": true, "INHERITS": true}

// modelled refuses a table that is made after an annotated one: it would have
// the same columns, and nobody would encrypt what goes into them.
func (a *analysis) modelled(o *Other) error {
	toks := a.tokens(o.Range())
	for i, t := range toks {
		if t.Kind != TokWord || !modelWords[strings.ToUpper(t.Text)] {
			continue
		}
		for _, n := range toks[i+1:] {
			if isName(n) && a.cat.Mentions(n.Text) {
				return a.refuse(n.Start, ReasonDDL, n.Text, ddlHint)
			}
			if !isName(n) && !isPunct(n, "(") && !isPunct(n, ".") && !isPunct(n, ",") || modelEnds[strings.ToUpper(n.Text)] {
				break
			}
		}
	}
	return nil
}

// modelEnds are words behind the tables that modelWords introduce.
var modelEnds = map[string]bool{"INCLUDING": true, "EXCLUDING": true, "FOR": true, "DEFAULT": true, "REFERENCES": true, "CHECK": true}

func (a *analysis) createView(o *Other) error {
	a.effects |= EffectCatalog | EffectSession
	if len(o.Relations) > 0 {
		path := o.Relations[0].Path
		name := path[len(path)-1]
		rel := a.cat.Relation(path)
		if a.cat.Annotated(path) != nil || rel.Verdict == VerdictAnnotated || rel.Verdict == VerdictRefused && rel.Reason != ReasonView {
			return a.refuse(o.Start, ReasonShadowed, name.Name, "give the view another name")
		}
	}
	if o.Query == nil {
		return a.definition(o)
	}
	cols, err := a.query(o.Query, nil, false)
	if err != nil {
		return err
	}
	if err := a.viewColumns(cols, o.Query.Start); err != nil {
		return err
	}
	return a.viewIndexes(o, cols)
}

// viewColumns allows a view to show encrypted columns as they are. Nothing can
// be sealed in a definition: it would be sealed once for all.
func (a *analysis) viewColumns(cols []column, pos int) error {
	sealedCol := ""
	for i := range cols {
		if f := cols[i].flow; len(f) > 0 {
			sealedCol = f[0].col.String()
		}
	}
	if len(a.seals.list) > 0 || len(a.casts)+len(a.typed) > 0 || len(a.indexed.list) > 0 || a.eq.any() || a.ranges.any() {
		return a.refuse(pos, ReasonView, sealedCol, "a view shows encrypted columns as they are: leave constants, casts and comparisons to the statements that read it")
	}
	return nil
}

// harmlessVerbs are definitions that may name an annotated table: they move
// no value and change no meaning.
var harmlessVerbs = []string{"GRANT", "REVOKE", "COMMENT"}

// definition refuses other definitions that name an annotated table anywhere,
// also inside the text of a body.
func (a *analysis) definition(o *Other) error {
	for _, v := range harmlessVerbs {
		if strings.HasPrefix(o.Verb, v) {
			return nil
		}
	}
	why := ReasonDDL
	if o.Kind == OtherCreateCode {
		why = ReasonRoutine
	}
	return a.noMention(o, why, ddlHint)
}

// noMention refuses a statement in which any word, also inside a string,
// names an annotated table.
func (a *analysis) noMention(o *Other, why Reason, hint string) error {
	for _, t := range a.tokens(o.Range()) {
		if w := a.mention(t); w != "" {
			return a.refuse(t.Start, why, w, hint)
		}
	}
	return nil
}

// tokens returns the tokens of a range; all of them when the range is not known.
func (a *analysis) tokens(s Span) []Token {
	toks := a.script.Tokens
	if !s.Known() {
		return toks
	}
	from, to := 0, len(toks)
	for from < to && toks[from].End <= s.Start {
		from++
	}
	for to > from && toks[to-1].Start >= s.End {
		to--
	}
	return toks[from:to]
}

// mention returns the annotated name that a token contains, or "".
func (a *analysis) mention(t Token) string {
	switch t.Kind {
	case TokWord, TokQuoted:
		if a.cat.Mentions(t.Text) {
			return t.Text
		}
	case TokString:
		return a.mentionIn(t.Text)
	}
	return ""
}

// mentionIn looks at every word of a text.
func (a *analysis) mentionIn(text string) string {
	for i := 0; i < len(text); {
		if !wordByte(text[i]) {
			i++
			continue
		}
		j := i
		for j < len(text) && wordByte(text[j]) {
			j++
		}
		if a.cat.Mentions(text[i:j]) {
			return text[i:j]
		}
		i = j
	}
	return ""
}

// dynamicWords begin statements, or parts of them, that run other text.
var dynamicWords = map[string]bool{"EXECUTE": true, "CALL": true, "DO": true, "PREPARE": true, "HANDLER": true, "LOAD": true}

// unknownStatement is the rule for statements without one of their own, and
// for texts that no parser accepts: they pass only if no word in them can
// name anything annotated and nothing in them can run code.
func (a *analysis) unknownStatement(o *Other) error {
	return a.unknownTokens(a.tokens(o.Range()), o.Start)
}

func (a *analysis) unknownTokens(toks []Token, pos int) error {
	a.effects |= EffectCatalog | EffectSession
	for _, t := range toks {
		if w := a.mention(t); w != "" {
			return a.refuse(t.Start, ReasonSyntax, w, "write the statement in a form that the parser understands")
		}
	}
	for i, t := range toks {
		if t.Kind != TokWord && t.Kind != TokQuoted {
			continue
		}
		if t.Kind == TokWord && dynamicWords[strings.ToUpper(t.Text)] {
			return a.refuse(t.Start, ReasonSyntax, "", "write the statement in a form that the parser understands")
		}
		if t.Kind == TokWord && strings.EqualFold(t.Text, "INSERT") {
			if err := a.unknownInsert(toks[i+1:]); err != nil {
				return err
			}
		}
		if t.Kind == TokWord && relationWords[strings.ToUpper(t.Text)] {
			if err := a.unknownRelations(strings.ToUpper(t.Text), toks[i+1:]); err != nil {
				return err
			}
		}
		if i+1 < len(toks) && isPunct(toks[i+1], "(") {
			id := []Ident{{Name: t.Text}}
			if a.cat.Routine(id) && !a.cat.Declared(id) {
				return a.refuse(t.Start, ReasonRoutine, t.Text, "declare the routine under routines: if it touches no annotated table")
			}
		}
	}
	return nil
}

func isPunct(t Token, s string) bool { return t.Kind == TokPunct && t.Text == s }

// relationWords stand before relation names.
var relationWords = map[string]bool{"INTO": true, "FROM": true, "JOIN": true, "UPDATE": true, "TABLE": true}

// insertWords may stand between INSERT and its table; notInserted are words
// behind an INSERT that is a privilege or an event.
var (
	insertWords = map[string]bool{"LOW_PRIORITY": true, "DELAYED": true, "HIGH_PRIORITY": true, "IGNORE": true}
	notInserted = map[string]bool{"INTO": true, "ON": true, "OR": true, "TO": true, "FROM": true}
)

// unknownInsert checks the table of an INSERT without INTO.
func (a *analysis) unknownInsert(toks []Token) error {
	for len(toks) > 0 && toks[0].Kind == TokWord && insertWords[strings.ToUpper(toks[0].Text)] {
		toks = toks[1:]
	}
	if len(toks) == 0 || !isName(toks[0]) || toks[0].Kind == TokWord && notInserted[strings.ToUpper(toks[0].Text)] {
		return nil
	}
	return a.unknownRelations("INSERT", toks)
}

// unknownRelations checks the names behind FROM, INTO and the like in a text
// that no parser accepts: name [AS] [alias] [, name …].
func (a *analysis) unknownRelations(word string, toks []Token) error {
	for len(toks) > 0 && isName(toks[0]) {
		var path []Ident
		pos := toks[0].Start
		for len(toks) > 0 && isName(toks[0]) {
			path = append(path, Ident{Name: a.foldToken(toks[0]), Quoted: toks[0].Kind == TokQuoted})
			toks = toks[1:]
			if len(toks) < 2 || !isPunct(toks[0], ".") {
				break
			}
			toks = toks[1:]
		}
		if (word == "FROM" || word == "JOIN") && len(toks) > 0 && isPunct(toks[0], "(") && len(path) == 1 {
			return nil // a function; its name is checked as such
		}
		rel := a.cat.Relation(path)
		if rel.Verdict != VerdictClear || rel.WriteReason != 0 {
			return a.refuse(pos, ReasonSyntax, shown(path[len(path)-1]), "write the statement in a form that the parser understands")
		}
		for len(toks) > 0 && isName(toks[0]) && !relationWords[strings.ToUpper(toks[0].Text)] {
			toks = toks[1:]
		}
		if len(toks) == 0 || !isPunct(toks[0], ",") {
			return nil
		}
		toks = toks[1:]
	}
	return nil
}

func isName(t Token) bool { return t.Kind == TokWord || t.Kind == TokQuoted }

func (a *analysis) foldToken(t Token) string {
	if t.Kind == TokWord && a.dialect == Postgres {
		return strings.ToLower(t.Text)
	}
	return t.Text
}
