package testenv

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPostgresDSNNamesThePrivateDatabase(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"url", "postgres://u:p@h:1/old?sslmode=disable", "postgres://u:p@h:1/new?sslmode=disable"},
		{"url without a database", "postgresql://u@h", "postgresql://u@h/new"},
		{"url whose query names a database", "postgres://u@h/?dbname=old&a=b", "postgres://u@h/new?a=b"},
		{"key=value", "host=h dbname=old", "host=h dbname=old dbname=new"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := postgresDSN(tc.in, "new")
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestADSNThatDoesNotParseIsNotQuoted(t *testing.T) {
	_, pg := postgresDSN("postgres://u:hunter2@h:port/%zz", "x")
	_, my := mysqlDSN("u:hunter2@tcp(h:1", "x")
	for _, err := range []error{pg, my} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

func TestMySQLDSNKeepsParameters(t *testing.T) {
	got, err := mysqlDSN("root@tcp(127.0.0.1:1)/?parseTime=true", "new")
	if err != nil || got != "root@tcp(127.0.0.1:1)/new?parseTime=true" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNoticeNamesWhatIsMissing(t *testing.T) {
	env := func(set ...string) func(string) string {
		return func(k string) string {
			for _, s := range set {
				if s == k {
					return "x"
				}
			}
			return ""
		}
	}
	if got := noticeLine(env(EnvPostgresDSN, EnvMySQLDSN)); got != "" {
		t.Errorf("nothing is missing, got %q", got)
	}
	got := noticeLine(env(EnvPostgresDSN))
	if !strings.Contains(got, EnvMySQLDSN) || strings.Contains(got, EnvPostgresDSN) || strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestEachCallMakesAnEmptyDatabaseThatIsDropped(t *testing.T) {
	for _, engine := range []struct {
		driver, current, exists string
		open                    func(testing.TB) string
		variable                string
	}{
		{"pgx", "SELECT current_database()", "SELECT count(*) FROM pg_database WHERE datname = $1", Postgres, EnvPostgresDSN},
		{"mysql", "SELECT database()", "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?", MySQL, EnvMySQLDSN},
	} {
		t.Run(engine.driver, func(t *testing.T) {
			var name string
			t.Run("inside", func(t *testing.T) {
				db := open(t, engine.driver, engine.open(t))
				if err := db.QueryRow(engine.current).Scan(&name); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Exec("CREATE TABLE a (b int)"); err != nil {
					t.Error(err)
				}
			})
			server := os.Getenv(engine.variable)
			if server == "" {
				t.Skipf("testenv: %s is not set; `make test` starts a server", engine.variable)
			}
			var n int
			err := open(t, engine.driver, server).QueryRowContext(context.Background(), engine.exists, name).Scan(&n)
			if err != nil || n != 0 || name == "" {
				t.Errorf("database %q still there: %d, %v", name, n, err)
			}
		})
	}
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSearchFindsANeedleAcrossChunks(t *testing.T) {
	dir := t.TempDir()
	blob := bytes.Repeat([]byte{'.'}, 2*searchChunk+100)
	copy(blob[searchChunk-3:], "needle")
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("with", blob)
	write("without", bytes.Repeat([]byte{'.'}, 10))
	write("empty", nil)
	found, err := Search(dir, "absent", "needle")
	if err != nil || len(found) != 1 || filepath.Base(found[0]) != "with" {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestSearchSincePassesOverWhatWasWrittenBefore(t *testing.T) {
	dir, began := t.TempDir(), time.Now()
	for name, written := range map[string]time.Time{"old": began.Add(-time.Hour), "of the same tick": began.Add(-time.Second), "new": began.Add(time.Second)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("a needle"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	found, err := SearchSince(dir, began, "needle")
	if err != nil || len(found) != 2 || slices.Contains(found, filepath.Join(dir, "old")) {
		t.Errorf("got %v, %v", found, err)
	}
	if found, err = Search(dir, "needle"); err != nil || len(found) != 3 {
		t.Errorf("all: got %v, %v", found, err)
	}
}

func TestSearchRefusesWhatWouldFindEverythingOrNothing(t *testing.T) {
	if _, err := Search(t.TempDir()); err == nil {
		t.Error("no needles: want an error")
	}
	if _, err := Search(t.TempDir(), ""); err == nil {
		t.Error("an empty needle: want an error")
	}
	if _, err := Search(filepath.Join(t.TempDir(), "absent"), "x"); err == nil {
		t.Error("no such directory: want an error")
	}
}

func TestSharedLiesBesideTheOutermostModuleThatHasIt(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"shared", "repo/a/nested/b"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, mod := range []string{"repo/go.mod", "repo/a/nested/go.mod"} {
		if err := os.WriteFile(filepath.Join(root, mod), []byte("module x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := filepath.Join(root, "shared")
	if got := sharedAbove(filepath.Join(root, "repo/a/nested/b")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Setenv(EnvShared, want)
	if got := Shared(t); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
