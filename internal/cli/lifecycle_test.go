package cli

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/lifecycle"
)

const tenantsConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
guards: off
%s
tables:
  keyholders:
    partition: {column: tenant, type: varchar(40)}
    columns:
      ssn: {type: varchar(40), search: {equality: {%s}}}
      fax: {type: varchar(40), carrier: text}
  keynotes:
    columns: {body: encrypted}
`

// tenants is a bench with a partitioned table, filled for two tenants.
func tenants(b *bench) *sql.DB {
	b.t.Helper()
	b.configure("")
	binary := map[string]string{"sqlite": "BLOB", "postgres": "bytea", "mysql": "varbinary(400)"}[b.dialect]
	b.must("CREATE TABLE keyholders (id integer PRIMARY KEY, tenant varchar(40)" +
		map[string]string{"mysql": " CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation(), "postgres": ` COLLATE "C"`}[b.dialect] + " NOT NULL, ssn " + binary + ", ssn_bidx " +
		map[string]string{"sqlite": "BLOB", "postgres": "bytea", "mysql": "binary(16)"}[b.dialect] + ", fax varchar(400));\n" +
		"CREATE TABLE keynotes (body " + binary + ");\n")
	b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
	db := b.encrypted()
	for i := range 50 {
		tenant := []string{"acme", "initech"}[i%2]
		b.exec(db, fmt.Sprintf("INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (%d, '%s', 'ssn-%d', 'fax-%d')", i, tenant, i, i))
	}
	b.exec(db, "INSERT INTO keyholders (id, tenant, ssn) VALUES (100, 'acme', NULL)")
	b.exec(db, "INSERT INTO keynotes (body) VALUES ('a note'), ('another')")
	return db
}

func (b *bench) configure(more string) {
	b.t.Helper()
	if err := os.WriteFile(b.config, fmt.Appendf(nil, tenantsConfig, more, map[string]string{"mysql": "collation: binary"}[b.dialect]), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) exec(db *sql.DB, text string) {
	b.t.Helper()
	if _, err := db.Exec(text); err != nil {
		b.t.Fatal(err)
	}
}

// keys runs a command on the keys of the bench's database.
func (b *bench) keys(want int, args ...string) string {
	b.t.Helper()
	return b.command(want, append(args, "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)...)
}

func (b *bench) has(text string, patterns ...string) {
	b.t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(text) {
			b.t.Errorf("%q is not in\n%s", p, text)
		}
	}
}

func TestUsageIsCountedByKey(t *testing.T) {
	everyEngine(t, func(b *bench) {
		db := tenants(b)
		got := b.keys(exitOK, "keys", "usage", "--page", "7")
		b.has(got,
			`keyholders +fax +25 +ss1/ik/shop/orders/acme@\d+$`, `keyholders +fax +25 +ss1/ik/shop/orders/initech@\d+$`,
			`keyholders +ssn +25 +ss1/ik/shop/orders/acme@\d+$`, `keyholders +ssn +25 +ss1/ik/shop/orders/initech@\d+$`,
			`keynotes +body +2 +ss1/ik/shop/orders/default@\d+$`)
		got = b.keys(exitOK, "keys", "usage", "--partition", "acme")
		if strings.Contains(got, "initech") || strings.Contains(got, "keynotes") {
			b.t.Errorf("of one partition:\n%s", got)
		}
		// Sealed under a new key after a rotation.
		b.keys(exitOK, "keys", "rotate", "partition:acme")
		db.Close()
		b.exec(b.encrypted(), "INSERT INTO keyholders (id, tenant, ssn) VALUES (200, 'acme', 'new')")
		state := filepath.Join(b.t.TempDir(), "usage.json")
		got = b.keys(exitOK, "keys", "usage", "--state", state)
		b.has(got, `keyholders +ssn +1 +ss1/ik/shop/orders/acme@\d+$`, `keyholders +ssn +25 +ss1/ik/shop/orders/acme@\d+$`)
		b.has(b.keys(exitOK, "keys", "prune", "--usage", state), `acme@\d+ kept: 50 records are sealed under it$`)
		b.has(b.keys(exitOK, "keys", "stats"), `^partition +3 +4 +1 +0 +active 4 `, `^index +3 +3 +0 +0 +active 3 `)
		// What is not sealed, and what is damaged, is told apart.
		b.must("UPDATE keynotes SET body = " + map[string]string{"sqlite": "x'F95351FFFF'", "postgres": `'\xF95351FFFF'`, "mysql": "x'F95351FFFF'"}[b.dialect] + ";\n" +
			"UPDATE keyholders SET fax = 'plain' WHERE id = 3;\n")
		b.has(b.keys(exitOK, "keys", "usage", "--state", state), `keynotes +body +2 +\(damaged\)`, `keyholders +fax +1 +\(not sealed\)`)
		b.has(b.keys(exitFault, "keys", "prune", "--usage", state), "name no key for sure")
	})
}

func TestACountThatWasStoppedGoesOn(t *testing.T) {
	everyEngine(t, func(b *bench) {
		tenants(b)
		state := filepath.Join(b.t.TempDir(), "usage.json")
		b.keys(exitOK, "keys", "usage", "--state", state, "--page", "10")
		whole, err := readUsage(state)
		if err != nil {
			b.t.Fatal(err)
		}
		// A state in the middle of keyholders: two pages are done.
		var u lifecycle.Usage
		data, _ := json.Marshal(whole)
		if err := json.Unmarshal(data, &u); err != nil {
			b.t.Fatal(err)
		}
		for i := range u.Tables {
			x := &u.Tables[i]
			if !strings.HasSuffix(x.Table, "keyholders") {
				continue
			}
			x.Rows, x.Done, x.After = 20, false, []lifecycle.Value{{V: int64(19)}}
			for j := range x.Columns {
				for key := range x.Columns[j].Records {
					x.Columns[j].Records[key] = 10
				}
			}
		}
		u.Ended = time.Time{}
		data, _ = json.Marshal(&u)
		if err := os.WriteFile(state, data, 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.keys(exitOK, "keys", "usage", "--state", state, "--page", "10")
		again, err := readUsage(state)
		if err != nil {
			b.t.Fatal(err)
		}
		if got, want := fmt.Sprint(again.Lines()), fmt.Sprint(whole.Lines()); got != want || !again.Complete() {
			b.t.Errorf("counted %s, want %s", got, want)
		}
	})
}

func TestAPartitionIsShredded(t *testing.T) {
	everyEngine(t, func(b *bench) {
		db := tenants(b)
		report := filepath.Join(b.t.TempDir(), "report.json")
		backup := b.backup()
		b.has(b.command(exitUsage, "shred", "--partition", "acme"), "--report is required")
		b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes"), "^begun: ", "Run the same command again after that")
		b.has(b.keys(exitOK, "keys", "list", "--kind", "partition"), `acme +destroying`)
		b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes"), "^begun: ") // not due
		db.Close()
		b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now"),
			`^destroyed 2 keys of partition "acme", under which 50 records were sealed`, "Backups of the key table")
		b.shredded("acme", "initech")

		data, err := os.ReadFile(report)
		if err != nil {
			b.t.Fatal(err)
		}
		b.has(string(data), `"phase": "finished"`, `"status": "destroyed"`, `"records": 25`)

		// A restore brings the keys back; the report takes them away again.
		b.restore(backup)
		var ssn string
		if err := b.encrypted().QueryRow("SELECT ssn FROM keyholders WHERE id = 0 AND tenant = 'acme'").Scan(&ssn); err != nil || ssn != "ssn-0" {
			b.t.Fatalf("after the restore: %q, %v", ssn, err)
		}
		changed := filepath.Join(b.t.TempDir(), "changed.json")
		if err := os.WriteFile(changed, []byte(strings.Replace(string(data), `"acme"`, `"initech"`, 1)), 0o600); err != nil {
			b.t.Fatal(err)
		}
		// The key of the report is younger than this backup.
		b.has(b.keys(exitFault, "shred", "--reapply", report, "--report", report, "--yes"), "key not found")
		b.keys(exitOK, "keys", "create", "named:report")
		b.keys(exitFault, "shred", "--reapply", changed, "--report", report, "--yes")
		b.has(b.keys(exitOK, "shred", "--reapply", report, "--report", report, "--yes", "--trust-report"), "^destroyed 2 keys")
		b.shredded("acme", "initech")

		b.configure("shredded: as_null")
		var null, clear sql.NullString
		if err := b.encrypted().QueryRow("SELECT ssn, tenant FROM keyholders WHERE id = 0 AND tenant = 'acme'").Scan(&null, &clear); err != nil || null.Valid || clear.String != "acme" {
			b.t.Errorf("as NULL: %+v, %v", null, err)
		}
	})
}

func TestAChangedReportIsNotApplied(t *testing.T) {
	b := newBench(t, lives[0])
	tenants(b).Close()
	report := filepath.Join(t.TempDir(), "report.json")
	b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now")
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for old, next := range map[string]string{
		`"partition": "acme"`: `"partition": "initech"`, `"records": 25`: `"records": 24`,
		`"finished": "2`: `"finished": "3`, `"version": 1`: `"version": 1, "more": 2`, "{": "",
	} {
		text := strings.Replace(string(data), old, next, 1)
		if text == string(data) {
			t.Fatalf("the report has no %s:\n%s", old, data)
		}
		if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.has(b.keys(exitFault, "shred", "--reapply", report, "--report", report+"2", "--yes"), "the report was changed")
	}
	b.has(b.keys(exitOK, "keys", "list", "--kind", "partition"), "initech +active")
	if err := os.WriteFile(report, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b.keys(exitOK, "shred", "--reapply", report, "--report", report+"2", "--yes")
}

// shredded checks that one tenant's values are gone and the other's are not.
func (b *bench) shredded(gone, there string) {
	b.t.Helper()
	db := b.encrypted()
	var got string
	err := db.QueryRow("SELECT ssn FROM keyholders WHERE id = 0 AND tenant = '" + gone + "'").Scan(&got)
	if !errors.Is(err, sealsql.ErrShredded) {
		b.t.Errorf("reading: %v", err)
	}
	if _, err := db.Exec("INSERT INTO keyholders (id, tenant, ssn) VALUES (300, '" + gone + "', 'x')"); !errors.Is(err, sealsql.ErrShredded) {
		b.t.Errorf("writing: %v", err)
	}
	err = db.QueryRowContext(sealsql.WithPartition(context.Background(), gone), "SELECT fax FROM keyholders WHERE ssn = 'ssn-0' AND tenant = '"+gone+"'").Scan(&got)
	if !errors.Is(err, sealsql.ErrShredded) {
		b.t.Errorf("searching: %v", err)
	}
	if err := db.QueryRowContext(sealsql.WithPartition(context.Background(), there), "SELECT fax FROM keyholders WHERE ssn = 'ssn-1' AND tenant = '"+there+"'").Scan(&got); err != nil || got != "fax-1" {
		b.t.Errorf("the other tenant: %q, %v", got, err)
	}
	if err := db.Close(); err != nil {
		b.t.Error(err)
	}
}

// keyTable opens the database that holds the key table.
func (b *bench) keyTable() *sql.DB {
	b.t.Helper()
	source := b.source
	if b.dialect == "sqlite" {
		path, _, _ := strings.Cut(strings.TrimPrefix(source, "file:"), "?")
		source = path + ".keys"
	}
	db, err := sql.Open(b.plain, source)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { db.Close() })
	return db
}

func (b *bench) backup() [][3]string {
	b.t.Helper()
	rows, err := b.keyTable().Query("SELECT id, created, key_record FROM encryption_key")
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	var out [][3]string
	for rows.Next() {
		var r [3]string
		if err := rows.Scan(&r[0], &r[1], &r[2]); err != nil {
			b.t.Fatal(err)
		}
		r[1] = strings.TrimSuffix(strings.Replace(r[1], "T", " ", 1), "Z")
		out = append(out, r)
	}
	return out
}

func (b *bench) restore(rows [][3]string) {
	b.t.Helper()
	db := b.keyTable()
	b.exec(db, "DELETE FROM encryption_key")
	for _, r := range rows {
		b.exec(db, "INSERT INTO encryption_key (id, created, key_record) VALUES ('"+r[0]+"', '"+r[1]+"', '"+r[2]+"')")
	}
}

// twoDatabases makes tenants on MySQL, and keynotes in a second database.
func twoDatabases(b *bench) (current, other string) {
	b.t.Helper()
	tenants(b).Close()
	if err := b.db.QueryRow("SELECT DATABASE()").Scan(&current); err != nil {
		b.t.Fatal(err)
	}
	other = current + "_other"
	b.must("CREATE DATABASE " + other)
	b.t.Cleanup(func() { _, _ = b.db.Exec("DROP DATABASE " + other) })
	b.must("CREATE TABLE " + other + ".keynotes AS SELECT * FROM keynotes")
	return current, other
}

// opened opens the keys of the bench's database, as a command does.
func (b *bench) opened() (*metastoreOptions, *keyring) {
	b.t.Helper()
	o := &metastoreOptions{config: b.config, dialect: b.dialect, dsn: b.source}
	r, err := o.open(&cobra.Command{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { r.sealer.Close() })
	return o, r
}

// Tables of other databases are counted for a report, and dropped by others meanwhile:
// such a table has no records, and the count goes on. One that was the only one of its
// name may have been renamed: that is an error.
func TestATableThatIsDroppedWhileItIsCountedHasNoRecords(t *testing.T) {
	b := newBench(t, lives[2])
	_, other := twoDatabases(b)
	o, r := b.opened()
	count := func() (*lifecycle.Usage, error) {
		t.Helper()
		c, err := r.counter(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.DB.Close()
		if !slices.ContainsFunc(c.Tables, func(x lifecycle.Table) bool { return x.Name == other+".keynotes" }) {
			b.must("RENAME TABLE keyholders TO renamed")
		} else {
			b.must("DROP TABLE " + other + ".keynotes")
		}
		return c.Count(t.Context(), nil)
	}
	u, err := count()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range u.Tables {
		if dropped := x.Table == other+".keynotes"; x.Dropped != dropped || !x.Done || dropped && (x.Rows != 0 || len(x.Columns[0].Records) != 0) {
			t.Errorf("%s: %+v", x.Table, x)
		}
	}
	if _, err := count(); err == nil {
		t.Error("a table that was renamed is taken for one without records")
	}
}

// The report of a shredding says which tables it has no numbers of.
func TestTheReportNamesATableThatWasDroppedWhileItWasCounted(t *testing.T) {
	b := newBench(t, lives[2])
	_, other := twoDatabases(b)
	o, r := b.opened()
	c, err := r.counter(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.DB.Close()
	b.must("DROP TABLE " + other + ".keynotes")
	report, err := (&lifecycle.Shredder{Keys: r.Keys, Counter: c, Catalog: r.cfg.Catalog}).Begin(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(report.NotCounted, []string{other + ".keynotes"}) || len(report.Records) == 0 || report.Verify(t.Context(), r.sealer) != nil {
		t.Errorf("%+v", report)
	}
	var out strings.Builder
	cmd := &cobra.Command{}
	cmd.SetOut(&out)
	file := filepath.Join(t.TempDir(), "report.json")
	if err := (&shredOptions{report: file}).done(cmd, report, nil); err != nil {
		t.Fatal(err)
	}
	b.has(out.String(), `^Not counted, because it went away .*: `+other+`\.keynotes$`)
	if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), `"not_counted"`) {
		t.Errorf("%s, %v", data, err)
	}
}

// On MySQL annotations hold in every database. What is in another one is not
// counted unasked, is named, and is no evidence for retiring keys.
func TestUsageOnMySQLIsOfOneDatabaseUnlessAsked(t *testing.T) {
	b := newBench(t, lives[2])
	current, other := twoDatabases(b)
	state := filepath.Join(t.TempDir(), "usage.json")
	got := b.keys(exitOK, "keys", "usage", "--state", state)
	b.has(got, `^not counted, because in other databases .*`+other+`\.keynotes`, current+`\.keynotes +body +2 `)
	if strings.Contains(got, other+".keynotes  ") {
		t.Errorf("the other database is counted:\n%s", got)
	}
	b.has(b.keys(exitFault, "keys", "prune", "--usage", state), "count with --all-databases")
	got = b.keys(exitOK, "keys", "usage", "--state", state, "--all-databases")
	b.has(got, other+`\.keynotes +body +2 `, current+`\.keynotes +body +2 `)
	b.keys(exitOK, "keys", "prune", "--usage", state)
}
