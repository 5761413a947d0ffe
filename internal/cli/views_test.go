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

const viewsConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
memory: prefer
tables:
  people:
    columns:
      mail: {type: varchar(40), search: {equality: {collation: binary}}}
`

// Views that were made past the driver are printed with their index columns and all
// that their definition does not say, and are searched afterwards.
func TestDDLPrintsViewsThatLackIndexes(t *testing.T) {
	everyEngine(t, func(b *bench) {
		if err := os.WriteFile(b.config, []byte(viewsConfig), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
		sealed := b.encrypted()
		for _, q := range []string{"CREATE TABLE people (id integer PRIMARY KEY, mail varchar(40))", "INSERT INTO people (id, mail) VALUES (1, 'a@example.org')"} {
			if _, err := sealed.Exec(q); err != nil {
				b.t.Fatal(err)
			}
		}
		view := map[string]string{
			"sqlite":   "CREATE VIEW contacts (k, m) AS SELECT id, mail FROM people WHERE id /* kept */ > 0",
			"postgres": "CREATE VIEW contacts (k, m) WITH (security_barrier = true, check_option = local) AS SELECT id, mail FROM people WHERE id > 0",
			"mysql":    "CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW contacts (k, m) AS SELECT id, mail FROM people WHERE id > 0 WITH LOCAL CHECK OPTION",
		}[b.dialect]
		if _, err := b.db.Exec(view); err != nil {
			b.t.Fatal(err)
		}
		out := b.ddl(exitOK)
		if !strings.Contains(out, "-- Nothing is missing.") || !strings.Contains(out, "view contacts does not show mail_bidx") {
			b.t.Fatalf("ddl says: %s", out)
		}
		for _, want := range map[string][]string{
			"sqlite": {"(k, m , \"mail_bidx\")", "/* kept */"}, "postgres": {"WITH (security_barrier=true, check_option=local) AS"}, "mysql": {"SQL SECURITY INVOKER", "WITH LOCAL CHECK OPTION;"},
		}[b.dialect] {
			if !strings.Contains(out, want) {
				b.t.Errorf("%q is not in %s", want, out)
			}
		}
		check := b.command(exitOK, "config", "check", "--dialect", b.dialect, "--db", b.source, b.config)
		if !strings.Contains(check, "advice: view contacts does not show mail_bidx") {
			b.t.Errorf("config check says: %s", check)
		}
		b.must(out)
		if out := b.ddl(exitOK); strings.Contains(out, "contacts") {
			b.t.Errorf("afterwards ddl says: %s", out)
		}
		var id int
		if err := b.encrypted().QueryRow("SELECT k FROM contacts WHERE m = 'a@example.org'").Scan(&id); err != nil || id != 1 {
			b.t.Errorf("found %d, %v", id, err)
		}
	})
}

// The same of views over derived tables and united rows, whose inner queries get the
// columns as well.
func TestDDLPrintsViewsOverQueriesThatLackIndexes(t *testing.T) {
	everyEngine(t, func(b *bench) {
		if err := os.WriteFile(b.config, []byte(viewsConfig), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
		sealed := b.encrypted()
		for _, q := range []string{"CREATE TABLE people (id integer PRIMARY KEY, mail varchar(40))", "INSERT INTO people (id, mail) VALUES (1, 'a@example.org'), (2, 'b@example.org')"} {
			if _, err := sealed.Exec(q); err != nil {
				b.t.Fatal(err)
			}
		}
		for _, q := range []string{
			"CREATE VIEW deep AS SELECT d.id, d.m FROM (SELECT id, mail AS m FROM people) d",
			"CREATE VIEW united AS SELECT id, mail AS m FROM people WHERE id < 2 UNION ALL SELECT id, mail FROM people WHERE id >= 2",
		} {
			if _, err := b.db.Exec(q); err != nil {
				b.t.Fatal(err)
			}
		}
		out := b.ddl(exitOK)
		for _, view := range []string{"deep", "united"} {
			if !strings.Contains(out, "view "+view+" does not show mail_bidx:") {
				b.t.Fatalf("ddl says: %s", out)
			}
		}
		b.must(out)
		if out := b.ddl(exitOK); strings.Contains(out, "deep") || strings.Contains(out, "united") {
			b.t.Errorf("afterwards ddl says: %s", out)
		}
		for _, view := range []string{"deep", "united"} {
			var id int
			if err := b.encrypted().QueryRow("SELECT id FROM " + view + " WHERE m = 'b@example.org'").Scan(&id); err != nil || id != 2 {
				b.t.Errorf("%s: found %d, %v", view, id, err)
			}
		}
	})
}
