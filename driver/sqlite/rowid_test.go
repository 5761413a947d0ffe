package sqlite_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql"
)

const rowidConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
tables:
  bound:
    bind_row: {column: id, type: integer}
    columns: {v: encrypted}
  parted:
    partition: {column: id, type: integer}
    columns: {v: encrypted}
  docs:
    partition: {column: tenant, type: text}
    columns: {v: encrypted}
  owned:
    partition: {column: owner, type: integer}
    columns: {v: encrypted}
`

var rowidTables = []string{
	"CREATE TABLE bound (id INTEGER PRIMARY KEY, v TEXT)",
	"CREATE TABLE parted (id INTEGER PRIMARY KEY, v TEXT)",
	"CREATE TABLE docs (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, v TEXT)",
	"CREATE TABLE owners (id INTEGER PRIMARY KEY)",
	"CREATE TABLE owned (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES owners (id) ON UPDATE CASCADE, v TEXT)",
	"INSERT INTO bound (id, v) VALUES (1, 'x')",
	"INSERT INTO parted (id, v) VALUES (1, 'x')",
	"INSERT INTO docs (id, tenant, v) VALUES (1, 'a', 'x')",
	"INSERT INTO owners VALUES (1)",
	"INSERT INTO owned (id, owner, v) VALUES (1, 1, 'x')",
}

// An INTEGER PRIMARY KEY has the names of the rowid, too, and SQLite takes a list that
// names a column twice: the value would be bound to one and the row have the other.
func TestNoValueIsBoundToARowThatGetsAnotherKey(t *testing.T) {
	f := open(t, "", rowidConfig)
	for _, q := range rowidTables {
		f.exec(q)
	}
	for _, q := range []string{
		"INSERT INTO bound (id, rowid, v) VALUES (5, 6, 'y')",
		"INSERT INTO bound (_rowid_, id, v) VALUES (5, 6, 'y')",
		"INSERT INTO bound (rowid, oid, v) VALUES (5, 6, 'y')",
		"INSERT INTO bound (id, id, v) VALUES (5, 6, 'y')",
		"INSERT INTO parted (id, oid, v) VALUES (5, 6, 'y')",
		"INSERT INTO parted (id, v) VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET rowid = 7",
		"INSERT INTO docs (id, tenant, tenant, v) VALUES (5, 'a', 'b', 'y')",
		"UPDATE parted SET rowid = 7 WHERE id = 1",
		"UPDATE parted SET (_rowid_, v) = (7, 'y') WHERE id = 1",
		"UPDATE parted SET (oid, v) = (SELECT 7, NULL) WHERE id = 1",
		"UPDATE bound SET oid = 7 WHERE id = 1",
		"UPDATE owners SET rowid = 7",
	} {
		if _, err := f.db.Exec(q); !errors.Is(err, sealsql.ErrRefused) {
			t.Errorf("%s: %v", q, err)
		}
	}
	for _, q := range []string{
		"INSERT INTO bound (rowid, v) VALUES (8, 'z')",
		"INSERT INTO parted (oid, v) VALUES (8, 'z')",
		"UPDATE parted SET rowid = rowid, v = 'z' WHERE id = 1",
	} {
		f.exec(q)
	}
	for q, want := range map[string][][]any{
		"SELECT id, v FROM bound":    {{int64(1), "x"}, {int64(8), "z"}},
		"SELECT id, v FROM parted":   {{int64(1), "z"}, {int64(8), "z"}},
		"SELECT id, v FROM docs":     {{int64(1), "x"}},
		"SELECT owner, v FROM owned": {{int64(1), "x"}},
	} {
		if got := all(t, f.db, context.Background(), q); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
}
