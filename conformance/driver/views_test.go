package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// flowViews are made through both drivers.
var flowViews = []string{
	"CREATE VIEW people AS SELECT id, ssn, note FROM users WHERE id > 0",
	"CREATE VIEW everything AS SELECT * FROM users WHERE id > 0",
	"CREATE VIEW renamed (k, number, mail) AS SELECT id, ssn, email FROM users",
	"CREATE VIEW ordered AS SELECT o.id, u.email, o.memo FROM orders o JOIN users u ON u.id = o.user_id",
	"CREATE VIEW counted AS SELECT note, count(ssn) AS n FROM users GROUP BY note",
	"CREATE VIEW nested AS SELECT number AS x, k FROM renamed",
	"CREATE VIEW twofold AS SELECT id, ssn FROM users UNION ALL SELECT id, email FROM users",
	"CREATE VIEW chosen AS SELECT id, CASE WHEN id > 2 THEN ssn ELSE email END AS s FROM users",
	"CREATE VIEW secrets AS SELECT tenant, id, secret FROM tenants",
	"CREATE VIEW ofa AS SELECT id, secret FROM tenants WHERE tenant = 'a'",
}

var viewQueries = []string{
	"SELECT * FROM people ORDER BY id", "SELECT * FROM everything ORDER BY id", "SELECT p.ssn, p.note FROM people p WHERE p.id = 2", "SELECT number, mail AS m FROM renamed ORDER BY k", "SELECT * FROM renamed ORDER BY k",
	"SELECT email, memo FROM ordered ORDER BY id", "SELECT note, n FROM counted ORDER BY note", "SELECT x FROM nested ORDER BY k", "SELECT x FROM nested WHERE k IN (SELECT id FROM people) ORDER BY k",
	"SELECT ssn FROM twofold WHERE id = 1", "SELECT s FROM chosen ORDER BY id", "SELECT * FROM secrets ORDER BY tenant, id", "SELECT secret FROM secrets ORDER BY tenant, id", "SELECT secret FROM secrets WHERE tenant = 'b' ORDER BY id",
	"SELECT secret FROM ofa ORDER BY id", "SELECT COALESCE(number, {M}) AS c FROM renamed ORDER BY k", "SELECT count(ssn) FROM people WHERE ssn IS NOT NULL",
	"WITH c AS (SELECT * FROM people) SELECT c.ssn, u.email FROM c JOIN users u ON u.id = c.id ORDER BY c.id",
}

// viewChanges write through views; SQLite does not.
var viewChanges = []string{
	"INSERT INTO people (id, ssn, note) VALUES (100, {M}, 'n')", "INSERT INTO renamed (k, number, mail) SELECT 100, {M}, {M}", "INSERT INTO secrets (tenant, id, secret) VALUES ('b', 100, {M})",
	"UPDATE renamed SET number = {M}, mail = COALESCE(mail, {M}) WHERE k = 2", "UPDATE secrets SET secret = {M} WHERE tenant = 'a' AND id = 2", "UPDATE ofa SET secret = {M} WHERE id = 2", "DELETE FROM people WHERE id = 3", "INSERT INTO archive (id, ssn) SELECT k, number FROM renamed",
}

var refusedOnViews = []string{
	"SELECT id FROM people WHERE ssn = {M}", "INSERT INTO ordered (email) VALUES ({M})", "UPDATE nested SET x = {M}", "INSERT INTO chosen (id, s) VALUES (9, {M})", "SELECT k FROM renamed ORDER BY number", "INSERT INTO twofold (id, ssn) VALUES (9, {M})",
	"UPDATE secrets SET secret = {M} WHERE id = 2", "INSERT INTO renamed (k, number) VALUES (9, upper({M}))",
}

// TestViews compares statements on views over encrypted tables.
func TestViews(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.flowTwins(t)
			for _, v := range flowViews {
				x.both(v)
			}
			for _, q := range viewQueries {
				for _, f := range x.constants(q) {
					x.flowQuery(f.text, f.args)
				}
			}
			for _, s := range refusedOnViews {
				x.w.refused(s)
			}
			if e.dialect == rewrite.SQLite {
				for _, s := range viewChanges[:len(viewChanges)-1] {
					x.w.refused(s)
				}
				return
			}
			for _, c := range viewChanges {
				for _, f := range x.constants(c) {
					x.change(f.text, f.args, false)
					x.change(f.text, f.args, true)
				}
			}
			w := e.flowTwins(t).w
			for _, v := range flowViews {
				w.exec(v)
			}
			for _, c := range append(viewChanges[:len(viewChanges):len(viewChanges)], viewQueries...) {
				if strings.Contains(c, "{M}") {
					w.quiet(c)
				}
			}
		})
	}
}

// TestViewsMadeByOthers reads views that another process made, in ways that
// only the catalog tells, and refuses those that would show or take plaintext.
func TestViewsMadeByOthers(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.open(t, usersConfig, usersTable)
			w.seed()
			for _, v := range []string{
				"CREATE VIEW plain AS SELECT * FROM users", "CREATE VIEW uppered AS SELECT id, upper(ssn) AS ssn FROM users", "CREATE VIEW beside AS SELECT id, coalesce(note, 'x') AS ssn, ssn AS note FROM users",
				"CREATE VIEW filtered AS SELECT id FROM users WHERE ssn IS NOT NULL", "CREATE VIEW fallback AS SELECT id, coalesce(email, ssn) AS s FROM users",
			} {
				if e.dialect == rewrite.Postgres {
					v = strings.Replace(v, "upper(ssn)", "encode(ssn, 'hex')", 1)
				}
				w.other(v)
			}
			outlive(catalogAge)
			w.equal(w.value("SELECT ssn FROM plain"), w.value("SELECT ssn FROM users"))
			w.equal(w.value("SELECT note FROM beside"), w.value("SELECT ssn FROM users"))
			w.equal(w.value("SELECT count(*) FROM filtered"), int64(1))
			w.equal(w.value("SELECT s FROM fallback"), w.value("SELECT email FROM users"))
			w.refused("SELECT ssn FROM uppered", rewrite.ReasonView)
			w.refused("UPDATE beside SET note = upper({M})")
			w.refused("SELECT * FROM beside WHERE note = {M}")
		})
	}
}

// TestChildren uses the parts of a partitioned table by their names.
func TestChildren(t *testing.T) {
	t.Parallel()
	w := onPostgres.open(t, usersConfig,
		"CREATE TABLE users (id integer, tenant text, ssn bytea, email bytea, note text) PARTITION BY RANGE (id)",
		"CREATE TABLE users_low PARTITION OF users FOR VALUES FROM (0) TO (100)",
		"CREATE TABLE users_high PARTITION OF users FOR VALUES FROM (100) TO (200)")
	w.exec("INSERT INTO users_low (id, ssn) VALUES (1, ?)", w.mark)
	w.exec("INSERT INTO users (id, ssn) VALUES (101, ?)", w.mark)
	w.exec("INSERT INTO users_high VALUES (102, 'a', ?, NULL, 'n')", w.mark)
	w.exec("UPDATE users_high SET email = ? WHERE id = 102", w.mark)
	w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), w.mark)
	w.equal(w.value("SELECT ssn FROM users_high WHERE id = 101"), w.mark)
	w.equal(w.value("SELECT email FROM users_high WHERE id = 102"), w.mark)
	w.equal(w.value("SELECT count(*) FROM users_low WHERE ssn IS NOT NULL"), int64(1))
	w.refused("SELECT id FROM users_low WHERE ssn = {M}", rewrite.ReasonPredicate)
	w.refused("INSERT INTO users_low (id, note) SELECT id, ssn FROM users", rewrite.ReasonSealedToClear)
	w.quiet("INSERT INTO users_low (id, ssn) VALUES (7, {M})")
}
