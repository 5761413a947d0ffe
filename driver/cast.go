package driver

import (
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// encodeCast is encodeAs of a value under casts, which the codec applies as the
// server would. Beside a column without a type of its own (SQLite) the value is
// shown as the last cast gives it.
func (x *call) encodeCast(dst []byte, o *rewrite.Out, typ *schema.Type) (payload []byte, tag logical.Tag, null bool, err error) {
	if name, labels, ok := o.Casts.Labels(); ok {
		return x.encodeLabel(dst, o, typ, name, labels)
	}
	c, ok := x.codec.(logical.Caster)
	if !ok {
		return dst, 0, false, &logical.TypeError{Type: typ.Name, GoType: "cast", Problem: logical.ProblemCast}
	}
	if o.Exact && x.bare() {
		typ = &bareType
	}
	casts := o.Casts.List()
	if o.Value.Source == rewrite.FromLiteral {
		lit, null, err := literalOf(o.Value.Literal)
		if err != nil || null {
			return dst, 0, null, err
		}
		return c.EncodeLiteralCast(dst, typ, casts, lit)
	}
	v, err := x.raw(&o.Value)
	if err != nil {
		return dst, 0, false, err
	}
	return c.EncodeCast(dst, typ, casts, v)
}
