package tokens

import (
	"database/sql"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/sealsql/sealsql/internal/testenv"
)

// asked compares Match with the engine. query takes a text and a pattern as
// hexadecimal and yields whether it matches.
func asked(t *testing.T, db *sql.DB, query string, rules Rules, letters []string) {
	t.Helper()
	st, err := db.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	matched := 0
	for range 2500 {
		text := pick(r.IntN(6))
		pattern := patternOf(r, text)
		if r.IntN(3) == 0 {
			pattern = pick(r.IntN(5))
		}
		l, err := ParseLike(pattern, rules)
		if err != nil {
			continue
		}
		var want bool
		if err := st.QueryRow(hex.EncodeToString([]byte(text)), hex.EncodeToString([]byte(pattern))).Scan(&want); err != nil {
			t.Fatalf("%+q LIKE %+q: %v", text, pattern, err)
		}
		if got := l.Match(text); got != want {
			t.Errorf("%+q LIKE %+q is %v, the engine says %v", text, pattern, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 500 {
		t.Errorf("only %d of the patterns match", matched)
	}
}

var letters = []string{
	"a", "A", "b", "B", "é", "É", "e", "E", "ü", "Ü", "u", "ñ", "n", "ç", "c", "ø", "å", "Å", "1", " ", "%", "_", "\\", "!", "日", "本",
}

func TestPostgresAgrees(t *testing.T) {
	db, err := sql.Open("pgx", testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const text, pattern = `convert_from(decode($1, 'hex'), 'UTF8')`, `convert_from(decode($2, 'hex'), 'UTF8')`
	extra := append([]string{"σ", "ς", "Σ", "ж", "Ж", "ſ", "s", "ß"}, letters...)
	t.Run("LIKE", func(t *testing.T) {
		asked(t, db, "SELECT "+text+" LIKE "+pattern, rulesOf["postgres LIKE"], extra)
	})
	t.Run("ILIKE", func(t *testing.T) {
		asked(t, db, "SELECT "+text+` COLLATE "C.utf8" ILIKE `+pattern, rulesOf["postgres ILIKE"], extra)
	})
	t.Run("ILIKE in the C locale", func(t *testing.T) {
		asked(t, db, "SELECT "+text+` COLLATE "C" ILIKE `+pattern, Rules{Case: ASCII, Escape: '\\'}, extra)
	})
	t.Run("ESCAPE", func(t *testing.T) {
		asked(t, db, "SELECT "+text+" LIKE "+pattern+" ESCAPE '!'", Rules{Escape: '!'}, extra)
	})
	t.Run("no escape", func(t *testing.T) {
		asked(t, db, "SELECT "+text+" LIKE "+pattern+" ESCAPE ''", Rules{}, extra)
	})
}

func TestMySQLAgrees(t *testing.T) {
	db, err := sql.Open("mysql", testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, c := range []struct{ collation, rules string }{
		{"utf8mb4_bin", "mysql binary"}, {"utf8mb4_general_ci", "mysql ci_ai"}, {"utf8mb4_unicode_ci", "mysql ci_ai"},
	} {
		t.Run(c.collation, func(t *testing.T) {
			in := func(arg string) string { return "CONVERT(UNHEX(" + arg + ") USING utf8mb4) COLLATE " + c.collation }
			use := letters
			if c.collation == "utf8mb4_general_ci" || c.collation == "utf8mb4_unicode_ci" {
				use = nil
				for _, l := range letters {
					if l != "ø" { // a letter of its own in one and not in the other
						use = append(use, l)
					}
				}
			}
			asked(t, db, "SELECT "+in("?")+" LIKE "+in("?"), rulesOf[c.rules], use)
			bang := rulesOf[c.rules]
			bang.Escape = '!'
			asked(t, db, "SELECT "+in("?")+" LIKE "+in("?")+" ESCAPE '!'", bang, use)
		})
	}
}

func TestSQLiteAgrees(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	const text, pattern = "CAST(unhex(?) AS TEXT)", "CAST(unhex(?) AS TEXT)"
	asked(t, db, "SELECT "+text+" LIKE "+pattern, rulesOf["sqlite"], letters)
	asked(t, db, "SELECT "+text+" LIKE "+pattern+" ESCAPE '!'", rulesOf["sqlite with ESCAPE"], letters)
}
