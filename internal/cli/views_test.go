package cli

import (
	"bytes"
	"database/sql"
	"os"
	"strings"
	"testing"
)

func TestConfigCheckComparesDeclaredViews(t *testing.T) {
	cfg, dsn := leakingShop(t)
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{"CREATE VIEW good AS SELECT id, email FROM users", "CREATE VIEW bad AS SELECT id, email FROM users"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	check := func(views string, want ...string) string {
		t.Helper()
		if err := os.WriteFile(cfg, []byte(leakageConfig+"views:\n"+views), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		run([]string{"config", "check", "--dialect", "sqlite", "--db", dsn, cfg}, &out, &stderr)
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("no line says %q:\n%s%s", w, out.String(), stderr.String())
			}
		}
		return out.String()
	}
	if out := check("  good: {columns: {id: clear, email: users.email}}\n", "\nview good: id is clear, email is users.email\n"); strings.Contains(out, "otherwise") {
		t.Errorf("a view that agrees is reported:\n%s", out)
	}
	check("  good: {columns: {email: users.email}}\n  bad: {columns: {email: clear}}\n  gone: {columns: {email: users.email}}\n",
		"views are declared otherwise than the database has them:\n  bad: its definition contradicts the declaration of the column email; correct the declaration under views\n  gone: the database's catalog has no such relation\n")
}
