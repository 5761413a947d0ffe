package drivertest_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const narrowConfig = `  members:
    partition: {column: tenant, type: text}
    columns:
      mail: {search: {equality: {collation: binary, group: mail}}}
      nick: {search: {equality: {collation: binary, group: mail}}}
      name: {search: {equality: {collation: binary, normalize: [lower]}}}
      age: {type: integer, search: {range: {order: hidden}}}
      pay: {type: integer, accept_leakage: order, search: {equality: {}, range: {order: revealing}}}
      ok: {type: boolean, search: equality}
      bio: {search: {prefix: {lengths: [2], collation: binary}, contains: {length: 2, collation: binary}}}
      line: {search: {equality: {collation: binary}}}
    indexes:
      together: {columns: [mail, nick]}
  teams:
    partition: {column: tenant, type: text}
    columns:
      chief: {search: {equality: {collation: binary, group: mail}}}
`

var narrowTables = []string{
	"CREATE TABLE members (id {INT} PRIMARY KEY, tenant {OWNER} NOT NULL, mail {TEXT}, nick {TEXT}, name {TEXT}, age INTEGER, pay INTEGER, ok BOOLEAN, bio {TEXT}, line {TEXT}, note {TEXT})",
	"CREATE TABLE teams (id {INT} PRIMARY KEY, tenant {OWNER} NOT NULL, chief {TEXT})",
	"CREATE TABLE visits (id {INT} PRIMARY KEY, member {INT}, memo {TEXT})",
}

// narrowings are statements under a context's partition. What stands in double
// brackets is written by hand, for the plain tables alone; "[[:m]]" is the
// condition of a table called so.
var narrowings = []search{
	{"SELECT id FROM members m WHERE [[(]]mail = ? OR id > 8[[) AND :m]]", []any{"x"}},
	{"SELECT id, mail, nick FROM members m WHERE [[(]]mail <> ?[[) AND :m]]", []any{"x"}},
	{"SELECT m.* FROM members m WHERE [[(]]NOT (mail = ? AND id > 3)[[) AND :m]]", []any{"y"}},
	{"SELECT id FROM members m WHERE [[(]]mail NOT IN (?, 'z') OR mail IS NULL[[) AND :m]]", []any{"x"}},
	{"SELECT id, CASE mail WHEN ? THEN 1 ELSE 0 END AS k FROM members m[[ WHERE :m]]", []any{"x"}},
	{"SELECT id FROM members m WHERE [[(]]NOT age < ?[[) AND :m]]", []any{5}},
	{"SELECT id FROM members m WHERE [[(]]age NOT BETWEEN ? AND 20 OR pay < 3[[) AND :m]]", []any{2}},
	{"SELECT id, pay FROM members m WHERE [[(]]pay >= ?[[) AND :m]] ORDER BY pay, id LIMIT 3", []any{2}},
	{"SELECT max(pay), min(pay) FROM members m[[ WHERE :m]]", nil},
	{"SELECT count(DISTINCT mail), count(*) FROM members m[[ WHERE :m]]", nil},
	{"SELECT mail, count(*) FROM members m[[ WHERE :m]] GROUP BY mail HAVING count(*) > 1", nil},
	{"SELECT DISTINCT mail, nick FROM members m[[ WHERE :m]]", nil},
	{"SELECT mail FROM members m[[ WHERE :m]] UNION SELECT chief FROM teams t WHERE [[(]]id > 1 OR id = 1[[) AND :t]]", nil},
	{"SELECT mail FROM members m[[ WHERE :m]] EXCEPT SELECT chief FROM teams t[[ WHERE :t]]", nil},
	{"SELECT id, row_number() OVER (PARTITION BY mail ORDER BY id) AS n FROM members m[[ WHERE :m]]", nil},
	{"SELECT m.id, n.id FROM members m JOIN members n ON m.mail = n.nick[[ WHERE :m AND :n]]", nil},
	{"SELECT m.id, t.id FROM members m, teams t WHERE [[(]]m.mail = t.chief OR m.id = t.id[[) AND :m AND :t]]", nil},
	{"SELECT m.id, t.id FROM members m LEFT JOIN teams t ON [[(]]t.chief <> m.mail OR t.id = m.id[[) AND :t]][[ WHERE :m]]", nil},
	{"SELECT v.id, m.id FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member AND m.mail <> ?[[) AND :m]]", []any{"x"}},
	{"SELECT v.id, m.id FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member[[) AND :m]] WHERE m.mail IS DISTINCT FROM 'x' OR v.id > 2", nil},
	{"SELECT v.id, m.id FROM members m RIGHT JOIN visits v ON [[(]](m.id = v.member) OR (m.mail = ?)[[) AND :m]]", []any{"y"}},
	{"SELECT v.id, m.id, t.id FROM visits v LEFT JOIN (members m JOIN teams t ON m.mail = t.chief) ON [[(]]m.id = v.member OR t.id = v.id[[) AND :m AND :t]]", nil},
	{"SELECT v.id, m.id, n.id FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member[[) AND :m]] LEFT JOIN members n ON [[(]]n.mail = m.mail AND n.id <> m.id[[) AND :n]] WHERE v.id < 9", nil},
	{"SELECT a.id, mail, b.id FROM members a LEFT JOIN members b USING (mail) WHERE [[(]]a.id > ?[[) AND :a]][[ AND (b.id IS NULL OR :b)]]", []any{1}},
	{"SELECT v.id FROM visits v WHERE NOT EXISTS (SELECT 1 FROM members m WHERE [[(]]mail = ? AND id = v.member[[) AND :m]])", []any{"x"}},
	{"SELECT m.id FROM members m WHERE [[(]]m.mail NOT IN (SELECT chief FROM teams t WHERE [[(]]t.id > 1[[) AND :t]])[[) AND :m]]", nil},
	{"SELECT m.id FROM members m WHERE [[(]]m.mail <> (SELECT chief FROM teams t WHERE [[(]]t.id = ?[[) AND :t]])[[) AND :m]]", []any{1}},
	{"SELECT d.id FROM (SELECT id, mail FROM members m WHERE [[(]]id > 2 OR id = 1[[) AND :m]]) d WHERE d.mail <> ?", []any{"x"}},
	{"WITH c AS (SELECT id, mail FROM members m[[ WHERE :m]]) SELECT v.id FROM visits v WHERE v.member NOT IN (SELECT id FROM c WHERE mail = ?)", []any{"x"}},
	{"SELECT v.id, (SELECT max(m.id) FROM members m WHERE [[(]]m.mail <> ? AND m.id <= v.member[[) AND :m]]) AS k FROM visits v", []any{"x"}},
	{"SELECT id FROM members m WHERE [[(]]mail = ? AND nick = 'x' OR id = 3[[) AND :m]]", []any{"y"}},
	{"SELECT id, name FROM members m WHERE [[(]]name = ?[[) AND :m]]", []any{"Ada"}},
	{"SELECT id, bio FROM members m WHERE [[(]]bio LIKE ?[[) AND :m]]", []any{"ab%"}},
	{"SELECT id, bio FROM members m WHERE [[(]]bio NOT LIKE ?[[) AND :m]]", []any{"%bc%"}},
	{"SELECT id FROM members m WHERE [[(]]line LIKE ?[[) AND :m]]", []any{"_i%"}},
	{"SELECT count(*) FROM members m WHERE [[(]]bio LIKE ? OR id = 4[[) AND :m]]", []any{"ab%"}},
	{"SELECT count(*) FROM members m WHERE [[(]]bio NOT LIKE ?[[) AND :m]]", []any{"ab%"}},
	{"SELECT v.id, m.id FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member AND m.bio LIKE ?[[) AND :m]]", []any{"%bc%"}},
	{"SELECT count(*) FROM members m LEFT JOIN members n ON [[(]]n.nick = m.mail AND n.bio NOT LIKE ?[[) AND :n]][[ WHERE :m]]", []any{"ab%"}},
	{"SELECT count(*) FROM members m LEFT JOIN members n ON [[(]]n.id > m.id OR n.bio LIKE ?[[) AND :n]] WHERE [[(]]m.bio LIKE 'a%' OR m.id = 6[[) AND :m]]", []any{"ab%"}},
	{"SELECT m.id, CASE WHEN m.bio LIKE ? THEN 1 ELSE 0 END AS k FROM members m[[ WHERE :m]]", []any{"ab%"}},
	{"SELECT tenant, count(*) FROM members GROUP BY tenant, mail", nil},
	{"UPDATE members AS m SET note = 'n1' WHERE [[(]]mail <> ? OR id = 1[[) AND :m]]", []any{"x"}},
	{"UPDATE members AS m SET note = CASE WHEN mail = ? THEN 'yes' ELSE 'no' END[[ WHERE :m]]", []any{"x"}},
	{"UPDATE visits AS v SET memo = 'none' WHERE NOT EXISTS (SELECT 1 FROM members m WHERE [[(]]m.id = v.member AND m.mail = ?[[) AND :m]])", []any{"y"}},
	{"UPDATE members AS m SET note = 'like' WHERE [[(]]bio LIKE ? OR id = 1[[) AND :m]]", []any{"ab%"}},
	{"DELETE FROM members WHERE [[(]]pay > ? AND id > 9[[) AND :members]]", []any{4}},
	{"DELETE FROM members WHERE [[(]]mail <> ? AND id > 7[[) AND :members]]", []any{"x"}},
}

var narrowingsOnly = map[rewrite.Dialect][]search{
	rewrite.Postgres: {
		{"SELECT m.id FROM members m WHERE [[(]]mail <> ? OR id = 1[[) AND :m]] ORDER BY id LIMIT 2 FOR UPDATE", []any{"x"}},
		{"SELECT DISTINCT ON (mail) mail FROM members m[[ WHERE :m]]", nil},
		{"SELECT id FROM members m WHERE [[(]]ok[[) AND :m]]", nil},
		{"SELECT v.id, l.id FROM visits v LEFT JOIN LATERAL (SELECT id FROM members m WHERE [[(]]m.id = v.member AND m.mail <> ?[[) AND :m]]) l ON TRUE", []any{"x"}},
		{"UPDATE members m SET note = t.chief_note FROM (SELECT id, 'l' AS chief_note, chief FROM teams t[[ WHERE :t]]) t WHERE [[(]]t.chief = m.mail OR t.id = m.id[[) AND :m]]", nil},
		{"DELETE FROM visits v USING members m WHERE [[(]]m.id = v.member AND m.mail <> ?[[) AND :m]]", []any{"x"}},
		{"MERGE INTO members m USING visits v ON [[(]]m.id = v.member AND m.mail <> ?[[) AND :m]] WHEN MATCHED THEN UPDATE SET note = 'merged' WHEN NOT MATCHED THEN DO NOTHING", []any{"y"}},
		{"WITH gone AS (DELETE FROM members m WHERE [[(]]mail <> ? AND id > 6[[) AND :m]] RETURNING id) SELECT id FROM gone", []any{"z"}},
	},
	rewrite.MySQL: {
		{"SELECT m.id FROM members m WHERE [[(]]mail <> ? OR id = 1[[) AND :m]] ORDER BY id LIMIT 2 FOR UPDATE", []any{"x"}},
		{"SELECT id FROM members m WHERE [[(]]ok AND NOT pay[[) AND :m]]", nil},
		{"UPDATE members m JOIN visits v ON v.member = m.id SET v.memo = 'j', m.note = 'j' WHERE [[(]]m.mail <> ?[[) AND :m]]", []any{"x"}},
		{"UPDATE members m SET note = 'two' WHERE [[(]]mail <> ?[[) AND :m]] ORDER BY id LIMIT 2", []any{"x"}},
		{"DELETE v FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member AND m.mail = ?[[) AND :m]] WHERE m.id IS NULL AND v.id > 2", []any{"x"}},
		{"DELETE m FROM members m JOIN teams t ON m.mail = t.chief WHERE [[(]]m.id > 5[[) AND :m AND :t]]", nil},
		{"DELETE FROM members WHERE [[(]]mail <> ? OR id = 1[[) AND :members]] ORDER BY id LIMIT 1", []any{"x"}},
	},
	rewrite.SQLite: {
		{"UPDATE members AS m SET note = 'from' FROM teams AS t WHERE [[(]]t.chief = m.mail OR t.id = m.id[[) AND :m AND :t]]", nil},
		{"SELECT id, mail FROM members m WHERE [[(]]?1 <> mail OR id = ?2[[) AND :m]]", []any{"x", 1}},
		{"SELECT v.id, m.id FROM visits v LEFT JOIN members m ON [[(]]m.id = v.member[[) AND :m]] WHERE m.mail IS NOT 'x'", nil},
	},
}

var (
	byHand    = regexp.MustCompile(`\[\[([^\]]*)\]\]`)
	ofTenant  = regexp.MustCompile(`:(\w+)`)
	afterEach = []string{"SELECT id, tenant, note FROM members ORDER BY id", "SELECT * FROM visits ORDER BY id", "SELECT id, tenant FROM teams ORDER BY id"}
)

// TestTablesShowThePartitionOfTheContext holds every kind of statement under a
// context's partition against the plain one in which the condition is written by
// hand. Rows of two tenants hold the same values.
func TestTablesShowThePartitionOfTheContext(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.narrowTwins(t)
			for _, list := range [][]search{narrowings, narrowingsOnly[e.dialect]} {
				for _, q := range list {
					for _, tenant := range []string{"a", "b"} {
						x.narrowed(tenant, q)
					}
				}
			}
			x.w.silent("a statement within a partition")
		})
	}
}

func (e engine) narrowTwins(t *testing.T) *twins {
	t.Helper()
	x := e.searchTwinsWith(t, narrowConfig, narrowTables...)
	for i := range 12 {
		tenant, k := []string{"a", "b"}[i%2], i/2
		if i > 9 {
			k = i
		}
		x.both("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'n')", i, tenant, []any{"x", "y", nil, "x", "z"}[k%5], []any{"y", "x", "x", nil}[k%4],
			[]any{"Ada", "ADA", "Bob"}[k%3], k*3, k, []any{true, false, nil}[k%3], []any{"abc", "bcd", nil, "xab"}[k%4], []any{"lion", "tiger", "cat"}[k%3])
		x.both("INSERT INTO visits VALUES (?, ?, 'v')", i, i)
	}
	for i, tenant := range []string{"a", "b", "a", "b"} {
		x.both("INSERT INTO teams VALUES (?, ?, ?)", i, tenant, []string{"x", "y"}[i/2])
	}
	return x
}

// narrowed compares one statement, and what it has changed.
func (x *twins) narrowed(tenant string, q search) {
	x.t.Helper()
	ctx := sealsql.WithPartition(context.Background(), tenant)
	ours := x.w.bind(byHand.ReplaceAllString(q.text, ""))
	plain := x.w.bind(ofTenant.ReplaceAllString(byHand.ReplaceAllString(q.text, "$1"), "$1.tenant = '"+tenant+"'"))
	if x.w.dialect == rewrite.MySQL {
		plain = strings.ReplaceAll(plain, "m.mail IS DISTINCT FROM 'x'", "NOT (m.mail <=> 'x')")
		ours = strings.ReplaceAll(ours, "m.mail IS DISTINCT FROM 'x'", "NOT (m.mail <=> 'x')")
	}
	if strings.HasPrefix(q.text, "SELECT") {
		for _, prepared := range []bool{false, true} {
			want, wantErr := sortedRows(context.Background(), x.plain, prepared, plain, q.args)
			got, gotErr := sortedRows(ctx, x.w.db, prepared, ours, q.args)
			if wantErr != nil || gotErr != nil || !reflect.DeepEqual(got, want) {
				x.t.Errorf("%s as %s:\n got %v (%v)\nwant %v (%v)", ours, tenant, got, gotErr, want, wantErr)
			}
		}
		return
	}
	want, wantErr := x.plain.Exec(plain, q.args...)
	got, gotErr := x.w.db.ExecContext(ctx, ours, q.args...)
	if wantErr != nil || gotErr != nil {
		x.t.Errorf("%s as %s: got %v, want %v", ours, tenant, gotErr, wantErr)
		return
	}
	n, _ := got.RowsAffected()
	if m, _ := want.RowsAffected(); n != m {
		x.t.Errorf("%s as %s: %d rows, want %d", ours, tenant, n, m)
	}
	for _, s := range afterEach {
		x.query(s)
	}
}

func sortedRows(ctx context.Context, db *sql.DB, prepared bool, text string, args []any) ([][]any, error) {
	run := func() (*sql.Rows, error) { return db.QueryContext(ctx, text, args...) }
	if prepared {
		st, err := db.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		defer st.Close()
		run = func() (*sql.Rows, error) { return st.QueryContext(ctx, args...) }
	}
	a, err := answerOf(run)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(text, "ORDER BY pay") {
		slices.SortFunc(a.rows, func(r, s []any) int { return cmp.Compare(fmt.Sprint(r...), fmt.Sprint(s...)) })
	}
	return a.rows, nil
}
