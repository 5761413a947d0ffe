package driver

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// growing is a codec that shows the memory to which it appended last.
type growing struct {
	logical.Codec
	first []byte
}

func (g *growing) Encode(dst []byte, _ *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	out := append(dst, v.(string)...)
	if g.first == nil {
		g.first = out[len(dst):]
	}
	return out, 0, false, nil
}

// TestTextsThatAreComparedWithLabelsAreWiped: what was read to be compared does not
// stay, whether it is a label or not, in the buffer or in memory of its own.
func TestTextsThatAreComparedWithLabelsAreWiped(t *testing.T) {
	for value, known := range map[string]bool{"open": true, "SECRET": false} {
		for _, room := range []int{0, 64} {
			g := &growing{}
			x := &call{codec: g, args: []driver.NamedValue{{Ordinal: 1, Value: value}}}
			o := &rewrite.Out{Value: rewrite.Value{Source: rewrite.FromArg, Arg: 1}}
			text, err := schema.ParseType("varchar")
			if err != nil {
				t.Fatal(err)
			}
			payload, _, _, err := x.encodeLabel(make([]byte, 0, room), o, &text, "status", []string{"open", "shut"})
			var wrong *logical.TypeError
			if known && (err != nil || string(payload) != value) || !known && (!errors.As(err, &wrong) || len(payload) > 0) {
				t.Errorf("%q: %q, %v", value, payload, err)
			}
			if known && room > 0 {
				continue // the payload has come to lie there
			}
			if len(g.first) != len(value) || !bytes.Equal(g.first, make([]byte, len(value))) {
				t.Errorf("%q with room for %d stays in memory: %q", value, room, g.first)
			}
		}
	}
}
