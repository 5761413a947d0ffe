package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
)

var (
	orderColumns = []string{"id", "status", "city", "qty"}
	orderRows    = [][]any{{1, "open", "Bonn", 1}, {2, "done", "Bonn", 2}, {3, nil, "Bonn", 3}, {4, "open", nil, 4}}
)

// bulkFindsOrders looks for what a bulk path has stored.
func bulkFindsOrders(t *testing.T, k *keptPair) {
	t.Helper()
	for query, want := range map[string]int{
		"SELECT count(*) FROM orders WHERE status = 'open' AND city = 'Bonn'": 1,
		"SELECT id FROM orders WHERE city = 'Bonn' AND status = 'done'":       2,
		"SELECT id FROM orders WHERE city = 'Bonn' AND qty = 3":               3,
	} {
		var n int
		if err := k.sealed.QueryRow(query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, %v", query, n, err)
		}
	}
}

func TestCopyWritesCompoundIndexes(t *testing.T) {
	k := compounds(t, postgresFlavour())
	withConn(t, k.sealed, func(c *sql.Conn) {
		if n, err := postgres.CopyFrom(context.Background(), c, pgx.Identifier{"orders"}, orderColumns, pgx.CopyFromRows(orderRows)); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	})
	bulkFindsOrders(t, k)
}

func TestInsertedRowsWriteCompoundIndexes(t *testing.T) {
	k := compounds(t, mysqlFlavour())
	if n, err := mysql.InsertRows(context.Background(), k.sealed, []string{"orders"}, orderColumns, sequence(nil, orderRows...)); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	bulkFindsOrders(t, k)
}

func TestLoadedRowsHaveCompoundIndexes(t *testing.T) {
	k := compounds(t, mysqlFlavour())
	withConn(t, k.sealed, func(c *sql.Conn) {
		if n, err := mysql.LoadData(context.Background(), c, []string{"orders"}, orderColumns, sequence(nil, orderRows...)); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	})
	bulkFindsOrders(t, k)
}

// TestAClearColumnOfAnotherTypeIsAnErrorOfTheSetup: the hash is of the value as
// the declared type has it.
func TestAClearColumnOfAnotherTypeIsAnErrorOfTheSetup(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		for _, column := range []string{"status int", "state varchar(10)"} {
			p := f.open(t, compoundConfig)
			if _, err := p.sealed.Exec("CREATE TABLE orders (id int PRIMARY KEY, city varchar(40))"); err == nil {
				t.Error("a table without the columns of its index was created")
			}
			raw := p.stored(t)
			binary := map[string]string{"mysql": "varbinary(200)", "postgres": "bytea", "sqlite": "blob"}[f.name]
			if _, err := raw.Exec("CREATE TABLE orders (id int PRIMARY KEY, qty int, " + column + ", city " + binary + ", ssn " + binary + ", ssn_bidx " + binary +
				", born " + binary + ", by_status_city_bidx " + binary + ", person_bidx " + binary + ", by_qty_city_bidx " + binary + ")"); err != nil {
				t.Fatal(err)
			}
			_, err := p.reopen(t).Exec("INSERT INTO orders (id, qty) VALUES (1, 2)")
			var refused *sealsql.RefusedError
			if !errors.Is(err, sealsql.ErrSetup) && !errors.As(err, &refused) || !strings.Contains(err.Error(), "compound index") {
				t.Errorf("%s: %v", column, err)
			}
		}
	})
}
