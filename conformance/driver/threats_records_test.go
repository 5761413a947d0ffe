package drivertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

func tenant(id string) context.Context {
	return sealsql.WithPartition(context.Background(), id)
}

// ---- T13 ----

var partitions = []threat{
	{"a write that names no partition is refused", allModes, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable, ordersTable)
		w.seed()
		for _, s := range []string{
			"UPDATE users SET ssn = {M} WHERE id = 1", "UPDATE users SET ssn = {M}", "UPDATE users SET ssn = {M} WHERE tenant = 'a' OR id = 1", "UPDATE users SET ssn = {M} WHERE NOT tenant = 'b'", "UPDATE users SET ssn = {M} WHERE tenant IN ('a', 'b')",
			"UPDATE users SET ssn = {M} WHERE tenant LIKE 'a'", "UPDATE users SET ssn = {M} WHERE tenant = lower('A')", "INSERT INTO users (id, ssn) VALUES (2, {M})", "INSERT INTO users (id, tenant, ssn) VALUES (2, lower('A'), {M})", "INSERT INTO users (id, tenant, ssn) SELECT 2, note, {M} FROM users",
			"UPDATE users SET ssn = {M} WHERE tenant = (SELECT 'a')", "UPDATE users SET ssn = {M} WHERE tenant = note", "UPDATE users SET tenant = 'b', ssn = {M} WHERE tenant = 'a'",
		} {
			w.refused(s)
		}
		w.refused("UPDATE users SET tenant = 'b' WHERE id = 1", rewrite.ReasonPartitionWrite)
		w.refused("UPDATE users SET tenant = upper(tenant)", rewrite.ReasonPartitionWrite)
		for _, s := range []string{"INSERT INTO users (id, tenant, ssn) VALUES (2, NULL, ?)", "UPDATE users SET ssn = ? WHERE tenant = NULL"} {
			w.eachFormWith(t.Context(), w.bind(s), []any{w.mark}, func(form string, err error) {
				if !errors.Is(err, sealsql.ErrRefused) && !errors.Is(err, sealsql.ErrPartitionMissing) {
					t.Errorf("%s: %s: %v", form, s, err)
				}
			})
		}
	}},
	{"an upsert into another tenant's row is refused", all, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		w.seed()
		if e.dialect == rewrite.MySQL {
			w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', {M}) ON DUPLICATE KEY UPDATE ssn = VALUES(ssn)", rewrite.ReasonPartition)
			w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', 'x') ON DUPLICATE KEY UPDATE ssn = {M}", rewrite.ReasonPartition)
			return
		}
		w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', {M}) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn", rewrite.ReasonPartition)
		w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', 'x') ON CONFLICT (id) DO UPDATE SET ssn = {M}", rewrite.ReasonPartition)
		w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', {M}) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, tenant = excluded.tenant")
		if e.dialect == rewrite.Postgres {
			w.refused("INSERT INTO users (id, tenant, ssn) VALUES (1, 'b', {M}) ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET ssn = excluded.ssn", rewrite.ReasonPartition)
		}
	}},
	{"an upsert inside the tenant works", all, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, strings.Replace(strings.Replace(usersTable, " PRIMARY KEY", "", 1), "{KEY}", "{KEY} NOT NULL", 1)+"", "CREATE UNIQUE INDEX ux ON users (tenant, id)")
		set := " ON CONFLICT (tenant, id) DO UPDATE SET ssn = excluded.ssn"
		if e.dialect == rewrite.MySQL {
			set = " ON DUPLICATE KEY UPDATE ssn = VALUES(ssn)"
		}
		for range 2 {
			w.exec("INSERT INTO users (tenant, id, ssn) VALUES ('a', 1, {M}), ('b', 1, 'x')" + set)
			w.exec("INSERT INTO users (tenant, id, ssn) VALUES (?, ?, ?)"+set, "b", 1, w.mark)
		}
		w.equal(w.value("SELECT ssn FROM users WHERE tenant = 'b'"), w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE tenant = ?", "a"), w.mark)
	}},
	{"a record copied from another tenant does not open", allModes, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		w.seed()
		w.exec("INSERT INTO users (id, tenant, ssn, email, note) VALUES (2, 'b', ?, 'x', 'n')", w.mark)
		if e.dialect == rewrite.MySQL {
			w.other("UPDATE users u JOIN users v ON v.id = 2 SET u.ssn = v.ssn WHERE u.id = 1")
		} else {
			w.other("UPDATE users SET ssn = (SELECT ssn FROM users WHERE id = 2) WHERE id = 1")
		}
		for _, s := range []string{"SELECT ssn FROM users WHERE id = 1", "SELECT * FROM users WHERE id = 1", "SELECT ssn FROM users WHERE tenant = 'a'", "SELECT u.ssn FROM (SELECT * FROM users) u WHERE u.id = 1", "SELECT ssn FROM users WHERE id = 1 UNION ALL SELECT ssn FROM users WHERE id = 1"} {
			w.doesNotOpen(context.Background(), s, sealsql.ErrTampered)
			w.doesNotOpen(tenant("a"), s, sealsql.ErrTampered)
		}
		w.doesNotOpen(tenant("b"), "SELECT ssn FROM users WHERE tenant = 'a'", sealsql.ErrPartitionMismatch)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
	}},
	{"a tenant of a row that another process changed", all, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, 'a', {M})")
		w.other("UPDATE users SET tenant = 'b'")
		w.doesNotOpen(context.Background(), "SELECT ssn FROM users", sealsql.ErrTampered)
		w.doesNotOpen(tenant("a"), "SELECT ssn FROM users WHERE tenant = 'b'", sealsql.ErrPartitionMismatch)
		w.other("UPDATE users SET tenant = NULL")
		if _, err := rowsOf(w.db.Query("SELECT ssn FROM users")); err == nil {
			t.Error("a row without a tenant opened")
		}
	}},
	{"the context's partition holds writes inside the tenant", allModes, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		w.seed()
		w.exec("INSERT INTO users (id, tenant, ssn, note) VALUES (2, 'b', 'second', 'n')")
		w.execContext(tenant("b"), "UPDATE users SET ssn = ?", w.mark)
		w.execContext(tenant("b"), "UPDATE users SET ssn = {M} WHERE id = 1 OR 1 = 1")
		w.execContext(tenant("b"), "UPDATE users SET email = {M} WHERE id < 9 -- ")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "first")
		w.equal(w.value("SELECT email FROM users WHERE id = 1"), "mail")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
		w.equal(w.value("SELECT email FROM users WHERE id = 2"), w.mark)
		w.fails(tenant("b"), sealsql.ErrPartitionMismatch, "UPDATE users SET ssn = ? WHERE tenant = 'a'", w.mark)
		w.fails(tenant("b"), sealsql.ErrPartitionMismatch, "INSERT INTO users (id, tenant, ssn) VALUES (3, 'a', ?)", w.mark)
	}},
	{"a context without a partition is an error", allModes, func(t *testing.T, e engine) {
		w := e.open(t, head+"tables:\n  users:\n    partition: context\n    columns: {ssn: encrypted, email: encrypted}\n", usersTable)
		for _, s := range []string{"INSERT INTO users (id, ssn) VALUES (1, ?)", "UPDATE users SET ssn = ? WHERE id = 1"} {
			w.fails(context.Background(), sealsql.ErrPartitionMissing, s, w.mark)
		}
		w.execContext(tenant("a"), "INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		w.doesNotOpen(context.Background(), "SELECT ssn FROM users", sealsql.ErrPartitionMissing)
		w.equal(w.valueContext(tenant("a"), "SELECT ssn FROM users"), w.mark)
		w.doesNotOpen(tenant("b"), "SELECT ssn FROM users", sealsql.ErrTampered)
		w.doesNotOpen(tenant(""), "SELECT ssn FROM users", nil)
		w.doesNotOpen(tenant("a\x00b"), "SELECT ssn FROM users", nil)
		w.doesNotOpen(tenant(strings.Repeat("x", 300)), "SELECT ssn FROM users", nil)
		if e.dialect == rewrite.MySQL {
			w.refusedContext(tenant("b"), "INSERT INTO users (id, ssn) VALUES (1, {M}) ON DUPLICATE KEY UPDATE ssn = VALUES(ssn)")
			w.refusedContext(tenant("b"), "REPLACE INTO users (id, ssn) VALUES (1, {M})")
		} else {
			w.refusedContext(tenant("b"), "INSERT INTO users (id, ssn) VALUES (1, {M}) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn")
		}
	}},
}

// doesNotOpen reads with a statement that must fail with the class (any error
// when nil) and without a value, prepared and not.
func (w *world) doesNotOpen(ctx context.Context, text string, class error) {
	w.t.Helper()
	check := func(form string, rows [][]any, err error) {
		w.t.Helper()
		if len(rows) > 0 || err == nil || class != nil && !errors.Is(err, class) {
			w.t.Errorf("%s: %s: got %v, %v; want %v", form, text, rows, err, class)
		}
		if err != nil && strings.Contains(err.Error(), w.mark) {
			w.t.Errorf("%s: %s: the error holds the canary: %v", form, text, err)
		}
	}
	rows, err := rowsOf(w.db.QueryContext(ctx, w.text(text)))
	check("query", rows, err)
	st, err := w.db.PrepareContext(ctx, w.text(text))
	if err != nil {
		check("prepare", nil, err)
		return
	}
	defer st.Close()
	rows, err = rowsOf(st.QueryContext(ctx))
	check("prepared", rows, err)
}

// ---- T14 ----

var identities = []threat{
	{"spellings of one identity are one partition", all, func(t *testing.T, e engine) {
		for _, x := range []struct {
			logical, physical string
			one, other        any
		}{
			{"uuid", "UUID", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
			{"int64", "BIGINT", 7, "07"},
			{"int64", "BIGINT", int64(7), " 7"},
			{"int64", "BIGINT", uint8(7), "+7"},
			{"numeric", "NUMERIC(9,2)", "1.0", "1.00"},
			{"date", "DATE", "2024-01-02", "2024-01-02"},
		} {
			t.Run(fmt.Sprintf("%s %v", x.logical, x.other), func(t *testing.T) {
				physical := x.physical
				switch {
				case x.logical != "uuid":
				case e.dialect == rewrite.SQLite:
					physical = "TEXT"
				case e.dialect == rewrite.MySQL && testenv.IsMySQL(): // has no such type
					physical = "CHAR(36)"
				}
				w := e.open(t, head+"tables:\n  users:\n    partition: {column: tenant, type: "+x.logical+"}\n    columns: {ssn: encrypted, email: encrypted}\n",
					strings.Replace(usersTable, "{KEY}", physical, 1))
				w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, ?, ?)", x.one, w.mark)
				w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), w.mark)
				// Another spelling opens the row, or is refused; it is never
				// another partition.
				rows, err := rowsOf(w.db.Query(w.bind("SELECT ssn FROM users WHERE tenant = ?"), x.other))
				if errors.Is(err, sealsql.ErrTampered) {
					t.Errorf("%v is another partition than %v", x.other, x.one)
				}
				if err == nil && len(rows) == 1 {
					w.equal(rows[0][0], w.mark)
				}
				if _, err := w.db.Exec(w.bind("INSERT INTO users (id, tenant, ssn) VALUES (2, ?, ?)"), x.other, w.mark); err == nil {
					w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
				}
			})
		}
	}},
	{"a text partition that ignores case is not fixed by a condition", []engine{onMySQL}, func(t *testing.T, e engine) {
		for _, column := range []string{"VARCHAR(40) COLLATE utf8mb4_general_ci", "VARCHAR(40) COLLATE utf8mb4_bin", "CHAR(10) COLLATE " + testenv.ByteCollation(), "VARCHAR(40)"} {
			w := e.open(t, tenantConfig, strings.Replace(usersTable, "{KEY}", column, 1))
			w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, 'alice', 'first')")
			for _, s := range []string{"UPDATE users SET ssn = {M} WHERE tenant = 'ALICE'", "UPDATE users SET ssn = {M} WHERE tenant = 'alice'"} {
				w.refused(s, rewrite.ReasonPartition)
			}
			w.refusedContext(tenant("ALICE"), "UPDATE users SET ssn = {M}", rewrite.ReasonPartition)
			w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "first")
		}
	}},
	{"a text partition that ignores case on SQLite and PostgreSQL", []engine{onSQLite, onPostgres}, func(t *testing.T, e engine) {
		column, before := "TEXT COLLATE NOCASE", []string{}
		if e.dialect == rewrite.Postgres {
			column, before = `TEXT COLLATE "ci"`, []string{"CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"}
		}
		w := e.open(t, tenantConfig, append(before, strings.Replace(usersTable, "{KEY}", column, 1))...)
		w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, 'alice', 'first')")
		w.refused("UPDATE users SET ssn = {M} WHERE tenant = 'ALICE'", rewrite.ReasonPartition)
		w.refusedContext(tenant("ALICE"), "UPDATE users SET ssn = {M}", rewrite.ReasonPartition)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "first")
	}},
	{"a condition under another collation does not fix the partition", all, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, 'alice', 'first')")
		condition := map[rewrite.Dialect]string{rewrite.SQLite: "tenant = 'ALICE' COLLATE NOCASE", rewrite.Postgres: `tenant = 'ALICE' COLLATE "C"`, rewrite.MySQL: "tenant = 'ALICE' COLLATE utf8mb4_general_ci"}[e.dialect]
		w.refused("UPDATE users SET ssn = {M} WHERE "+condition, rewrite.ReasonPartition)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "first")
	}},
}

// ---- T15 and the records themselves ----

var records = []threat{
	{"a changed record does not open", allModes, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users (id, tenant, ssn, email, note) VALUES (1, 'a', ?, ?, 'n')", w.mark, "mail")
		var record []byte
		w.must(w.plain.QueryRow("SELECT ssn FROM users WHERE id = 1").Scan(&record))
		put := func(v any) { w.other(w.bind("UPDATE users SET ssn = ? WHERE id = 1"), v) }
		step := 1
		if e.params != "" {
			step = 13
		}
		for bit := 0; bit < 8*len(record); bit += step {
			bad := append([]byte(nil), record...)
			bad[bit/8] ^= 1 << (bit % 8)
			put(bad)
			rows, err := rowsOf(w.db.Query("SELECT ssn FROM users WHERE id = 1"))
			if len(rows) > 0 || !sealed(err) {
				t.Errorf("bit %d: got %v, %v", bit, rows, err)
			}
		}
		for n := range record {
			put(record[:n])
			rows, err := rowsOf(w.db.Query("SELECT ssn FROM users WHERE id = 1"))
			if len(rows) > 0 || !sealed(err) {
				t.Errorf("cut to %d bytes: got %v, %v", n, rows, err)
			}
		}
		put(append(append([]byte(nil), record...), 0))
		w.doesNotOpen(context.Background(), "SELECT ssn FROM users", nil)
		put(record)
		w.equal(w.value("SELECT ssn FROM users"), w.mark)
	}},
	{"records of another column or table do not open", allModes, func(t *testing.T, e engine) {
		w := e.open(t, head+"tables:\n  users:\n    columns: {ssn: encrypted, email: encrypted}\n  staff:\n    columns: {ssn: encrypted}\n", usersTable, "CREATE TABLE staff (id {INT}, ssn {BIN})")
		w.exec("INSERT INTO users (id, tenant, ssn, email, note) VALUES (1, 'a', ?, ?, 'n')", "number", w.mark)
		w.exec("INSERT INTO staff (id, ssn) VALUES (1, ?)", w.mark)
		w.other("UPDATE users SET ssn = email")
		for _, s := range []string{"SELECT ssn FROM users", "SELECT * FROM users", "SELECT u.ssn AS email FROM users u", "SELECT x FROM (SELECT ssn AS x FROM users) d"} {
			w.doesNotOpen(context.Background(), s, sealsql.ErrTampered)
		}
		if e.dialect == rewrite.MySQL {
			w.other("UPDATE users, staff SET users.ssn = staff.ssn")
		} else {
			w.other("UPDATE users SET ssn = (SELECT ssn FROM staff)")
		}
		w.doesNotOpen(context.Background(), "SELECT ssn FROM users", sealsql.ErrTampered)
		w.doesNotOpen(context.Background(), "SELECT u.ssn FROM users u JOIN staff s ON s.id = u.id", sealsql.ErrTampered)
	}},
	{"plaintext of another process is not taken for a value", allModes, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		for _, v := range []string{"plaintext", "", "x", "ss1.abc", strings.Repeat("long plaintext ", 20)} {
			w.other(w.bind("UPDATE users SET ssn = ?"), []byte(v))
			w.doesNotOpen(context.Background(), "SELECT ssn FROM users", sealsql.ErrNotSealed)
			w.doesNotOpen(context.Background(), "SELECT * FROM users", sealsql.ErrNotSealed)
		}
		if e.dialect == rewrite.SQLite {
			for _, v := range []any{"text", 42, 1.5} {
				w.other("UPDATE users SET ssn = ?", v)
				w.doesNotOpen(context.Background(), "SELECT ssn FROM users", sealsql.ErrNotSealed)
			}
		}
		w.other("UPDATE users SET ssn = NULL")
		w.equal(w.value("SELECT ssn FROM users"), nil)
	}},
	{"a value that looks like a record is encrypted as any other", allModes, func(t *testing.T, e engine) {
		bytes := map[rewrite.Dialect]string{rewrite.SQLite: "blob", rewrite.Postgres: "bytea", rewrite.MySQL: "blob"}[e.dialect]
		w := e.open(t, head+"tables:\n  users:\n    columns: {ssn: {type: "+bytes+"}, email: encrypted}\n", usersTable)
		w.exec("INSERT INTO users (id, ssn, email) VALUES (1, ?, 'ss1.abcd')", []byte("\xf9SQ\x01"+w.mark))
		var record []byte
		w.must(w.plain.QueryRow("SELECT ssn FROM users").Scan(&record))
		w.exec("UPDATE users SET ssn = ?", record)
		w.equal(w.value("SELECT ssn FROM users"), string(record))
		w.equal(w.value("SELECT email FROM users"), "ss1.abcd")
	}},
}

// sealed reports the errors that a record which is not what was written gives.
func sealed(err error) bool {
	return errors.Is(err, sealsql.ErrTampered) || errors.Is(err, sealsql.ErrNotSealed) || errors.Is(err, sealsql.ErrKeyNotFound)
}
