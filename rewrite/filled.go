package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// The default of an encrypted column is the configuration's: the server cannot fill in
// what the driver seals. A statement that leaves the column out, or says DEFAULT, is
// planned with the value written out, as an application could have written it:
//
//	INSERT INTO jobs (id) VALUES ($1), ($2)
//	INSERT INTO jobs (id, "state") VALUES ($1, 'new'), ($2, 'new')

// maxFilled bounds how often a text is planned anew: once for each of its statements that
// cannot be planned without its defaults, at most.
const maxFilled = 64

const (
	fillHint     = "give the value: the column's default cannot be written into a statement of this form"
	undeclared   = "write default: VALUE at the column in the configuration, and the driver fills it in; the server would store it in clear"
	otherDefault = "the configuration gives the column's default: change it there, which is all that is needed"
)

// fill is text that stands for a part of the statement, for the default of a column.
type fill struct {
	span Span
	text string
	of   *schema.Column
}

// fill notes one, once for a part that is looked at twice.
func (a *analysis) fill(at Span, text string, of *schema.Column) {
	if f := (fill{at, text, of}); !slices.Contains(a.fills, f) {
		a.fills = append(a.fills, f)
	}
}

// defaultText spells the default of a column as a constant.
func (a *analysis) defaultText(c *schema.Column) string {
	switch text := *c.Default; {
	case truthWord(a.dialect, c):
		return strings.ToUpper(text)
	case isNumeric(c) && sameNumber(text, text):
		return text
	default:
		return a.front.StringLiteral(text)
	}
}

func isNumeric(c *schema.Column) bool {
	k := c.Type.Kind
	return k == schema.KindInt || k == schema.KindFloat || k == schema.KindNumeric
}

// truthWord reports a default that is TRUE or FALSE, which are numbers but on PostgreSQL.
func truthWord(d Dialect, c *schema.Column) bool {
	return (strings.EqualFold(*c.Default, "true") || strings.EqualFold(*c.Default, "false")) &&
		(c.Type.Kind == schema.KindBool || d != Postgres && isNumeric(c))
}

// fillOmitted writes the defaults of columns that an INSERT leaves out into it.
func (a *analysis) fillOmitted(in *insertion) error {
	var names, values []string
	var first *schema.Column
	for _, c := range in.rel.annotated().Columns {
		if c.Default == nil {
			continue
		}
		at := slices.IndexFunc(in.rel.cols, func(x column) bool { return len(x.flow) > 0 && x.flow[0].col == c })
		if at >= 0 && contains(in.cols, at) {
			continue
		}
		if first == nil {
			first = c
		}
		if at < 0 {
			hint := "write to the table itself: the view does not show the column, which has a default"
			if in.rel.view == nil {
				hint = "the configuration gives the column a default, and the table lacks it: add the column, or take it out of the configuration"
			}
			return a.refuse(in.st.Start, ReasonDefault, c.String(), hint)
		}
		names, values = append(names, a.front.QuoteIdent(in.rel.cols[at].name)), append(values, a.defaultText(c))
	}
	if first == nil {
		return nil
	}
	f := filler{a, in.st, first, strings.Join(names, ", "), strings.Join(values, ", ")}
	before := len(a.fills)
	if !f.insert(in, names, values) {
		a.fills = a.fills[:before]
		return a.refuse(in.st.Start, ReasonDefault, first.String(), fillHint)
	}
	return nil
}

// filler adds columns and a value for each to an INSERT. Its methods return false where it
// is not known how.
type filler struct {
	*analysis
	st         *Insert
	of         *schema.Column
	names, row string
}

func (f *filler) insert(in *insertion, names, values []string) bool {
	toks := f.tokens(Span{f.st.Target.End, len(f.script.Text)})
	switch {
	case !f.st.Target.Known() || len(f.st.RowColumns) > 0: // which name every value
		return false
	case f.st.DefaultValues:
		return f.words(toks)
	case f.st.SetForm:
		return f.set(toks, names, values)
	}
	return f.columns(in, toks) && f.rows()
}

// words replaces DEFAULT VALUES.
func (f *filler) words(toks words) bool {
	for i := range toks {
		if toks[i:].is("DEFAULT", "VALUES") {
			f.fill(Span{toks[i].Start, toks[i+1].End}, "("+f.names+") VALUES ("+f.row+")", f.of)
			return true
		}
		if isPunct(toks[i], "(") || isPunct(toks[i], ";") {
			return false
		}
	}
	return false
}

// set writes assignments behind SET, in front of those that are there.
func (f *filler) set(toks words, names, values []string) bool {
	for i := range toks {
		if !toks[i:].is("SET") {
			continue
		}
		text := ""
		for k := range names {
			text += " " + names[k] + " = " + values[k] + ","
		}
		f.fill(Span{toks[i].End, toks[i].End}, text, f.of)
		return true
	}
	return false
}

// columns adds to the list of columns, which toks begin with where there is one.
func (f *filler) columns(in *insertion, toks words) bool {
	s, list := f.st, f.names
	switch {
	case !s.HasColumns && s.ColumnsAt >= 0 && !s.EmptyList.Known() && len(in.cols) > 0:
		names := make([]string, 0, len(in.cols))
		for _, at := range in.cols {
			names = append(names, f.front.QuoteIdent(in.rel.cols[at].name))
		}
		f.fill(Span{s.ColumnsAt, s.ColumnsAt}, " ("+strings.Join(names, ", ")+", "+list+")", f.of)
		return true
	case !s.HasColumns:
		return false
	case len(s.Columns) > 0:
		toks, list = f.tokens(Span{s.Columns[len(s.Columns)-1].End, len(f.script.Text)}), ", "+list
	case len(toks) > 0 && isPunct(toks[0], "("):
		toks = toks[1:]
	default:
		return false
	}
	if len(toks) == 0 || !isPunct(toks[0], ")") { // a part of a column, as c[1]
		return false
	}
	f.fill(Span{toks[0].Start, toks[0].Start}, list, f.of)
	return true
}

// rows adds to the rows of an INSERT, or to the SELECT that they are.
func (f *filler) rows() bool {
	v := f.st.Values
	if v == nil {
		return f.query()
	}
	if len(v.RowSpans) != len(v.Rows) {
		return false
	}
	for i, span := range v.RowSpans {
		if !span.Known() || f.script.Text[span.End-1] != ')' {
			return false
		}
		text := f.row
		if len(v.Rows[i]) > 0 {
			text = ", " + text
		}
		f.fill(Span{span.End - 1, span.End - 1}, text, f.of)
	}
	return true
}

func (f *filler) query() bool {
	if f.st.Query == nil {
		return false
	}
	s, ok := f.st.Query.Body.(*Select)
	if !ok || s.ItemsEnd < 0 || len(s.Items) == 0 {
		return false
	}
	f.fill(Span{s.ItemsEnd, s.ItemsEnd}, ", "+f.row, f.of)
	return true
}

// filledPlan plans the text with the defaults written out.
func (a *analysis) filledPlan() (*Plan, error) {
	slices.SortStableFunc(a.fills, func(x, y fill) int { return x.span.Start - y.span.Start })
	refuse := func(f fill) (*Plan, error) {
		return nil, a.refuse(f.span.Start, ReasonDefault, f.of.String(), fillHint)
	}
	if a.script.NoEdit != "" || a.prepares != nil || a.opt.filled >= maxFilled {
		return refuse(a.fills[0])
	}
	var b strings.Builder
	at := 0
	for _, f := range a.fills {
		if f.span.Start < at || f.span.End == 0 { // one in another, or nowhere
			return refuse(f)
		}
		b.WriteString(a.script.Text[at:f.span.Start])
		b.WriteString(f.text)
		at = f.span.End
	}
	b.WriteString(a.script.Text[at:])
	o := a.opt
	o.filled++
	p, err := PlanOnce(a.front, b.String(), a.cat, a.session, o)
	if u, ok := err.(*UnsupportedError); ok {
		return nil, elsewhere(err, a.unfilled(u.Pos))
	}
	return p, err
}

// unfilled is the place in the text of one in the text with the defaults.
func (a *analysis) unfilled(pos int) int {
	by := 0
	for _, f := range a.fills {
		if start := f.span.Start + by; pos < start {
			break
		} else if pos < start+len(f.text) {
			return f.span.Start
		}
		by += len(f.text) - (f.span.End - f.span.Start)
	}
	return pos - by
}

// sameDefault reads a DEFAULT clause, behind the word: how many tokens it has, 0 where it
// is not the default that the configuration gives the column.
func (a *analysis) sameDefault(c *schema.Column, toks words) int {
	if c.Default == nil || len(toks) == 0 {
		return 0
	}
	if isPunct(toks[0], "(") {
		if n := a.sameDefault(c, toks[1:]); n > 0 && len(toks) > n+1 && isPunct(toks[n+1], ")") {
			return n + 2
		}
		return 0
	}
	n, text := 1, toks[0].Text
	if isPunct(toks[0], "-") && len(toks) > 1 && toks[1].Kind == TokNumber {
		n, text = 2, "-"+toks[1].Text
	}
	switch kind := toks[n-1].Kind; {
	case kind == TokString && text == *c.Default:
	case kind == TokQuoted && a.dialect == SQLite && text == *c.Default: // a text, as no column can be meant
	case kind == TokNumber && sameNumber(text, *c.Default):
	case kind == TokWord && truthWord(a.dialect, c) && strings.EqualFold(text, *c.Default):
	default:
		return 0
	}
	if len(toks) > n && isPunct(toks[n], "::") { // as PostgreSQL prints it
		end := n + 1
		for end < len(toks) && !(toks[end].Kind == TokWord && typeEnds[strings.ToUpper(toks[end].Text)]) && !isPunct(toks[end], ")") {
			end++
		}
		if t, err := schema.ParseType(a.between(toks[n+1 : end])); err == nil && t.Kind == c.Type.Kind {
			return end
		}
	}
	return n
}

// between is the text that tokens stand for.
func (a *analysis) between(toks words) string {
	if len(toks) == 0 {
		return ""
	}
	return a.script.Text[toks[0].Start:toks[len(toks)-1].End]
}

// sameNumber compares plain decimal numbers; what is none is not the same as anything.
func sameNumber(s, t string) bool {
	x, ok := plainNumber(s)
	y, also := plainNumber(t)
	return ok && also && x == y
}

// plainNumber is a decimal number without needless zeros; false for other texts, and for
// numbers with an exponent.
func plainNumber(s string) (string, bool) {
	digits, sign := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	if whole == "" || point && fraction == "" || strings.TrimFunc(whole+fraction, isDigit) != "" {
		return "", false
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if sign && whole+fraction != "" {
		whole = "-" + whole
	}
	return whole + "." + fraction, true
}
