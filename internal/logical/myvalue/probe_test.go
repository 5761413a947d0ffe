package myvalue_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestProbe(t *testing.T) {
	db, codec := open(t, func(c *mysql.Config) {})
	typ := parse(t, "text")
	table := createTable(t, db, "text")
	tx := begin(t, db)
	insert := inserter(t, tx, table, true)
	r := rand.New(rand.NewPCG(1, 2))
	bad := 0
	for i := range 4000 {
		f := float64(r.Int64N(1<<53)) * math.Pow10(r.IntN(8)-4)
		if i%4 == 0 {
			f = r.Float64() * math.Pow10(-10-r.IntN(8))
		}
		if i%4 == 1 {
			f = float64(r.IntN(1000)) * math.Pow10(r.IntN(50)-25)
		}
		var want any
		insert(f).Scan(&want)
		p, _, _, _ := codec.Encode(nil, typ, f)
		if string(p) != string(want.([]byte)) {
			if bad++; bad < 30 {
				fmt.Printf("%v server %s codec %s\n", f, want, p)
			}
		}
	}
	fmt.Println("bad", bad)
}
