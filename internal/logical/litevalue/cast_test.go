package litevalue_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/schema"
)

// castChains are casts in each spelling that matters, alone and over others.
var castChains = [][]string{
	{"integer"},
	{"text"},
	{"blob"},
	{"real"},
	{"numeric"},
	{"varchar(3)"},
	{"decimal(4,1)"},
	{"datetime"},
	{""},
	{"floating point"},
	{"charint"},
	{"no such type"},
	{"text", "integer"},
	{"integer", "text"},
	{"real", "text"},
	{"blob", "numeric"},
	{"numeric", "text", "real"},
	{"real", "integer", "blob"},
}

func TestCastsAreThoseOfTheEngine(t *testing.T) {
	conn, codec := open(t, ":memory:")
	for _, decl := range []string{"text", "blob", "int", "real", "numeric"} {
		typ := parse(t, decl)
		for _, chain := range castChains {
			for _, arg := range arguments() {
				compareCast(t, conn, codec, typ, chain, arg)
			}
		}
	}
}

func TestCastsOfRandomTextsAreThoseOfTheEngine(t *testing.T) {
	conn, codec := open(t, ":memory:")
	r := rand.New(rand.NewPCG(1, 2))
	typ := parse(t, "blob")
	for range 20_000 {
		s := make([]byte, r.IntN(24))
		for i := range s {
			s[i] = "0123456789999+-..eE x\x00\t"[r.IntN(23)]
		}
		var arg any = string(s)
		if r.IntN(4) == 0 {
			arg = s
		}
		compareCast(t, conn, codec, typ, castChains[r.IntN(len(castChains))], arg)
	}
}

func TestACastTakesTimeInProportionToItsText(t *testing.T) {
	codec := litevalue.New(litevalue.Options{})
	long := make([]byte, 4<<20)
	for i := range long {
		long[i] = "1."[i*2/len(long)]
	}
	_, tag, _, err := codec.EncodeCast(nil, &schema.Type{Declared: "blob"}, []string{"numeric"}, string(long))
	if err != nil || tag != logical.TagFloat64 {
		t.Errorf("tag %d, %v", tag, err)
	}
}

func compareCast(t *testing.T, conn *sql.Conn, codec *litevalue.Codec, typ *schema.Type, chain []string, arg any) {
	t.Helper()
	ctx := context.Background()
	expr := "?"
	for _, name := range chain {
		expr = "CAST(" + expr + " AS " + name + ")"
	}
	what := fmt.Sprintf("%s of %T(%.60q) for %s", expr, arg, arg, typ.Declared)
	if _, err := conn.ExecContext(ctx, "CREATE TEMP TABLE IF NOT EXISTS c_"+typ.Base+" (v "+typ.Declared+")"); err != nil {
		t.Fatal(err)
	}
	var want any
	row := conn.QueryRowContext(ctx, "INSERT INTO c_"+typ.Base+" VALUES ("+expr+") RETURNING v", arg)
	plainErr := row.Scan(&want)
	payload, tag, null, err := codec.EncodeCast([]byte("before"), typ, chain, arg)
	switch {
	case err != nil && plainErr != nil:
		return
	case err != nil || plainErr != nil:
		t.Errorf("%s: plain driver says %v, codec says %v", what, plainErr, err)
		return
	case null && want == nil:
		return
	case null:
		t.Errorf("%s: NULL, want %#v", what, want)
		return
	}
	got, err := codec.Decode(typ, tag, payload[len("before"):])
	if err != nil || fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
		t.Errorf("%s: %.60v, %v; want %.60v", what, got, err, want)
	}
}
