package cli

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const leakageConfig = `version: 1
service: told
product: tests
kms: {static: {key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f, insecure: true}}
metastore: memory
tables:
  users:
    columns:
      email: {search: equality}
      member: {type: boolean, search: equality}
`

// leakingShop returns the paths of a configuration and of a database whose table
// has 60 rows.
func leakingShop(t *testing.T) (cfg, dsn string) {
	t.Helper()
	dir := t.TempDir()
	cfg, dsn = filepath.Join(dir, "sealsql.yaml"), "file:"+filepath.Join(dir, "app.db")
	if err := os.WriteFile(cfg, []byte(leakageConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("encrypted-sqlite", dsn+"?sealsql_config="+cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE users (id integer PRIMARY KEY, email text, member boolean)"); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := db.Exec("INSERT INTO users (email, member) VALUES (?, ?)", fmt.Sprintf("canary%d@example.com", i), i%3 == 0); err != nil {
			t.Fatal(err)
		}
	}
	return cfg, dsn
}

func TestLeakageIsPrintedInEveryFormat(t *testing.T) {
	cfg, dsn := leakingShop(t)
	file := filepath.Join(t.TempDir(), "page.html")
	for format, want := range map[string]string{"text": "equality in member_bidx: risk high", "json": `"kind": "equality"`, "html": "<article class=\"index\" id=\"users.member_bidx\">"} {
		var out, stderr bytes.Buffer
		args := []string{"leakage", "--dialect", "sqlite", "--config", cfg, "--db", dsn, "--format", format}
		if format == "html" {
			args = append(args, "--output", file)
		}
		if code := run(args, &out, &stderr); code != exitOK {
			t.Fatalf("%s: exit %d: %s", format, code, stderr.String())
		}
		text := out.String()
		if format == "html" {
			page, err := os.ReadFile(file)
			if err != nil || text != "" {
				t.Fatalf("%v; %s", err, text)
			}
			text = string(page)
		}
		if !strings.Contains(text, want) || strings.Contains(text, "canary") {
			t.Errorf("%s: got\n%s", format, text)
		}
		if format == "json" && !json.Valid(out.Bytes()) {
			t.Error("not JSON")
		}
	}
}

func TestLeakageTellsWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"leakage"},
		{"leakage", "--dialect", "sqlite"},
		{"leakage", "--dialect", "x", "--db", "y"},
		{"leakage", "--dialect", "sqlite", "--db", "y", "--format", "pdf"},
		{"leakage", "--dialect", "sqlite", "--db", "y", "--rows", "0"},
		{"leakage", "--dialect", "sqlite", "--db", "y", "--db-env", "z"},
		{"config", "check", "--db", "y"},
	} {
		var out, stderr bytes.Buffer
		if code := run(args, &out, &stderr); code != exitUsage {
			t.Errorf("%v: exit %d: %s", args, code, stderr.String())
		}
	}
}

func TestConfigCheckLooksAtADatabase(t *testing.T) {
	cfg, dsn := leakingShop(t)
	check := func(code int, want ...string) {
		t.Helper()
		var out, stderr bytes.Buffer
		if got := run([]string{"config", "check", "--dialect", "sqlite", "--db", dsn, cfg}, &out, &stderr); got != code {
			t.Fatalf("exit %d: %s%s", got, out.String(), stderr.String())
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("no line says %q:\n%s", w, out.String())
			}
		}
		if strings.Contains(out.String(), "canary") {
			t.Errorf("a value is printed:\n%s", out.String())
		}
	}
	check(exitOK, "OK: 1 table", "advice: users.member: an index over 2 different values shows which rows are equal, and so almost the values; index it together with a column of many values")

	// Somebody rebuilds the table without guards, and forgets the index.
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		"ALTER TABLE users RENAME TO old", "CREATE TABLE users (id integer PRIMARY KEY, email blob, email_bidx blob, member blob, member_bidx blob)",
		"INSERT INTO users SELECT id, email, CASE WHEN id > 3 THEN email_bidx END, member, member_bidx FROM old", "DROP TABLE old",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	check(exitFault, "the database is not as the configuration has it", "guard", "rows with a value and without an index in email_bidx: 3; searches do not find them")
}
