package mysql_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// The plain driver waits for ever for most of these (MariaDB).
func TestExecOfAPreparedStatementWithRowsReturns(t *testing.T) {
	const key = "kms: {static: {insecure: true, key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}}\n"
	for name, tables := range map[string]string{"nothing annotated": "", "annotated": "guards: off\ntables: {sealed: {columns: {v: encrypted}}}\n"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sealsql.yaml")
			if err := os.WriteFile(file, []byte("version: 1\nservice: s\nproduct: p\nmetastore: memory\n"+key+tables), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SEALSQL_CONFIG", file)
			db, err := sql.Open("encrypted-mysql", testenv.MySQL(t))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			mustExec(t, db, "CREATE TABLE sealed (id int PRIMARY KEY, v text)")
			mustExec(t, db, "CREATE TABLE t (id int PRIMARY KEY, a int, word varchar(20))")
			mustExec(t, db, "INSERT INTO t VALUES (1, 2, 'into'), (2, 3, 'returning')")
			for _, c := range []struct {
				query    string
				args     []any
				affected int64
			}{
				{"SELECT id FROM t WHERE id = ?", []any{99}, 0},
				{"SELECT id, a FROM t WHERE id = ?", []any{1}, 0},
				{"SELECT id, a, word FROM t WHERE id < ?", []any{9}, 0},
				{" /* c */ (select id, a from t where word = 'into' and id = ?)", []any{1}, 0},
				{"WITH x AS (SELECT 1 AS one) SELECT one FROM x WHERE one = ?", []any{2}, 0},
				{"SELECT id, v FROM sealed WHERE id = ?", []any{1}, 0},
				{"SELECT a INTO @a FROM t WHERE id = ?", []any{1}, 1},
				{"SHOW TABLES LIKE 'nowhere'", nil, 0},
				{"UPDATE t SET a = 0 WHERE word = 'returning' AND id = ?", []any{2}, 1},
				{"DELETE FROM t WHERE id = ? AND word = 'returning'", []any{2}, 1},
				{"INSERT INTO t VALUES (?, 1, 'x')", []any{3}, 1},
			} {
				exec(t, db, c.query, c.affected, c.args)
			}
			if testenv.MariaDB(t, db) {
				exec(t, db, "INSERT INTO t VALUES (?, 1, 'x') RETURNING id, a, word", 0, []any{4})
				exec(t, db, "DELETE FROM t WHERE id = ? RETURNING id, a", 0, []any{5})
			}
		})
	}
}

// exec runs a statement prepared and, with arguments, prepared by database/sql.
func exec(t *testing.T, db *sql.DB, query string, affected int64, args []any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := db.PrepareContext(ctx, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer st.Close()
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if n, err := res.RowsAffected(); n != affected || err != nil {
		t.Errorf("%s: %d rows affected (%v), want %d", query, n, err, affected)
	}
	if affected == 0 && len(args) > 0 && query[0] != 'I' {
		if _, err := db.ExecContext(ctx, query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
