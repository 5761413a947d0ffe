package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// indexedViews are made in the plain database as they stand here, and past the
// driver, with what is in braces, in the other.
var indexedViews = []string{
	"CREATE VIEW shown AS SELECT id, ssn AS number, email, note{, ssn_bidx, email_bidx} FROM users",
	"CREATE VIEW over_shown AS SELECT number AS n, id{, ssn_bidx AS x} FROM shown",
	"CREATE VIEW pairs AS SELECT u.id, u.email, c.mail, c.label{, u.email_bidx, c.mail_bidx} FROM users u LEFT JOIN contacts c ON c.id = u.id * 10",
	"CREATE VIEW shares AS SELECT id, tenant, secret, code{, secret_bidx, code_bidx} FROM tenants",
	"CREATE VIEW ofa AS SELECT id, secret{, secret_bidx} FROM tenants WHERE tenant = 'a'",
}

var indexedViewQueries = []string{
	"SELECT id, number FROM shown WHERE number = '111' ORDER BY id", "SELECT id FROM shown WHERE number <> '111' ORDER BY id", "SELECT id FROM shown s WHERE s.number IN ('222', 'x') ORDER BY id",
	"SELECT * FROM shown WHERE email = 'u3@example.com'", "SELECT n, id FROM over_shown WHERE n = '222' ORDER BY id", "SELECT count(*) FROM shown WHERE number IS NULL OR number = '111'",
	"SELECT id, mail FROM pairs WHERE mail = 'u2@example.com' ORDER BY id", "SELECT id FROM pairs WHERE email = mail ORDER BY id", "SELECT p.id FROM pairs p JOIN users u ON u.email = p.mail ORDER BY p.id, u.id",
	"SELECT count(*) FROM shown GROUP BY number ORDER BY 1", "SELECT number, count(*) AS n, min(id) AS k FROM shown GROUP BY number ORDER BY k", "SELECT count(DISTINCT number) FROM shown", "SELECT id FROM users WHERE ssn IN (SELECT number FROM shown WHERE id < 3) ORDER BY id",
	"SELECT d.id FROM (SELECT id, number FROM shown) d WHERE d.number = '111' ORDER BY d.id", "SELECT id FROM ofa WHERE secret = 'x' ORDER BY id", "SELECT id FROM shares WHERE code = 'p' ORDER BY tenant, id",
}

var indexedViewChanges = []string{
	"INSERT INTO shown (id, number, email) VALUES (100, '333', 'n@example.com'), (101, NULL, NULL)", "UPDATE shown SET number = '444', note = 'n' WHERE number = '111'", "DELETE FROM shown WHERE email = 'u3@example.com'",
	"UPDATE shares SET secret = 'new', code = 'r' WHERE tenant = 'a' AND secret = 'x'", "INSERT INTO shares (id, tenant, secret) VALUES (50, 'b', 'w')", "UPDATE ofa SET secret = 'v' WHERE secret = 'x'",
}

// TestViewsThatShowIndexes compares searches of and writes to views that show
// the indexes of their columns.
func TestViewsThatShowIndexes(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.searchTwins(t)
			for _, v := range indexedViews {
				before, rest, _ := strings.Cut(v, "{")
				shown, after, _ := strings.Cut(rest, "}")
				if _, err := x.plain.Exec(before + after); err != nil {
					t.Fatal(err)
				}
				x.w.other(before + shown + after)
			}
			x.w.other("CREATE VIEW hidden AS SELECT id, ssn FROM users")
			outlive(catalogAge)
			for _, q := range indexedViewQueries {
				x.flowQuery(q, nil)
			}
			x.w.refused("SELECT id FROM hidden WHERE ssn = {M}", rewrite.ReasonPredicate)
			x.w.refused("SELECT id FROM shares WHERE secret = {M}", rewrite.ReasonPartition)
			x.w.refused("SELECT id FROM shown WHERE ssn_bidx = {M}")
			x.w.quiet("SELECT id FROM shown WHERE number = {M}")
			if e.dialect == rewrite.SQLite {
				x.w.refused("INSERT INTO shown (id, number) VALUES (100, {M})", rewrite.ReasonView)
				return
			}
			x.w.refused("INSERT INTO hidden (id, ssn) VALUES (100, {M})", rewrite.ReasonView)
			for _, c := range indexedViewChanges {
				x.searchChange(c, nil)
			}
			x.w.quiet("UPDATE shown SET number = {M} WHERE number = {M}")
			x.w.quiet("INSERT INTO shown (id, number) VALUES (200, {M})")
		})
	}
}

// TestMaterializedViews reads what PostgreSQL has materialized.
func TestMaterializedViews(t *testing.T) {
	t.Parallel()
	w := onPostgres.open(t, usersConfig, usersTable)
	w.seed()
	w.other("CREATE MATERIALIZED VIEW kept AS SELECT id, ssn AS number, note FROM users")
	w.other("CREATE MATERIALIZED VIEW encoded AS SELECT id, encode(ssn, 'hex') AS ssn FROM users")
	outlive(catalogAge)
	w.equal(w.value("SELECT number FROM kept"), w.value("SELECT ssn FROM users"))
	w.exec("UPDATE users SET ssn = ? WHERE id = 1", w.mark+"2")
	w.equal(w.value("SELECT number FROM kept WHERE id = 1"), "first")
	w.exec("REFRESH MATERIALIZED VIEW kept")
	w.equal(w.value("SELECT number FROM kept WHERE id = 1"), w.mark+"2")
	w.refused("SELECT id FROM kept WHERE number = {M}", rewrite.ReasonPredicate)
	w.refused("SELECT ssn FROM encoded", rewrite.ReasonView)
	w.refused("UPDATE kept SET number = {M}", rewrite.ReasonView)
	w.refused("CREATE MATERIALIZED VIEW m AS SELECT COALESCE(ssn, {M}) FROM users")
}

// nestedViews makes views over derived tables, common tables and united rows, and
// searches them.
func (x *twins) nestedViews() {
	for _, v := range []string{
		"CREATE VIEW deep AS SELECT d.id, d.number, e.email AS mail FROM (SELECT id, ssn AS number FROM users WHERE id > 0) d JOIN (SELECT * FROM users) e ON e.id = d.id",
		"CREATE VIEW common AS WITH c AS (SELECT id, ssn, email FROM users) SELECT c.id, c.ssn AS number, c.email AS mail FROM c",
		"CREATE VIEW united (id, mail) AS SELECT id, email FROM users UNION ALL SELECT id + 100, mail FROM contacts",
		"CREATE VIEW nested AS SELECT u.mail AS m, u.id FROM (SELECT mail, id FROM united) u",
	} {
		x.both(v)
	}
	for _, v := range []string{"deep", "common", "united"} {
		x.flowQuery("SELECT * FROM "+v+" ORDER BY id", nil)
		x.flowQuery("SELECT id FROM "+v+" WHERE mail = ? ORDER BY id", []any{"u2@example.com"})
		x.flowQuery("SELECT v.id, u.id FROM "+v+" v JOIN users u ON u.email = v.mail ORDER BY v.id, u.id", nil)
		x.flowQuery("SELECT count(*) FROM "+v+" GROUP BY mail ORDER BY 1", nil)
		x.w.quiet("SELECT id FROM " + v + " WHERE mail = {M}")
	}
	x.flowQuery("SELECT id FROM deep WHERE number = '111' ORDER BY id", nil)
	x.flowQuery("SELECT id, m FROM nested WHERE m IN ('u2@example.com', 'x') ORDER BY id", nil)
	x.w.refused("SELECT id FROM common WHERE sealsql_p1 = {M}")
}

// redefinedViews change the views of indexedViews through the driver, in this
// order. PostgreSQL keeps the order of columns.
var redefinedViews = map[rewrite.Dialect][]string{
	rewrite.Postgres: {
		"CREATE OR REPLACE VIEW shown AS SELECT id, ssn AS number, email, note, id + 1 AS next FROM users", "CREATE OR REPLACE VIEW shown AS SELECT id, ssn AS number, email, note, id + 1 AS next, email AS mail FROM users WHERE id > 0",
		"CREATE OR REPLACE VIEW listed (a, b) AS SELECT id, ssn FROM users", "ALTER VIEW listed RENAME TO enlisted", "ALTER VIEW enlisted RENAME COLUMN b TO c", "ALTER VIEW enlisted RENAME c TO b",
		"ALTER VIEW enlisted ALTER COLUMN a SET DEFAULT 7", "ALTER VIEW enlisted ALTER a DROP DEFAULT", "ALTER VIEW enlisted SET (security_barrier = true)", "ALTER VIEW IF EXISTS enlisted RENAME TO listed",
	},
	rewrite.MySQL: {
		"CREATE OR REPLACE VIEW shown AS SELECT id + 1 AS next, id, ssn AS number, email, note FROM users", "ALTER VIEW shown AS SELECT id, ssn AS number, email, note, email AS mail FROM users WHERE id > 0",
		"CREATE OR REPLACE VIEW listed (a, b) AS SELECT id, ssn FROM users",
	},
	rewrite.SQLite: {
		"DROP VIEW over_shown", "DROP VIEW shown", "CREATE VIEW shown AS SELECT id, ssn AS number, email, note, email AS mail FROM users WHERE id > 0", "CREATE VIEW over_shown (n, id) AS SELECT number AS n, id FROM shown",
		"CREATE VIEW IF NOT EXISTS listed (a, b) AS SELECT id, ssn FROM users",
	},
}

// TestViewsMadeThroughTheDriverShowIndexes makes the views of indexedViews, and
// others in their place, as a program does that knows of no index.
func TestViewsMadeThroughTheDriverShowIndexes(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.searchTwins(t)
			for _, v := range indexedViews {
				x.both(inBraces(v, false))
			}
			x.both("CREATE VIEW both_mails AS SELECT a.id, a.email, b.email AS other FROM users a JOIN users b ON b.id = a.id")
			x.both("CREATE VIEW grouped AS SELECT note, count(email) AS n FROM users GROUP BY note")
			for _, q := range indexedViewQueries {
				x.flowQuery(q, nil)
			}
			x.flowQuery("SELECT id FROM both_mails WHERE email = 'u3@example.com' AND other IN ('u3@example.com', 'x')", nil)
			x.flowQuery("SELECT * FROM both_mails ORDER BY id", nil)
			x.flowQuery("SELECT * FROM grouped ORDER BY n, note", nil)
			x.nestedViews()
			for _, v := range redefinedViews[e.dialect] {
				x.both(v)
			}
			for _, q := range []string{"SELECT * FROM shown ORDER BY id", "SELECT id FROM shown WHERE mail = 'u3@example.com' OR number = '111' ORDER BY id", "SELECT n FROM over_shown WHERE n = '222' ORDER BY id", "SELECT a, b FROM listed WHERE b = '111' ORDER BY a", "SELECT * FROM listed ORDER BY a"} {
				x.flowQuery(q, nil)
			}
			x.w.quiet("SELECT id FROM shown WHERE number = {M}")
			x.w.refused("SELECT number_bidx FROM shown WHERE ssn_bidx = {M}")
			x.w.refused("SELECT n FROM grouped WHERE n = (SELECT count(*) FROM users WHERE upper(email) = {M})")
			if e.dialect != rewrite.SQLite {
				x.searchChange("UPDATE listed SET b = '444' WHERE b = '111'", nil)
				x.w.quiet("INSERT INTO listed (a, b) VALUES (200, {M})")
			}
		})
	}
}
