package drivertest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/rewrite"
	mysqlfront "github.com/sealsql/sealsql/rewrite/mysql"
	sqlitefront "github.com/sealsql/sealsql/rewrite/sqlite"
)

const likeConfig = head + `tables:
  people:
    columns:
      name: {search: {prefix: {lengths: [1, 3], collation: binary}}}
      phone: {search: {suffix: {lengths: [4], collation: binary, normalize: [digits]}}}
      bio: {search: {contains: {collation: binary}}}
      mail: {search: {equality: {collation: binary}, prefix: {lengths: [2], collation: binary}, suffix: {collation: binary}, contains: {length: 2, collation: binary}}}
  notes:
    partition: {column: tenant, type: text}
    columns:
      body: {search: {contains: {collation: binary}}}
      tag: {search: {prefix: {lengths: [2], scope: table, collation: binary}}}
`

var likeTables = []string{
	"CREATE TABLE people (id {INT} PRIMARY KEY, name {STR}, phone {STR}, bio {STR}, mail {STR}, kind {TEXT})",
	"CREATE TABLE notes (id {INT} NOT NULL, tenant {OWNER} NOT NULL, body {STR}, tag {STR}, PRIMARY KEY (tenant, id))",
}

func (e engine) likeTwins(t *testing.T) *twins {
	t.Helper()
	x := &twins{t: t, w: e.open(t, strings.ReplaceAll(likeConfig, "guards: off", "guards: require"))}
	x.plain = e.open(t, likeConfig).plain
	for _, s := range likeTables {
		plain, sealed := "VARCHAR(200) COLLATE utf8mb4_bin", "VARCHAR(200)"
		if e.dialect != rewrite.MySQL {
			plain = sealed
		}
		text := x.w.text(s)
		if _, err := x.plain.Exec(strings.ReplaceAll(text, "{STR}", plain)); err != nil {
			t.Fatal(err)
		}
		if _, err := x.w.db.Exec(strings.ReplaceAll(text, "{STR}", sealed)); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range [][4]any{
		{"Ada Lovelace", "+44 20 7946 0018", "wrote the first program 100% by hand", "ada@example.com"},
		{"ada", "020-7946-0018", "a_b and a%b", "ADA@EXAMPLE.COM"},
		{"Grüße", "1234", "Die Größe ist groß", "grus@example.org"},
		{"GRÜSSE", nil, "say \\ twice", "x"},
		{"", "", "", ""},
		{nil, nil, nil, nil},
		{"Adam", "555 1234", "the Program of the programme", "adam@mail.example"},
		{"Zoë", "٤٤12", "日本語のテキスト", "zoe@example.com"},
		{"%odd_", "99", "odd % and _", "%@example.com"},
		{"  blank", "4321 ", " the  end ", "b@example.com "},
	} {
		x.both("INSERT INTO people (id, name, phone, bio, mail, kind) VALUES (?, ?, ?, ?, ?, ?)", i+1, p[0], p[1], p[2], p[3], []string{"x", "y"}[i%2])
		if i%2 == 0 {
			x.both("INSERT INTO notes (id, tenant, body, tag) VALUES (?, 'a', ?, ?)", i, p[2], p[0])
		} else {
			x.both("INSERT INTO notes VALUES (?, 'b', ?, ?)", i, p[2], p[0])
		}
	}
	return x
}

// patterns are compared by the fragment indexes; the plain tables know which
// rows match.
var patterns = []struct {
	text string
	args []any
}{
	{"SELECT id, name FROM people WHERE name LIKE ? ORDER BY id", []any{"Ada%"}},
	{"SELECT id, name FROM people WHERE name LIKE 'ada%' ORDER BY id", nil},
	{"SELECT id FROM people WHERE name LIKE ? ORDER BY id", []any{"A%a%"}},
	{"SELECT id FROM people WHERE name LIKE ? ORDER BY id", []any{"Gr_ße"}},
	{"SELECT id FROM people WHERE name LIKE ? ORDER BY id", []any{"Ada Lovelace"}},
	{"SELECT id FROM people WHERE name LIKE ? ORDER BY id", []any{"  b%"}},
	{"SELECT id FROM people WHERE name LIKE ? ORDER BY id", []any{nil}},
	{"SELECT id FROM people WHERE name LIKE ? ESCAPE '!' ORDER BY id", []any{"!%odd!_"}},
	{"SELECT * FROM people WHERE phone LIKE ? ORDER BY id", []any{"%0018"}},
	{"SELECT id FROM people WHERE phone LIKE '%5 1234' ORDER BY id", nil},
	{"SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", []any{"%program%"}},
	{"SELECT id, bio FROM people p WHERE p.bio LIKE ? AND p.kind = 'x' ORDER BY p.id DESC", []any{"%Program%"}},
	{"SELECT bio FROM people WHERE (bio LIKE ?) AND id > ? ORDER BY id", []any{"%the%", 2}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id", []any{"%the%end%"}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id", []any{"wr%hand"}},
	{"SELECT id FROM people WHERE bio LIKE ? ESCAPE '!' ORDER BY id", []any{"%100!%%"}},
	{"SELECT id FROM people WHERE bio LIKE ? ESCAPE '!' ORDER BY id", []any{"%a!_b%"}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id", []any{"%röß%"}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id", []any{"%テキス%"}},
	{"SELECT id FROM people WHERE bio NOT LIKE ? ORDER BY id", []any{"%program%"}},
	{"SELECT id FROM people WHERE name NOT LIKE '%' ORDER BY id", nil},
	{"SELECT id FROM people WHERE mail LIKE ? ORDER BY id", []any{"%example%"}},
	{"SELECT id FROM people WHERE mail LIKE ? ORDER BY id", []any{"ad%"}},
	{"SELECT id FROM people WHERE mail LIKE ? ORDER BY id", []any{"%com"}},
	{"SELECT id FROM people WHERE mail LIKE ? AND mail LIKE ? ORDER BY id", []any{"%@ex%", "%.com"}},
	{"SELECT id, mail FROM people WHERE mail LIKE ? AND name LIKE ? ORDER BY id", []any{"%@ex%", "Z%"}},
	{"SELECT id FROM people WHERE mail LIKE ? AND mail = ? ORDER BY id", []any{"%@ex%", "ada@example.com"}},
	{"SELECT p.id, n.id, n.body FROM people p JOIN notes n ON n.id = p.id WHERE p.bio LIKE ? AND n.tenant = ? AND n.body LIKE ? ORDER BY p.id", []any{"%the%", "a", "%the%"}},
	{"SELECT id, tenant, body FROM notes WHERE tenant = ? AND body LIKE ? ORDER BY id", []any{"a", "%the%"}},
	{"SELECT id, name FROM people WHERE name LIKE ? ORDER BY id LIMIT 1", []any{"A%"}},
	{"SELECT id FROM people WHERE bio LIKE '%program%' ORDER BY id LIMIT 1", nil},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT ?", []any{"%program%", 5}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT 2 OFFSET 1", []any{"%the%"}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT ? OFFSET ?", []any{"%the%", 1, 1}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT ? OFFSET ?", []any{"%the%", 0, 0}},
	{"SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT 10 OFFSET 7", []any{"%the%"}},
	{"SELECT id, kind FROM people WHERE id < ? AND bio LIKE ? ORDER BY id LIMIT ?", []any{2000, "%the%", 2000}},
	{"SELECT id, tag FROM notes WHERE tag LIKE ? ORDER BY tenant, id", []any{"Ad%"}},
}

var patternChanges = []struct {
	text string
	args []any
}{
	{"UPDATE people SET bio = ? WHERE id = 1", []any{"the programme of 2026"}},
	{"UPDATE people SET bio = NULL WHERE id = 7", nil},
	{"UPDATE people SET bio = 'the one program' WHERE id IN (3, 4)", nil},
	{"DELETE FROM people WHERE id = 4", nil},
	{"INSERT INTO people (id, bio) VALUES (4, 'again the program')", nil},
	{"INSERT INTO people VALUES (11, 'Adele', '0018', 'the end', 'adele@example.com', 'z')", nil},
}

// TestLike compares LIKE over fragment indexes with LIKE of plain tables, in
// every mode of the drivers, and shows that no pattern goes out.
func TestLike(t *testing.T) {
	t.Parallel()
	for _, e := range everyMode {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.likeTwins(t)
			for _, q := range patterns {
				x.query(q.text, q.args...)
			}
			if e.dialect == rewrite.Postgres {
				x.query("SELECT id FROM people WHERE name ILIKE ? ORDER BY id", "ADA%")
				x.query("SELECT id FROM people WHERE bio ILIKE ? ORDER BY id", "%PROGRAM%")
				x.query("SELECT id FROM people WHERE bio NOT ILIKE ? ORDER BY id", "%PROGRAM%")
				x.query("SELECT id FROM people WHERE bio LIKE ? ORDER BY id OFFSET 1", "%the%")
				x.query("SELECT id FROM people WHERE bio LIKE ? ORDER BY id FETCH FIRST 1 ROW ONLY", "%program%")
				x.query("SELECT id FROM people WHERE bio LIKE ? ORDER BY id LIMIT ?", "%the%", nil)
				x.w.refused("SELECT id FROM people WHERE bio LIKE '%the%' ORDER BY id FETCH FIRST 1 ROW WITH TIES", rewrite.ReasonPredicate)
				x.query("SELECT id FROM people WHERE bio::text LIKE ?::text ORDER BY id", "%gram%")
			}
			for _, c := range patternChanges {
				x.both(c.text, c.args...)
				x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%program%")
				x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%the%")
			}
			w := x.w
			w.exec("INSERT INTO people (id, name, bio) VALUES (500, ?, ?)", w.mark, "x"+w.mark+"y")
			w.holds("SELECT id FROM people WHERE name LIKE '"+w.mark+"%' AND bio LIKE '%"+w.mark+"%'", [][]any{{int64(500)}})
			w.silent("a pattern")
		})
	}
}

// TestLikeIsRefusedWhereItWouldBeWrong lists the places where rows that do not
// match could not be left out, and patterns that no index has anything for.
func TestLikeIsRefusedWhereItWouldBeWrong(t *testing.T) {
	t.Parallel()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			x := e.likeTwins(t)
			w := x.w
			for _, s := range []string{
				"SELECT count(*) FROM people WHERE name LIKE {M}", "SELECT DISTINCT id FROM people WHERE name LIKE {M}",
				"SELECT id FROM people WHERE name LIKE {M} OR id = 1", "SELECT id FROM people WHERE NOT (name LIKE {M})",
				"DELETE FROM people WHERE name LIKE {M}", "UPDATE people SET kind = 'q' WHERE bio LIKE {M}",
				"SELECT id FROM notes n WHERE EXISTS (SELECT 1 FROM people p WHERE p.name LIKE {M})",
				"SELECT id FROM people WHERE name LIKE {M} UNION ALL SELECT 1", "SELECT kind, max(id) FROM people WHERE name LIKE {M} GROUP BY kind",
				"SELECT n.id FROM notes n LEFT JOIN people p ON p.name LIKE {M}", "SELECT id FROM (SELECT id FROM people WHERE name LIKE {M}) d",
				"SELECT CASE WHEN name LIKE {M} THEN 1 END AS c FROM people",
				"SELECT id FROM people WHERE name LIKE kind", "SELECT id FROM people WHERE kind LIKE name",
				"SELECT id FROM people WHERE name LIKE {M} ESCAPE '%'",
				// Too little to look up.
				"SELECT id FROM people WHERE name LIKE '%'", "SELECT id FROM people WHERE name LIKE '_da%'", "SELECT id FROM people WHERE phone LIKE '%234'",
				"SELECT id FROM people WHERE bio LIKE '%ab%'", "SELECT id FROM people WHERE bio LIKE 'a%b'", "SELECT id FROM people WHERE mail LIKE '%a%'",
				"SELECT id FROM people WHERE phone LIKE '12%'",
			} {
				w.refused(s, rewrite.ReasonPredicate)
			}
			w.refused("SELECT id FROM notes WHERE body LIKE {M}", rewrite.ReasonPartition)
			w.refused("SELECT bio_sub FROM people")
			w.refused("UPDATE people SET bio_sub = NULL WHERE id = 1")
			w.silent("a refusal")
		})
	}
}

// makeSides makes the tables of tokens, as sealsql ddl prints them.
func (x *twins) makeSides() {
	w := x.w
	w.t.Helper()
	ctx := w.t.Context()
	inspect, front := sqlite.Inspect, rewrite.Frontend(sqlitefront.New())
	if w.dialect == rewrite.MySQL {
		inspect, front = mysql.Inspect, mysqlfront.New()
	}
	seen, err := inspect(ctx, w.dsn)
	w.must(err)
	conn, err := w.plain.Conn(ctx) // transactions and variables are a connection's
	w.must(err)
	defer conn.Close()
	made := 0
	for i := range seen.Snapshot.Relations {
		r := &seen.Snapshot.Relations[i]
		t := w.cfg.Catalog.Lookup("", r.ID.Name)
		if path := seen.Session.Names.SearchPath; t == nil || len(path) == 0 || r.ID.Schema != path[0] {
			continue
		}
		for _, c := range t.Columns {
			if c.Contains == nil {
				continue
			}
			made++
			for _, text := range rewrite.SideDDL(front, r, c.Contains) {
				if _, err := conn.ExecContext(ctx, text); err != nil {
					w.t.Fatalf("%s: %v", text, err)
				}
			}
		}
	}
	if made != 3 {
		w.t.Fatalf("%d tables of tokens", made)
	}
	x.eventually("the table of tokens is asked", x.asksTokens)
}

// eventually waits until the catalog is read again: the driver may go on with
// an old one for some seconds.
func (x *twins) eventually(what string, done func() bool) {
	x.t.Helper()
	for end := time.Now().Add(15 * time.Second); !done(); time.Sleep(catalogAge) {
		if time.Now().After(end) {
			x.t.Fatal("never: " + what)
		}
	}
}

// TestLikeByTablesOfTokens runs the same with the tables of tokens that triggers
// keep, and shows that they are used.
func TestLikeByTablesOfTokens(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{onSQLite, onMySQL, everyMode[7]} {
		t.Run(e.name, func(t *testing.T) {
			x := e.likeTwins(t)
			x.makeSides()
			for _, q := range patterns {
				x.query(q.text, q.args...)
			}
			for _, c := range append(patternChanges, []struct {
				text string
				args []any
			}{
				{"UPDATE people SET id = id + 1000 WHERE id IN (1, 11)", nil},
				{"UPDATE people SET bio = 'the last program' WHERE id = 1001", nil},
				{"UPDATE notes SET body = ? WHERE tenant = 'a' AND id = 2", []any{"the program moved"}},
				{"DELETE FROM people WHERE id = 1011", nil},
				{"INSERT INTO people (id, bio) VALUES (1011, 'the program is back'), (1012, NULL), (1013, '')", nil},
			}...) {
				x.both(c.text, c.args...)
				x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%program%")
				x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%the%")
				x.query("SELECT id, body FROM notes WHERE tenant = ? AND body LIKE ? ORDER BY id", "a", "%program%")
				x.query("SELECT id FROM people WHERE mail LIKE ? ORDER BY id", "%ad%")
				x.query("SELECT id FROM people WHERE bio NOT LIKE ? ORDER BY id", "%the%")
			}
			x.tokensAreThoseOfRows("people", "bio_sub", "id")
			w := x.w
			w.refused("SELECT * FROM sealsql_tokens_people_bio_sub")
			w.refused("DELETE FROM sealsql_tokens_people_bio_sub")
		})
	}
}

// asksTokens runs a search, and reports whether the table of tokens is asked.
func (x *twins) asksTokens() bool {
	x.t.Helper()
	x.w.silent("before")
	x.w.sent.Take()
	x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%program%")
	return bytes.Contains(x.w.sent.Take(), []byte("sealsql_tokens_people_bio_sub"))
}

// tokensAreThoseOfRows compares a table of tokens with the column that it was
// expanded from.
func (x *twins) tokensAreThoseOfRows(table, column, key string) {
	x.t.Helper()
	rows, err := x.w.plain.Query("SELECT " + key + ", " + column + " FROM " + table + " WHERE " + column + " IS NOT NULL")
	x.w.must(err)
	defer rows.Close()
	want := map[string]bool{}
	for rows.Next() {
		var k int
		var set []byte
		x.w.must(rows.Scan(&k, &set))
		want[fmt.Sprintf("%d ", k)] = true
		for i := 0; i < len(set); i += 4 {
			want[fmt.Sprintf("%d %x", k, set[i:i+4])] = true
		}
	}
	x.w.must(rows.Err())
	tokens, err := x.w.plain.Query("SELECT k1, token FROM sealsql_tokens_" + table + "_" + column)
	x.w.must(err)
	defer tokens.Close()
	got := 0
	for tokens.Next() {
		var k int
		var token []byte
		x.w.must(tokens.Scan(&k, &token))
		if got++; !want[fmt.Sprintf("%d %x", k, token)] {
			x.t.Errorf("token %x of row %d is not in the row", token, k)
		}
	}
	if got != len(want) || got < 50 {
		x.t.Errorf("%d tokens, want %d", got, len(want))
	}
}

// TestTokensAreAskedOnlyWhereTheyAreKept: without one of the triggers the tokens
// of the rows are read through; with another trigger of its name nothing is
// done.
func TestTokensAreAskedOnlyWhereTheyAreKept(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{onSQLite, onMySQL} {
		t.Run(e.name, func(t *testing.T) {
			x := e.likeTwins(t)
			x.makeSides()
			w := x.w
			w.other("DROP TRIGGER sealsql_tokens_people_bio_sub_ins")
			x.eventually("the tokens are read through", func() bool { return !x.asksTokens() })
			x.both("INSERT INTO people (id, bio) VALUES (70, 'a program without tokens')")
			x.query("SELECT id FROM people WHERE bio LIKE ? ORDER BY id", "%program%")
			body := "SET @x = 1"
			if e.dialect == rewrite.SQLite {
				body = "BEGIN SELECT 1; END"
			}
			w.other("CREATE TRIGGER sealsql_tokens_people_bio_sub_ins AFTER INSERT ON people FOR EACH ROW " + body)
			x.eventually("another trigger of the name is an error", func() bool {
				_, err := w.db.Exec("UPDATE people SET bio = NULL WHERE id = 71")
				return errors.Is(err, sealsql.ErrSetup) || errors.As(err, new(*rewrite.UnsupportedError))
			})
		})
	}
}
