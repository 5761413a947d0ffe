package rewrite

// Execute returns the plan of an EXECUTE whose statement was prepared as planned
// in stmt: the values that are sealed become holes of the text, results are those
// of the statement. It fails with *UnsupportedError where a value that has to be
// sealed is no constant.
func (p *Plan) Execute(stmt *Plan) (*Plan, error) {
	x := &execution{values: p.Executes.Values}
	s := stmt.Prepares
	if len(x.values) != s.Params {
		return nil, &UnsupportedError{Pos: p.Executes.Rest.Start, Reason: ReasonParameters, Hint: "the prepared statement takes another number of values"}
	}
	out := &Plan{ArgsSame: true, Tables: stmt.Tables, Deleted: stmt.Deleted, Writes: stmt.Writes, Effects: stmt.Effects}
	for _, c := range stmt.Checks {
		c.A, c.B = x.value(c.A), x.value(c.B)
		out.Checks = append(out.Checks, c)
	}
	if !p.Executes.Explained {
		out.Results, out.ResultNames, out.Labels = x.results(s.Results), s.ResultNames, s.Labels
		out.Filters = x.filters(s.Filters)
	}
	x.write(out, p, s.Args)
	if x.err != nil {
		return nil, x.err
	}
	out.Pass = stmt.Pass
	return out, nil
}

func (x *execution) filters(fs []Filter) (out []Filter) {
	for _, f := range fs {
		values := make([]Value, len(f.Values))
		for i := range values {
			values[i] = x.value(f.Values[i])
		}
		f.Values = values
		out = append(out, f)
	}
	return out
}

// execution puts the values of an EXECUTE into what a plan says of arguments.
type execution struct {
	values []ExecutedValue
	err    error
}

func (x *execution) refuse(pos int, why Reason, column, hint string) {
	if x.err == nil {
		x.err = &UnsupportedError{Column: column, Pos: pos, Reason: why, Hint: hint}
	}
}

// value turns an argument into the constant that stands for it.
func (x *execution) value(v Value) Value {
	if v.Source != FromArg {
		return v
	}
	if v.Arg < 1 || v.Arg > len(x.values) {
		x.refuse(-1, ReasonParameters, "", "the prepared statement takes another number of values")
		return v
	}
	at := x.values[v.Arg-1]
	switch {
	case at.Literal == nil:
		x.refuse(at.Start, ReasonComputed, "", "write the value as a literal: it is sealed before it is sent")
	case at.Literal.Odd:
		x.refuse(at.Start, ReasonLiteral, "", "write the value as a plain literal")
	case at.Literal.Kind == LitNull:
		x.refuse(at.Start, ReasonPartition, "", "the value decides about the row's partition or identity, or is compared: it cannot be NULL")
	}
	return Value{Source: FromLiteral, Literal: at.Literal}
}

func (x *execution) valueOf(v *Value) *Value {
	if v == nil {
		return nil
	}
	w := x.value(*v)
	return &w
}

func (x *execution) partition(p PartitionSource) PartitionSource {
	p.Value = x.valueOf(p.Value)
	return p
}

func (x *execution) results(rs []Open) []Open {
	out := append([]Open(nil), rs...)
	for i := range out {
		o := &out[i]
		o.Partitions = append([]PartitionSource(nil), o.Partitions...)
		for k := range o.Partitions {
			o.Partitions[k] = x.partition(o.Partitions[k])
		}
		o.Rows = append([]*RowSource(nil), o.Rows...)
		for k, r := range o.Rows {
			if r != nil {
				o.Rows[k] = &RowSource{Value: x.valueOf(r.Value), ResultColumn: r.ResultColumn}
			}
		}
	}
	return out
}

// write writes the text: EXECUTE name (values), as many as the statement takes.
func (x *execution) write(out, p *Plan, args []Out) {
	if len(args) == 0 {
		out.Text = p.Text
		return
	}
	rest := p.Executes.Rest
	text := []byte(p.Text[:rest.Start] + " (")
	for i := range args {
		if i > 0 {
			text = append(text, ", "...)
		}
		o := &args[i]
		if o.Column() == nil && !o.Null && o.Decide == nil && o.PartitionOf == nil && o.Value.Source == FromArg {
			at := x.values[o.Value.Arg-1]
			text = append(text, p.Text[at.Start:at.End]...)
			continue
		}
		if at := o.Value; at.Source == FromArg && isNull(x.literal(at.Arg)) {
			text = append(text, "NULL"...)
			continue
		}
		out.Holes = append(out.Holes, Hole{At: len(text), Out: x.sealed(*o)})
		text = append(text, ' ')
	}
	out.Text = string(append(text, ")"...)) + p.Text[rest.End:]
}

// literal is the constant of an argument, as an expression.
func (x *execution) literal(arg int) Expr {
	if arg < 1 || arg > len(x.values) || x.values[arg-1].Literal == nil {
		return nil
	}
	return x.values[arg-1].Literal
}

func (x *execution) sealed(o Out) Out {
	if o.List || o.Like != nil || o.Combined != nil || o.Casts != "" {
		x.refuse(-1, ReasonDynamic, o.Column().String(), "lists, patterns and casts that change values of encrypted columns are not filled in by EXECUTE; send the statement itself")
		return o
	}
	o.Value, o.Partition, o.Row = x.value(o.Value), x.partition(o.Partition), x.valueOf(o.Row)
	return o
}
