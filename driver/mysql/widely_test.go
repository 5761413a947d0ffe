package mysql_test

import (
	"context"
	"strings"
	"testing"
)

// Rows of records are read in large pieces, on every connection.
func TestRowsAreReadInLargePieces(t *testing.T) {
	f := open(t, ddl[:1], strings.Split(yaml, "  docs:")[0])
	for name, params := range map[string]string{
		"by default":                 "",
		"no long packets are sent":   "maxAllowedPacket=20000",
		"the client writes texts":    "interpolateParams=true",
		"the server's limit is read": "maxAllowedPacket=0",
	} {
		t.Run(name, func(t *testing.T) {
			var m meter
			pool := meteredPool(t, f, params, &m)
			for i := range 3 {
				m.take()
				c, err := pool.Conn(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close() // at the end: each is another connection
				for range 3 {
					if _, err := c.ExecContext(context.Background(), "UPDATE users SET ssn = ? WHERE id = 0", "1"); err != nil {
						t.Fatal(err)
					}
				}
				widest, written := m.take()
				if widest < 30<<10 {
					t.Errorf("connection %d reads into %d bytes", i+1, widest)
				}
				if n := len(written); n > 48<<10 {
					t.Errorf("connection %d sent %d bytes: more than one long text", i+1, n)
				}
			}
		})
	}
}
