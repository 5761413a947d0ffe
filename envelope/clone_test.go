package envelope_test

import (
	"reflect"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

func TestClonesOfKeyRowsShareNothing(t *testing.T) {
	for _, r := range []envelope.KeyRecord{
		{},
		{Meta: envelope.KeyMeta{ID: "i", Created: 1}, Revoked: true, Key: []byte{1, 2}},
		{Key: []byte{1, 2}, State: []byte{3}, Parent: &envelope.KeyMeta{ID: "p", Created: 2}},
		{Key: []byte{}, State: []byte{}},
	} {
		c := r.Clone()
		if !reflect.DeepEqual(*c, r) {
			t.Fatalf("%+v became %+v", r, *c)
		}
		c.Key, c.State = append(c.Key, 9), append(c.State, 9)
		for _, b := range [][]byte{c.Key, c.State} {
			clear(b)
		}
		if c.Parent != nil {
			*c.Parent = envelope.KeyMeta{}
		}
		for _, b := range [][]byte{r.Key, r.State} {
			for _, v := range b {
				if v == 0 {
					t.Errorf("a change of the copy is seen in %+v", r)
				}
			}
		}
		if r.Parent != nil && r.Parent.ID == "" {
			t.Error("the parent is shared")
		}
	}
}
