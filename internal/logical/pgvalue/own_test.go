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
