package mysql_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestLargeResultsAreReadWhateverTextsTheServerTakes(t *testing.T) {
	const yaml = `version: 1
service: s
product: p
metastore: memory
kms: {static: {insecure: true, key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}}
tables: {sealed: {columns: {v: encrypted}}}
`
	file := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEALSQL_CONFIG", file)
	dsn := testenv.MySQL(t)
	want := strings.Repeat("v", 2000)
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	for _, settings := range []string{"", "interpolateParams=true", "maxAllowedPacket=16384", "maxAllowedPacket=16384&interpolateParams=true", "compress=true"} {
		db := openFor(t, dsn+sep+settings)
		db.SetMaxOpenConns(1)
		mustExec(t, db, "DROP TABLE IF EXISTS sealed")
		mustExec(t, db, "CREATE TABLE sealed (id int PRIMARY KEY, v text)")
		for i := range 100 {
			if _, err := db.Exec("INSERT INTO sealed VALUES (?, ?)", i, want); err != nil {
				t.Fatal(err)
			}
		}
		for round := range 4 {
			rows, err := db.Query("SELECT v FROM sealed WHERE id >= ?", 0)
			if err != nil {
				t.Fatalf("%s: round %d: %v", settings, round, err)
			}
			n := 0
			for ; rows.Next(); n++ {
				var raw sql.RawBytes
				if err := rows.Scan(&raw); err != nil || string(raw) != want {
					t.Fatalf("%s: round %d: row %d: %v", settings, round, n, err)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil || n != 100 {
				t.Fatalf("%s: round %d: %d rows, %v", settings, round, n, err)
			}
		}
	}
}

func openFor(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("encrypted-mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
