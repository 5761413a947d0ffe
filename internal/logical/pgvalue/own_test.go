package pgvalue_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

func TestAValueThatStaysWhereItsPayloadLiesIsTheCopiedOne(t *testing.T) {
	payloads := [][]byte{{}, []byte("x"), []byte("2024-02-29"), []byte("12345678"), []byte(strings.Repeat("long ", 30)), {0, 0, 0, 1}, bytes.Repeat([]byte{7}, 16)}
	kept := 0
	for _, decl := range strings.Fields("text varchar(40) bytea int bigint real double boolean numeric(10,2) date time timestamp timestamptz uuid json jsonb text[]") {
		typ, err := schema.ParseType(strings.ReplaceAll(decl, "_", " "))
		if err != nil {
			t.Fatal(decl, err)
		}
		for _, o := range []pgvalue.Options{{}} {
			codec := pgvalue.New(o)
			if err := codec.Check(&typ); err != nil {
				t.Fatal(err)
			}
			for tag := range logical.Tag(17) {
				for _, p := range payloads {
					want, wantErr := codec.Decode(&typ, tag, p)
					given := bytes.Clone(p)
					if given == nil {
						given = []byte{}
					}
					got, stays, err := codec.DecodeOwn(&typ, tag, given)
					if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
						t.Errorf("%s, tag %d, %d bytes: got %#v, %v; want %#v, %v", decl, tag, len(p), got, err, want, wantErr)
					}
					if !stays { // then the caller wipes it
						clear(given)
						if !reflect.DeepEqual(got, want) {
							t.Errorf("%s, tag %d: the value was in memory that it was said not to be in", decl, tag)
						}
						continue
					}
					kept++
				}
			}
		}
	}
	if kept == 0 {
		t.Error("no value stays where its payload lies")
	}
}

func TestALentTextIsTheEncodedOne(t *testing.T) {
	texts := []string{
		"", "a", "exactly ten", "1234567890", "12345678901", "12345678          ", "ümläuteäöü", "ümläuteäöüß", "a\x00b", "\xff", "bad \xc3",
		"{a,b}", `\x6162`, "12", "2024-02-29", "true", strings.Repeat("long ", 300),
	}
	lent := 0
	for _, decl := range strings.Fields("text varchar varchar(10) char(10) bytea int numeric(10,2) date timestamptz uuid json jsonb boolean text[] varchar(10)[]") {
		typ, err := schema.ParseType(decl)
		if err != nil {
			t.Fatal(decl, err)
		}
		for _, o := range []pgvalue.Options{{}, {TextParameters: true}} {
			codec := pgvalue.New(o)
			for _, s := range texts {
				got, tag, ok := codec.Lend(&typ, s)
				if !ok {
					continue
				}
				lent++
				want, wantTag, null, err := codec.Encode(nil, &typ, s)
				if err != nil || null || !bytes.Equal(got, want) || got == nil || tag != wantTag {
					t.Errorf("%s: lent %q as %q, %v; encoded it is %q, %v, NULL %v, %v", decl, s, got, tag, want, wantTag, null, err)
				}
			}
		}
	}
	if lent < 20 {
		t.Errorf("%d texts were lent", lent)
	}
	text, err := schema.ParseType("varchar(10)")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { pgvalue.New(pgvalue.Options{}).Lend(&text, "ten or few") }); n > 1 {
		t.Errorf("lending a text allocates %v times", n)
	}
}
