package sqlite_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql"
)

const tenantsConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
tables:
  notes:
    partition: {column: tenant, type: text}
    columns:
      body: {search: {equality: {collation: binary}}}
      age: {type: int, search: {range: {order: hidden}}}
      pay: {type: int, accept_leakage: order, search: {range: {order: revealing}}}
`

// TestRowsOfOtherPartitionsAreNotTakenForUnequal asks indexes within partitions
// where the context alone names one, and rows of another stand in the table.
func TestRowsOfOtherPartitionsAreNotTakenForUnequal(t *testing.T) {
	f := open(t, "", tenantsConfig)
	f.exec("CREATE TABLE notes (id integer, tenant text, body text, age int, pay int, PRIMARY KEY (tenant, id))")
	f.exec("INSERT INTO notes VALUES (1, 'a', 'x', 1, 1), (2, 'a', 'y', 9, 9)")
	f.exec("INSERT INTO notes VALUES (3, 'b', 'x', 1, 1), (4, 'b', 'y', 9, 9)")
	ctx := sealsql.WithPartition(context.Background(), "a")
	for text, want := range map[string][][]any{
		"SELECT id FROM notes WHERE body = 'x'":                                             {{int64(1)}},
		"SELECT id FROM notes WHERE body IN ('x', 'z') OR age BETWEEN 5 AND 20":             {{int64(1)}, {int64(2)}},
		"SELECT id FROM notes WHERE tenant = 'a' AND body <> 'x'":                           {{int64(2)}},
		"SELECT id FROM notes WHERE tenant = 'a' AND pay < 5":                               {{int64(1)}},
		"SELECT max(pay) FROM notes WHERE tenant = 'a'":                                     {{int64(9)}},
		"SELECT body, count(*) FROM notes WHERE tenant = 'a' GROUP BY body, id ORDER BY id": {{"x", int64(1)}, {"y", int64(1)}},
		"SELECT id FROM notes WHERE tenant = 'a' AND NOT (body = 'x' OR age > 10)":          {{int64(2)}},
		"SELECT id FROM notes WHERE body <> 'x'":                                            {{int64(2)}},
		"SELECT id FROM notes WHERE body NOT IN ('x')":                                      {{int64(2)}},
		"SELECT id FROM notes WHERE NOT (id = 3 OR body = 'x')":                             {{int64(2)}},
		"SELECT id FROM notes WHERE body IS DISTINCT FROM 'x'":                              {{int64(2)}},
		"SELECT id FROM notes WHERE CASE body WHEN 'x' THEN 0 ELSE 1 END":                   {{int64(2)}},
		"SELECT id, body = 'x' FROM notes":                                                  {{int64(1), int64(1)}, {int64(2), int64(0)}},
		"SELECT id FROM notes WHERE NOT age < 5":                                            {{int64(2)}},
		"SELECT id FROM notes WHERE pay < 5":                                                {{int64(1)}},
		"SELECT id FROM notes ORDER BY pay DESC":                                            {{int64(2)}, {int64(1)}},
		"SELECT max(pay) FROM notes":                                                        {{int64(9)}},
		"SELECT body, count(*) FROM notes GROUP BY body ORDER BY max(id)":                   {{"x", int64(1)}, {"y", int64(1)}},
		"SELECT count(DISTINCT body) FROM notes":                                            {{int64(2)}},
		"DELETE FROM notes WHERE body <> 'z' AND id = 4 RETURNING id":                       nil,
		"UPDATE notes SET id = id WHERE pay > 5 RETURNING id":                               {{int64(2)}},
	} {
		if got := all(t, f.db, ctx, text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
