package driver

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// lister is a codec of an engine that has arrays.
type lister interface {
	// Elements takes an argument for an array apart, as the plain driver would:
	// a slice, an array literal in text, or a driver.Valuer that yields one. An
	// element that is nil is NULL. null is set for every form of NULL.
	Elements(v any) (elements []any, null bool, err error)
}

// indexList computes the indexes of the elements of an array.
func (x *call) indexList(o *rewrite.Out, ix index, typ *schema.Type) (driver.Value, error) {
	l, ok := x.codec.(lister)
	if !ok {
		return nil, indexError(o.Index, errors.New("the engine has no arrays"))
	}
	var raw any
	if o.Value.Source == rewrite.FromLiteral {
		raw = o.Value.Literal.Value
	} else {
		var err error
		if raw, err = x.raw(&o.Value); err != nil {
			return nil, err
		}
	}
	elements, null, err := l.Elements(raw)
	if err != nil {
		return nil, indexError(o.Index, err)
	}
	if null {
		return nil, nil
	}
	out := make([][]byte, len(elements))
	for i, e := range elements {
		if e == nil {
			continue
		}
		payload, tag, null, err := x.codec.Encode(x.take(), typ, e)
		if err != nil {
			return nil, indexError(o.Index, err)
		}
		if null {
			continue
		}
		x.keep(payload)
		v, err := x.indexed(o, ix, tag, payload)
		if err != nil {
			return nil, err
		}
		if out[i], ok = v.([]byte); !ok {
			return nil, indexError(o.Index, errors.New("the index is no value to compare lists with"))
		}
	}
	return out, nil
}

// arrayLiteral writes indexes as an array of PostgreSQL.
func (x *call) arrayLiteral(list [][]byte) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if v == nil {
			b.WriteString("NULL")
			continue
		}
		b.WriteString(`"\\x` + hex.EncodeToString(v) + `"`)
	}
	b.WriteByte('}')
	return x.c.cr.front.StringLiteral(b.String())
}
