package pgvalue_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical/pgvalue"
)

// TestRandomValuesRoundAsOnTheServer compares rounding and canonical forms
// where a table of cases would not reach.
func TestRandomValuesRoundAsOnTheServer(t *testing.T) {
	db := open(t)
	codec := pgvalue.New(pgvalue.Options{})
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		decl   string
		random func(*rand.Rand) any
	}{
		{"numeric", randomDecimal},
		{"numeric(10,2)", randomDecimal},
		{"numeric(6,-3)", randomDecimal},
		{"numeric(3,5)", randomDecimal},
		{"numeric(30,15)", func(r *rand.Rand) any { return math.Ldexp(r.Float64(), r.IntN(80)-40) }},
		{"double precision", randomDecimal},
		{"real", randomDecimal},
		{"real", func(r *rand.Rand) any { return math.Ldexp(r.Float64(), r.IntN(300)-150) }},
		{"timestamp", randomMoment},
		{"timestamp(3)", randomMoment},
		{"timestamptz(0)", randomMoment},
		{"timestamp(2)", func(r *rand.Rand) any { return randomTime(r).Format("2006-01-02 15:04:05.999999999") }},
		{"timestamptz(5)", func(r *rand.Rand) any { return randomTime(r).Format(time.RFC3339Nano) }},
		{"date", randomMoment},
		{"time(1)", func(r *rand.Rand) any { return randomTime(r).Format("15:04:05.999999999") }},
		{"jsonb", func(r *rand.Rand) any { return randomJSON(r, 4) }},
		{"varchar(6)", func(r *rand.Rand) any { return randomText(r) }},
		{"char(6)", func(r *rand.Rand) any { return randomText(r) }},
	} {
		typ := parse(t, c.decl)
		table := fmt.Sprintf("%q", "random "+c.decl)
		if _, err := db.Exec("CREATE UNLOGGED TABLE IF NOT EXISTS " + table + " (v " + c.decl + ")"); err != nil {
			t.Fatal(err)
		}
		for range 400 {
			arg := c.random(random)
			var want any
			plainErr := db.QueryRow("INSERT INTO "+table+" VALUES ($1) RETURNING v", arg).Scan(&want)
			got, tag, null, err := codec.Encode([]byte("before"), typ, arg)
			compare(t, codec, typ, arg, fmt.Sprintf("%s <- %v", c.decl, arg), want, plainErr, got, tag, null, err)
		}
	}
}

func randomDigits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789945"[r.IntN(13)]
	}
	return string(b)
}

func randomDecimal(r *rand.Rand) any {
	s := strings.Repeat("-", r.IntN(2)) + randomDigits(r, 1+r.IntN(12))
	if r.IntN(3) > 0 {
		s += "." + randomDigits(r, r.IntN(12))
	}
	if r.IntN(4) == 0 {
		s += "e" + strconv.Itoa(r.IntN(40)-20)
	}
	return s
}

func randomTime(r *rand.Rand) time.Time {
	x := time.Unix(r.Int64N(8e9)-4e9, r.Int64N(1e9)).In(time.FixedZone("", r.IntN(80000)/60*60-40000/60*60))
	if r.IntN(3) == 0 {
		x = x.Truncate(500 * time.Microsecond)
	}
	return x
}

func randomMoment(r *rand.Rand) any { return randomTime(r) }

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteRune([]rune("ab   éÜ日😀")[r.IntN(9)])
	}
	return b.String()
}

func randomJSON(r *rand.Rand, depth int) string {
	blank := strings.Repeat(" ", r.IntN(2))
	kind := r.IntN(7)
	if depth == 0 {
		kind = r.IntN(4)
	}
	switch kind {
	case 0:
		return blank + strconv.FormatFloat(math.Ldexp(r.Float64(), r.IntN(90)-30), "efg"[r.IntN(3)], -1, 64)
	case 1:
		return randomJSONString(r)
	case 2:
		return []string{"true", "false", "null"}[r.IntN(3)] + blank
	case 3:
		return strconv.Itoa(r.IntN(2000)-1000) + []string{"", ".0", ".50", "e2", "E-3", "e+1"}[r.IntN(6)]
	case 4:
		return "[" + blank + strings.Join(randomList(r, depth, func() string { return randomJSON(r, depth-1) }), ",") + blank + "]"
	}
	return "{" + blank + strings.Join(randomList(r, depth, func() string {
		return blank + randomJSONString(r) + ":" + randomJSON(r, depth-1)
	}), ",") + "}"
}

func randomList(r *rand.Rand, depth int, item func() string) []string {
	list := make([]string, r.IntN(depth+3))
	for i := range list {
		list[i] = item()
	}
	return list
}

func randomJSONString(r *rand.Rand) string {
	parts := []string{"a", "b", "é", "日", `\u00e9`, `\n`, `\"`, `\\`, `\/`, `\u0001`, `\ud83d\ude00`, "'", "\x7f", `\u0041`}
	s := ""
	for range r.IntN(4) {
		s += parts[r.IntN(len(parts))]
	}
	return `"` + s + `"`
}
