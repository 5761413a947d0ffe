package rewrite

import "strings"

// PREPARE, EXECUTE and DEALLOCATE as SQL text, on PostgreSQL. What is prepared is
// planned like any statement; its placeholders are filled in by EXECUTE, whose
// values are written into the text: clear ones as they stand, sealed ones as
// constants. The driver remembers what a connection has prepared (threats T3: a
// name that it does not know is refused).

// Prepared is what EXECUTE needs to know of a prepared statement.
type Prepared struct {
	Name string
	// Params is the number of values that EXECUTE has to give, Args what the
	// statement takes for them, in order.
	Params int
	Args   []Out
	// ResultSet is that of each execution.
	ResultSet
}

// Executed is an EXECUTE: the name, and the values in parentheses. Rest is where
// these, with their parentheses, stand behind the name; empty without any.
type Executed struct {
	Name   string
	Values []ExecutedValue
	Rest   Span
	// Explained: the result is EXPLAIN's.
	Explained bool
}

// ExecutedValue is one value. Literal is nil for anything but a constant.
type ExecutedValue struct {
	Span
	Literal *Literal
}

// preparation is a PREPARE while it is planned.
type preparation struct {
	st    *Other
	types []string // as declared
	list  Span     // of the types, with their parentheses
}

const plainerValues = "write the values of EXECUTE in a plainer form"

const dynamicHint = "prepare statements through database/sql, or send the statement itself"

// dynamic plans PREPARE and EXECUTE; all other SQL that is built in the server is
// refused.
func (a *analysis) dynamic(o *Other) error {
	alone := a.dialect == Postgres && len(a.script.Statements) == 1 && o.Name != "" && o.Known()
	switch {
	case alone && o.Verb == "PREPARE" && o.Inner != nil:
		return a.prepare(o)
	case alone && o.Verb == "EXECUTE":
		return a.execute(o)
	}
	return a.refuse(o.Start, ReasonDynamic, "", o.Verb+" runs text that cannot be planned; "+dynamicHint)
}

func (a *analysis) prepare(o *Other) error {
	if err := a.clearAll(o.Exprs, &scope{}, ReasonExpression); err != nil {
		return err
	}
	if err := a.statement(o.Inner); err != nil {
		return err
	}
	p := &preparation{st: o}
	toks := a.tokens(o.Range())
	if len(toks) > 2 && isPunct(toks[2], "(") {
		list, end := a.pieces(toks, 2)
		for _, t := range list {
			p.types = append(p.types, a.script.Text[t.Start:t.End])
		}
		p.list = Span{toks[2].Start, end}
	}
	a.prepares = p
	return nil
}

// pieces cuts a list in parentheses, which begins at toks[open], at its commas,
// and returns where it ends; -1 where it does not.
func (a *analysis) pieces(toks []Token, open int) (list []Span, end int) {
	depth, from := 0, open+1
	for i := open; i < len(toks); i++ {
		switch t := toks[i]; {
		case isPunct(t, "("), isPunct(t, "["):
			depth++
		case isPunct(t, ")"), isPunct(t, "]"):
			if depth--; depth > 0 {
				continue
			}
			if i > from {
				list = append(list, Span{toks[from].Start, toks[i-1].End})
			}
			return list, t.End
		case isPunct(t, ",") && depth == 1 && i > from:
			list, from = append(list, Span{toks[from].Start, toks[i-1].End}), i+1
		}
	}
	return list, -1
}

func (a *analysis) execute(o *Other) error {
	sc := &scope{}
	x := &Executed{Name: o.Name}
	for _, e := range o.Exprs {
		l, _ := e.(*Literal)
		x.Values = append(x.Values, ExecutedValue{Literal: l})
		if err := a.clear(e, sc, ReasonExpression); err != nil {
			return err
		}
	}
	toks := a.tokens(o.Range())
	if len(toks) < 2 || len(x.Values) > 0 && len(toks) < 3 {
		return a.refuse(o.Start, ReasonDynamic, "", plainerValues)
	}
	x.Rest = Span{toks[1].End, toks[1].End}
	if len(x.Values) > 0 {
		list, end := a.pieces(toks, 2)
		if len(list) != len(x.Values) || end < 0 {
			return a.refuse(o.Start, ReasonDynamic, "", plainerValues)
		}
		for i, at := range list {
			x.Values[i].Span = at
		}
		x.Rest.End = end
	}
	a.executes = x
	return nil
}

// prepared moves what a plan says of arguments and results to those who
// execute the statement: PREPARE itself has none.
func (b *builder) prepared() {
	p := b.a.prepares
	if p == nil {
		return
	}
	b.plan.Prepares = &Prepared{Name: p.st.Name, Params: b.plan.Params, Args: b.plan.Args, ResultSet: b.plan.takeResults()}
	b.plan.Params, b.plan.Args, b.plan.ArgsSame = 0, nil, true
}

// preparedTypes declares the types of what takes the place of the caller's
// parameters, where the caller declared theirs.
func (b *builder) preparedTypes() error {
	p := b.a.prepares
	if p == nil || !p.list.Known() || b.plan.ArgsSame {
		return nil
	}
	types := make([]string, len(b.plan.Args))
	for i := range types {
		o := &b.plan.Args[i]
		declared := ""
		if o.Value.Source == FromArg && o.Value.Arg <= len(p.types) {
			declared = p.types[o.Value.Arg-1]
		}
		if c := o.Column(); c != nil && declared != "" && !strings.EqualFold(declared, "unknown") && !b.a.sameUnder(&c.Type, strings.ToLower(declared)) {
			return b.a.refuse(p.list.Start, ReasonComputed, c.String(), "the declared type may change the value before it is sealed; declare the column's own, or none")
		}
		switch {
		case o.Column() != nil || o.Null || o.Decide != nil:
			types[i] = b.carrier(&slot{out: *o})
		case o.PartitionOf == nil && declared != "":
			types[i] = declared
		default:
			types[i] = "unknown" // the server finds out
		}
	}
	b.edits = append(b.edits, edit{span: p.list, text: "(" + strings.Join(types, ", ") + ")"})
	return nil
}

// passing is what a PREPARE leaves that passes.
func (p *preparation) passing(params int) *Prepared {
	if p == nil {
		return nil
	}
	out := &Prepared{Name: p.st.Name, Params: params, Args: make([]Out, params)}
	for i := range out.Args {
		out.Args[i] = Out{Value: Value{Source: FromArg, Arg: i + 1}}
	}
	return out
}
