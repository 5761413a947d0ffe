package cli

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Search is declared for a service that has keys: only the command makes the
// secret, once.
func TestIndexInitMakesSecretsOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sealsql.yaml")
	write := func(columns string) {
		text := `version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
tables:
` + columns
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dsn := "file:" + filepath.Join(dir, "app.db") + "?sealsql_config=" + path
	exec := func(statements ...string) error {
		db, err := sql.Open("encrypted-sqlite", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				return err
			}
		}
		return nil
	}
	write("  users: {columns: {ssn: encrypted}}\n")
	if err := exec("CREATE TABLE users (id INTEGER, ssn TEXT)", "INSERT INTO users VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	write("  users: {columns: {ssn: encrypted}}\n  people: {columns: {mail: {search: equality}, nick: {search: {equality: {scope: table}}}}}\n")
	err := exec("CREATE TABLE people (id INTEGER, mail TEXT, nick TEXT)", "INSERT INTO people VALUES (1, 'a', 'b')")
	if !errors.Is(err, envelope.ErrIndexKey) || !strings.Contains(err.Error(), "sealsql index init") {
		t.Fatalf("got %v, want a missing secret and the command that makes it", err)
	}
	run := func() string {
		var out bytes.Buffer
		cmd := root()
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs([]string{"index", "init", "--config", path, "--dialect", "sqlite", "--dsn", dsn, "--partition", "tenant7"})
		if err := cmd.Execute(); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		return out.String()
	}
	if got, want := run(), "made the index secret of partition default\nmade the index secret of partition tenant7\nmade the index secret across partitions\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := run(); got != "nothing to do: every secret exists\n" {
		t.Errorf("a second time: %q", got)
	}
	if err := exec("INSERT INTO people VALUES (1, 'a', 'b')"); err != nil {
		t.Error(err)
	}
}
