package litevalue_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/schema"
)

func parseOr(spelling string) *schema.Type {
	typ, err := schema.ParseType(spelling)
	if err != nil {
		typ, _ = schema.ParseType("text")
	}
	return &typ
}

func benchmarkEncode(b *testing.B, decl string, v any) {
	codec, typ := litevalue.New(litevalue.Options{}), parse(b, decl)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := codec.Encode(buf, typ, v); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkDecode(b *testing.B, decl string, v any) {
	codec, typ := litevalue.New(litevalue.Options{}), parse(b, decl)
	p, tag, _, err := codec.Encode(nil, typ, v)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Decode(typ, tag, p); err != nil {
			b.Fatal(err)
		}
	}
}
