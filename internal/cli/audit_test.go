package cli

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/audit"
)

// audited is a bench whose configuration has a trail; where names its place.
func audited(b *bench, where string) *sql.DB {
	b.t.Helper()
	tenants(b).Close()
	b.configure("audit: {" + where + "}")
	text, err := os.ReadFile(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("ssn: {"), []byte("ssn: {audit: [read, write, search, delete], "), 1)
	text = bytes.Replace(text, []byte("fax: {"), []byte("fax: {audit: [write], "), 1)
	if err := os.WriteFile(b.config, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(where, "table") {
		b.keys(exitOK, "audit", "init")
	}
	return b.encrypted()
}

// statements runs some, and returns what the trail should say of them.
func (b *bench) statements(db *sql.DB) []string {
	b.t.Helper()
	ctx := sealsql.WithPurpose(sealsql.WithActor(sealsql.WithPartition(context.Background(), "acme"), "ann"), "support")
	exec := func(text string, args ...any) {
		b.t.Helper()
		if _, err := db.ExecContext(ctx, text, args...); err != nil {
			b.t.Fatal(err)
		}
	}
	read := func(text string, n int) {
		b.t.Helper()
		rows, err := db.QueryContext(ctx, text)
		if err != nil {
			b.t.Fatal(err)
		}
		got := 0
		for rows.Next() {
			got++
		}
		if err := rows.Close(); err != nil || got != n {
			b.t.Fatalf("%s: %d rows, %v", text, got, err)
		}
	}
	place := map[string]string{"postgres": "$1"}[b.dialect]
	if place == "" {
		place = "?"
	}
	exec("INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (900, 'acme', '" + canaryValue + "', 'f'), (901, 'acme', 'x', 'g')")
	exec("UPDATE keyholders SET ssn = "+place+" WHERE id = 900 AND tenant = 'acme'", canaryValue+"2")
	read("SELECT id, ssn, fax FROM keyholders WHERE tenant = 'acme' AND id >= 900", 2)
	read("SELECT fax FROM keyholders WHERE tenant = 'acme' AND id = 900", 1) // reading it is not recorded
	read("SELECT id FROM keyholders WHERE tenant = 'acme' AND id >= 900", 2)
	if _, err := db.ExecContext(ctx, "INSERT INTO keyholders (id, tenant, ssn) VALUES (900, 'acme', 'again')"); err == nil {
		b.t.Fatal("a key stands twice")
	}
	read("SELECT fax FROM keyholders WHERE tenant = 'acme' AND ssn = 'x'", 1)
	exec("UPDATE keyholders SET fax = 'h' WHERE tenant = 'acme' AND ssn = 'nobody'")
	exec("DELETE FROM keyholders WHERE id = 901 AND tenant = 'acme'")
	exec("DELETE FROM keyholders WHERE tenant = 'acme' AND ssn = "+place, canaryValue+"2")
	exec("DELETE FROM keynotes")
	return []string{
		"write keyholders ssn,fax 2", "write keyholders ssn 1", "read keyholders ssn 2", "write keyholders ssn failed",
		"search keyholders ssn", "write keyholders fax 0", "search keyholders ssn 0",
		"delete keyholders ssn 1", "search keyholders ssn 1", "delete keyholders ssn 1",
	}
}

const canaryValue = "CANARY-7d793037"

// said lists what the lines say of statements.
func said(t *testing.T, lines string) (out []string) {
	t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(lines), "\n") {
		l, err := audit.ParseLine([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if l.Table == "" {
			continue
		}
		s := l.Op + " " + l.Table + " " + strings.Join(l.Columns, ",")
		if l.Rows != nil {
			s += " " + string(rune('0'+*l.Rows))
		}
		if l.Failed {
			s += " failed"
		}
		if l.Actor != "ann" || l.Purpose != "support" || l.Partition != "acme" {
			t.Errorf("of somebody else: %s", text)
		}
		out = append(out, s)
	}
	return out
}

func TestStatementsOnAuditedColumnsAreRecorded(t *testing.T) {
	everyEngine(t, func(b *bench) {
		path := filepath.Join(b.t.TempDir(), "audit.jsonl")
		db := audited(b, "file: "+path)
		want := b.statements(db)
		if err := db.Close(); err != nil {
			b.t.Fatal(err)
		}
		trail, err := os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		if got := said(b.t, string(trail)); !slices.Equal(got, want) {
			b.t.Errorf("recorded are %q, want %q\n%s", got, want, trail)
		}
		for _, bad := range []string{canaryValue, "INSERT", "SELECT"} {
			if bytes.Contains(trail, []byte(bad)) {
				b.t.Errorf("%s is in the trail", bad)
			}
		}
		b.has(string(trail), `"op":"key\.create"|"op":"key\.load"`, `"op":"key\.unwrap","key":"ss1/sk/shop/orders@\d+","provider":"kms env"`)
		b.has(b.keys(exitOK, "audit", "verify"), `0 faults$`)
		heads := filepath.Join(b.t.TempDir(), "heads")
		if err := os.WriteFile(heads, []byte(b.keys(exitOK, "audit", "head")), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.has(b.keys(exitOK, "audit", "verify", "--head", heads), `0 faults$`)

		// What an operator does is in it, too.
		b.keys(exitOK, "keys", "revoke", "partition:acme")
		b.has(b.keys(exitOK, "audit", "query", "--op", "key.revoke"), `"key":"ss1/ik/shop/orders/acme@\d+".*"purpose":"sealsql keys revoke"`)
		if got := b.keys(exitOK, "audit", "query", "--actor", "ann", "--table", "keyholders", "--from", "2020-01-01"); len(said(b.t, got)) != len(want) {
			b.t.Errorf("found\n%s", got)
		}
		if got := b.keys(exitOK, "audit", "query", "--actor", "ann", "--to", "2020-01-01"); got != "" {
			b.t.Errorf("found\n%s", got)
		}

		trail, err = os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		lines := bytes.SplitAfter(trail, []byte("\n"))
		for name, changed := range map[string][]byte{
			"changed":   bytes.Replace(trail, []byte(`"rows":2`), []byte(`"rows":1`), 1),
			"removed":   bytes.Join(slices.Delete(slices.Clone(lines), 3, 4), nil),
			"reordered": bytes.Join(append(slices.Clone(lines[:2]), append([][]byte{lines[3], lines[2]}, lines[4:]...)...), nil),
		} {
			file := filepath.Join(b.t.TempDir(), name)
			if err := os.WriteFile(file, changed, 0o600); err != nil {
				b.t.Fatal(err)
			}
			b.has(b.keys(exitFault, "audit", "verify", file), `^line \d+`, `[1-9]\d* faults?$`)
		}
		cut := filepath.Join(b.t.TempDir(), "cut")
		if err := os.WriteFile(cut, bytes.Join(lines[:3], nil), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.has(b.keys(exitOK, "audit", "verify", cut), "it cannot be seen whether the last lines")
		b.has(b.keys(exitFault, "audit", "verify", "--head", heads, cut), "lines of this writer are missing")
	})
}

func TestTheTrailCanBeATable(t *testing.T) {
	everyEngine(t, func(b *bench) {
		if b.dialect == "sqlite" {
			tenants(b).Close()
			b.configure("audit: {table: trail}")
			db, err := sql.Open(b.sealed, b.source+"&sealsql_config="+b.config)
			if err == nil {
				err = db.Ping()
			}
			if err == nil || !strings.Contains(err.Error(), "write audit: {file: PATH}") {
				t.Errorf("open: %v", err)
			}
			return
		}
		db := audited(b, "table: trail, log: true")
		want := b.statements(db)
		// A line stays though the statement is taken back.
		tx, err := db.Begin()
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := tx.ExecContext(sealsql.WithPurpose(sealsql.WithActor(sealsql.WithPartition(context.Background(), "acme"), "ann"), "support"),
			"INSERT INTO keyholders (id, tenant, ssn) VALUES (999, 'acme', 'y')"); err != nil {
			b.t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			b.t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.t.Fatal(err)
		}
		got := said(b.t, b.keys(exitOK, "audit", "query", "--table", "keyholders"))
		if !slices.Equal(got, append(want, "write keyholders ssn 1")) {
			b.t.Errorf("recorded are %q", got)
		}
		b.has(b.keys(exitOK, "audit", "verify"), `0 faults$`)
		if b.dialect == "mysql" {
			all := b.source
			b.source = withParameter(b.source, "sql_select_limit=1")
			if few := said(b.t, b.keys(exitOK, "audit", "query", "--table", "keyholders")); !slices.Equal(few, got) {
				b.t.Errorf("under sql_select_limit: %q", few)
			}
			b.source = all
		}
		b.must("UPDATE trail SET line = REPLACE(line, 'ann', 'bob')")
		if out := b.keys(exitFault, "audit", "verify"); !regexp.MustCompile(`the line was changed`).MatchString(out) {
			b.t.Errorf("changed:\n%s", out)
		}
	})
}
