package logical_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

func TestALentTextIsTheEncodedOne(t *testing.T) {
	for _, c := range []struct {
		name   string
		types  string
		codecs []logical.Codec
	}{
		{
			"PostgreSQL", "text varchar varchar(10) char(10) bytea int numeric(10,2) date timestamptz uuid json jsonb boolean text[] varchar(10)[]",
			[]logical.Codec{pgvalue.New(pgvalue.Options{}), pgvalue.New(pgvalue.Options{TextParameters: true})},
		},
		{
			"MySQL", "text tinytext varchar(10) char(10) blob varbinary(10) int numeric(10,2) date timestamp uuid json boolean",
			[]logical.Codec{myvalue.New(myvalue.Options{}), myvalue.New(myvalue.Options{MySQL: true}), myvalue.New(myvalue.Options{Binary: true})},
		},
		{
			"SQLite", "text varchar(10) blob int real numeric(10,2) date timestamp boolean",
			[]logical.Codec{litevalue.New(litevalue.Options{}), litevalue.New(litevalue.Options{IntToTime: true})},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lent := 0
			for _, decl := range strings.Fields(c.types) {
				typ, err := schema.ParseType(decl)
				if err != nil {
					t.Fatal(decl, err)
				}
				for _, codec := range c.codecs {
					lent += lentAlike(t, codec, &typ)
				}
			}
			if lent < 20 {
				t.Errorf("%d texts were lent", lent)
			}
		})
	}
}

// lentAlike returns how many texts a codec lends for a type.
func lentAlike(t *testing.T, codec logical.Codec, typ *schema.Type) (lent int) {
	for _, s := range []string{
		"", " ", "a", "exactly ten", "1234567890", "12345678901", "12345678          ", "12345678  ", "ümläuteäöü", "ümläuteäöüß", "a\x00b", "\xff", "bad \xc3",
		"{a,b}", `\x6162`, "12", "2024-02-29", "true", strings.Repeat("long ", 20), strings.Repeat("long ", 300), strings.Repeat("x", 70000),
	} {
		got, tag, ok := codec.(logical.TextLender).Lend(typ, s)
		if !ok {
			continue
		}
		lent++
		want, wantTag, null, err := codec.Encode(nil, typ, s)
		if err != nil || null || !bytes.Equal(got, want) || got == nil || tag != wantTag {
			t.Errorf("%s: lent %.40q as %.40q, %v; encoded it is %.40q, %v, NULL %v, %v", typ.Name, s, got, tag, want, wantTag, null, err)
		}
	}
	return lent
}
