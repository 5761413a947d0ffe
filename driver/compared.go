package driver

import (
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// castComparer is a codec of an engine on which the value of a cast meets a
// column otherwise than another value does (SQLite).
type castComparer interface {
	EncodeCastCompared(dst []byte, t *schema.Type, casts []string, v any) ([]byte, logical.Tag, logical.Outcome, error)
	EncodeLiteralCastCompared(dst []byte, t *schema.Type, casts []string, lit logical.Literal) ([]byte, logical.Tag, logical.Outcome, error)
}

// encodeCompared converts a value whose equality with the values of an index is
// asked for: what the engine compares need not be what the column would store. wide
// is the type of the column without what a comparison does not apply.
func (x *call) encodeCompared(dst []byte, o *rewrite.Out, e *schema.Equality, wide *schema.Type) ([]byte, logical.Tag, logical.Outcome, error) {
	cmp, ok := x.codec.(logical.Comparer)
	if !ok || o.Rounded || o.Exact {
		return x.encodedAs(dst, o, wide)
	}
	typ := &e.Of.Type
	bytewise := e.Collation == schema.CollationBytes && len(e.Normalize) == 0
	casts := o.Casts.List()
	cc, casting := x.codec.(castComparer)
	if len(casts) > 0 && !casting {
		return x.encodedAs(dst, o, wide)
	}
	if o.Value.Source == rewrite.FromLiteral {
		lit, null, err := literalOf(o.Value.Literal)
		switch {
		case err != nil || null:
			return dst, 0, logical.OutcomeNull, err
		case len(casts) > 0:
			return cc.EncodeLiteralCastCompared(dst, typ, casts, lit)
		}
		return cmp.EncodeLiteralCompared(dst, typ, wide, bytewise, lit)
	}
	v, err := x.raw(&o.Value)
	switch {
	case err != nil:
		return dst, 0, 0, err
	case len(casts) > 0:
		return cc.EncodeCastCompared(dst, typ, casts, v)
	}
	return cmp.EncodeCompared(dst, typ, wide, bytewise, v)
}

// encodeBound is encodeAs for an index of order. An integer that no double is
// equal to has no place among SQLite's doubles.
func (x *call) encodeBound(dst []byte, o *rewrite.Out, typ *schema.Type) ([]byte, logical.Tag, logical.Outcome, error) {
	if of := o.Index.Column(); o.Compared && x.bare() && of.Type.Kind == schema.KindFloat {
		payload, tag, outcome, err := x.encodeCompared(dst, o, &schema.Equality{Of: of}, typ)
		if outcome == logical.OutcomeNever {
			err = &logical.TypeError{Type: of.Type.Name, GoType: "integer", Problem: "between two doubles: compare with a double"}
		}
		return payload, tag, outcome, err
	}
	return x.encodedAs(dst, o, typ)
}

// encodedAs is encodeAs with an outcome.
func (x *call) encodedAs(dst []byte, o *rewrite.Out, typ *schema.Type) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, null, err := x.encodeAs(dst, o, typ)
	if null {
		return payload, tag, logical.OutcomeNull, err
	}
	return payload, tag, 0, err
}

// asCompared is an equality as values of an engine are hashed: SQLite's char(n)
// keeps its blanks.
func asCompared(e *schema.Equality, d rewrite.Dialect) *schema.Equality {
	if d != rewrite.SQLite || !e.Of.Type.Fixed {
		return e
	}
	of, out := *e.Of, *e
	of.Type.Fixed, out.Of = false, &of
	return &out
}
