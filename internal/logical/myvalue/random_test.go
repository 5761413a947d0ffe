package myvalue_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// TestRandomValuesRoundAsOnTheServer compares rounding and limits where a
// table of cases would not reach.
func TestRandomValuesRoundAsOnTheServer(t *testing.T) {
	for name, settings := range map[string]func(*mysql.Config){
		"binary protocol": func(c *mysql.Config) { c.ParseTime = true },
		"text protocol":   func(c *mysql.Config) { c.InterpolateParams = true },
	} {
		t.Run(name, func(t *testing.T) {
			db, codec := open(t, settings)
			random := rand.New(rand.NewPCG(5, 6))
			for _, c := range []struct {
				decl   string
				random func(*rand.Rand) any
			}{
				{"decimal(10,2)", randomDecimal},
				{"decimal(65,30)", randomDecimal},
				{"decimal(30,10)", randomFloat},
				{"bigint", randomDecimal},
				{"bigint unsigned", randomDecimal},
				{"int", randomFloat},
				{"double", randomDecimal},
				{"double", randomFloat},
				{"float", randomDecimal},
				{"float", randomFloat},
				{"text", randomFloat},
				{"datetime(2)", func(r *rand.Rand) any { return randomTime(r) }},
				{"datetime", func(r *rand.Rand) any { return randomTime(r) }},
				{"date", func(r *rand.Rand) any { return randomTime(r) }},
				{"time(3)", func(r *rand.Rand) any { return randomTime(r).Format("15:04:05.999999999") }},
				{"varchar(6)", func(r *rand.Rand) any { return randomText(r) }},
				{"char(6)", func(r *rand.Rand) any { return randomText(r) }},
				{"varbinary(6)", func(r *rand.Rand) any { return []byte(randomText(r)) }},
			} {
				typ := parse(t, c.decl)
				table := createTable(t, db, c.decl)
				tx := begin(t, db)
				insert := db.inserter(t, tx, table, strings.HasPrefix(name, "binary"))
				for range 300 {
					arg := c.random(random)
					want, plainErr := insert(arg)
					got, tag, null, err := codec.Encode([]byte("before"), typ, arg)
					compare(t, codec, typ, arg, fmt.Sprintf("%s <- %v", c.decl, arg), want, plainErr, got, tag, null, err)
				}
				tx.Rollback()
			}
		})
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
		s += "e" + strconv.Itoa(r.IntN(20)-6)
	}
	return s
}

func randomFloat(r *rand.Rand) any {
	switch r.IntN(4) {
	case 0:
		return math.Ldexp(r.Float64()-0.5, r.IntN(120)-60)
	case 1:
		return float64(r.Int64N(1e9)) / math.Pow10(r.IntN(9))
	case 2:
		return float64(r.IntN(2000)-1000) + 0.5
	}
	return math.Ldexp(r.Float64(), r.IntN(1200)-600)
}

func randomTime(r *rand.Rand) time.Time {
	return time.Unix(r.Int64N(8e9)-4e9, r.Int64N(1e9)).In(time.FixedZone("", r.IntN(80000)/60*60-40000/60*60))
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteRune([]rune("ab   éÜ日😀")[r.IntN(9)])
	}
	return b.String()
}
