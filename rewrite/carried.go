package rewrite

import "github.com/sealsql/sealsql/schema"

// uncast takes a cast out of the text: with the constant in it, which has a
// slot of its own, or around a record.
func (b *builder) uncast(c *Cast, x Expr) error {
	if typ := b.a.retyped[c]; typ != "" && c.Known() {
		b.edits = append(b.edits, edit{span: c.Span, text: typedText(typ)})
		return nil
	}
	switch x := x.(type) {
	case *Literal:
		if s := b.literal(x); s != nil {
			s.span = c.Span
			return nil
		}
	case *Param:
		if s := b.mark(x); s != nil {
			s.span, s.cast = c.Span, true
			return nil
		}
		return b.a.refuse(c.Start, ReasonVerify, "", "leave out the cast")
	}
	if b.unwrap(c, x) {
		return nil
	}
	return b.a.refuse(c.Start, ReasonVerify, "", "leave out the cast")
}

// unwrap leaves of a cast what is in it; false where its place is not known.
func (b *builder) unwrap(c *Cast, x Expr) bool {
	r := x.Range()
	if !c.Known() || !r.Known() || r.Start < c.Start || c.End < r.End {
		return false
	}
	b.edits = append(b.edits, edit{span: Span{c.Start, r.Start}}, edit{span: Span{r.End, c.End}})
	return true
}

// slotOf returns the slot of a sealed constant, nil without one.
func (b *builder) slotOf(e Expr) *slot {
	switch x := e.(type) {
	case *Literal:
		return b.literal(x)
	case *Param:
		return b.mark(x)
	}
	return nil
}

// appendArgument writes a slot's argument. Inside expressions and queries the
// servers take an argument for a text unless they are told what it is.
func (b *builder) appendArgument(out []byte, s *slot) []byte {
	if !s.carried {
		return b.appendPlaceholder(out, s.n)
	}
	out = b.appendPlaceholder(append(out, "CAST("...), s.n)
	return append(append(append(out, " AS "...), b.carrier(s)...), ')')
}

// carrier is the type that an argument with a record has for the server.
func (b *builder) carrier(s *slot) string {
	if s.out.Null {
		return map[Dialect]string{Postgres: "boolean", MySQL: "signed"}[b.a.dialect]
	}
	if s.out.Decide != nil {
		return "boolean"
	}
	if s.out.List {
		return "bytea[]"
	}
	if s.out.Index != nil && isArray(b.a.dialect, s.out.Index) {
		return "integer[]"
	}
	if s.out.Seal == nil {
		return carrierType(b.a.dialect, schema.CarrierBinary)
	}
	return carrierType(b.a.dialect, s.out.Seal.Carrier)
}

// carrierType is the type to which a record in this carrier is cast.
func carrierType(d Dialect, c schema.Carrier) string {
	text := c == schema.CarrierText
	switch {
	case d == MySQL && text:
		return "char"
	case d == MySQL:
		return "binary"
	case text:
		return "text"
	}
	return "bytea"
}
