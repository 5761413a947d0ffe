package drivertest_test

import (
	"errors"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const enumConfig = head + `tables:
  persons:
    columns:
      mood: {type: text, search: {equality: default}}
      grade: {type: text, search: {equality: default, range: {order: revealing, prefix: 16, collation: binary, longer: refuse}}, accept_leakage: order}
      shade: {type: text}
`

var moodTypes = []string{
	"CREATE TYPE mood AS ENUM ('sad', 'ok', 'Happy', 'x y')", "CREATE SCHEMA colours", "CREATE TYPE colours.shade AS ENUM ('red', 'blue')",
	`CREATE TYPE "Odd Name" AS ENUM ('sad', 'b')`, "CREATE TYPE pair AS (a int, b int)", "CREATE DOMAIN short AS text CHECK (length(VALUE) < 4)",
}

// moodChanges write values under casts to enumerated types.
var moodChanges = []struct {
	text string
	args []any
}{
	{"INSERT INTO persons (id, mood, grade, shade) VALUES ($1, $2::mood, $3::mood, $4::colours.shade)", []any{1, "sad", "ok", "red"}},
	{"INSERT INTO persons (id, mood, grade, shade) VALUES (2, 'Happy'::mood, CAST('x y' AS mood), NULL::colours.shade)", nil},
	{"INSERT INTO persons (id, mood, grade) VALUES (3, $1::text::mood, $2::public.mood), (4, $1::mood, NULL)", []any{"ok", "Happy"}},
	{"INSERT INTO persons (id, mood) VALUES (5, $1::mood)", []any{nil}},
	{"UPDATE persons SET mood = $1::MOOD WHERE mood = $2::mood", []any{"x y", "ok"}},
	{"UPDATE persons SET mood = CASE WHEN $1 <> '' THEN $1::mood ELSE mood END WHERE id < $2", []any{"Happy", 3}},
	{"UPDATE persons SET mood = CASE WHEN $1 <> '' THEN $1::mood ELSE mood END WHERE id < $2", []any{"", 3}},
	{"UPDATE persons SET grade = COALESCE($1::mood, grade), mood = CASE WHEN id = 1 THEN 'sad'::mood WHEN id = 2 THEN $2::mood ELSE mood END", []any{nil, "ok"}},
	{"INSERT INTO persons (id, mood) VALUES (1, $1::mood) ON CONFLICT (id) DO UPDATE SET mood = EXCLUDED.mood, grade = $2::mood", []any{"x y", "sad"}},
	{"INSERT INTO persons (id, mood) SELECT 10, $1::mood UNION ALL SELECT 11, 'ok'::mood", []any{"sad"}},
	{"DELETE FROM persons WHERE mood = $1::mood AND id = 11", []any{"ok"}},
	{"UPDATE persons SET mood = $1::mood, grade = CASE WHEN $1::mood = 'sad' THEN 'ok'::mood ELSE grade END WHERE id = $2", []any{"sad", 1}},
	{"UPDATE persons SET mood = $1::mood, grade = CASE WHEN $1::mood <> 'sad' THEN $2::mood ELSE grade END WHERE id = $3", []any{"ok", "x y", 2}},
	{"UPDATE persons SET mood = $1::mood WHERE $1::mood = 'sad' AND id = $2", []any{nil, 2}},
	// Not labels: the server says so, too.
	{"INSERT INTO persons (id, mood) VALUES (20, $1::mood)", []any{"happy"}},
	{"INSERT INTO persons (id, mood) VALUES (21, $1::mood)", []any{"sad "}},
	{"INSERT INTO persons (id, mood) VALUES (22, $1::mood)", []any{""}},
	{"INSERT INTO persons (id, mood) VALUES (23, 'none'::mood)", nil},
	{"UPDATE persons SET mood = $1::mood WHERE id = 1", []any{"red"}},
	{"UPDATE persons SET mood = $1::mood WHERE $1::mood = 'sad' AND id = 1", []any{"red"}},
}

var moodQueries = []struct {
	text string
	args []any
}{
	{"SELECT id, mood, grade, shade FROM persons ORDER BY id", nil},
	{"SELECT id FROM persons WHERE mood = $1::mood ORDER BY id", []any{"sad"}},
	{"SELECT id FROM persons WHERE mood <> 'sad'::mood OR grade IN ('ok'::mood, $1::mood) ORDER BY id", []any{"Happy"}},
	{"SELECT id FROM persons WHERE mood IS DISTINCT FROM $1::mood ORDER BY id", []any{"ok"}},
	{"SELECT id FROM persons WHERE mood = $1::mood ORDER BY id", []any{nil}},
	{"SELECT id FROM persons WHERE CASE WHEN $1 <> '' THEN mood = $1::mood ELSE TRUE END ORDER BY id", []any{""}},
	{"SELECT id FROM persons WHERE CASE WHEN $1 <> '' THEN mood = $1::mood ELSE TRUE END ORDER BY id", []any{"sad"}},
	{"SELECT id FROM persons WHERE mood = $1::mood ORDER BY id", []any{"nobody"}},
	{"SELECT id, COALESCE(mood, $1::mood) AS m FROM persons ORDER BY id", []any{"ok"}},
	{"SELECT id FROM (SELECT id, mood AS m FROM persons) d WHERE d.m = $1::mood ORDER BY id", []any{"x y"}},
	{"SELECT mood, count(*) FROM persons WHERE mood IN ($1::mood) GROUP BY mood", []any{"sad"}},
}

// TestLabelsAreStoredAndFoundAsInThePlainDatabase compares texts under casts to
// enumerated types with columns of these types.
func TestLabelsAreStoredAndFoundAsInThePlainDatabase(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, []engine{onPostgres, {"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}}, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.moods(t)
			for _, c := range moodChanges {
				_, want := x.plain.Exec(c.text, c.args...)
				_, got := x.w.db.Exec(c.text, c.args...)
				if (want == nil) != (got == nil) {
					t.Errorf("%s %v: got %v, the plain database says %v", c.text, c.args, got, want)
				}
				var te *sealsql.ValueError
				if want != nil && !errors.As(got, &te) {
					t.Errorf("%s: got %T %v, want a ValueError", c.text, got, got)
				}
				for _, q := range moodQueries {
					x.ranged(q.text, q.args...)
				}
			}
		})
	}
}

func (e engine) moods(t *testing.T) *twins {
	t.Helper()
	x := &twins{t: t, w: e.open(t, enumConfig)}
	x.plain = e.open(t, enumConfig).plain
	for _, s := range moodTypes {
		x.both(s)
	}
	if _, err := x.plain.Exec("CREATE TABLE persons (id int PRIMARY KEY, mood mood, grade mood, shade colours.shade)"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.w.db.Exec("CREATE TABLE persons (id int PRIMARY KEY, mood text, grade text, shade text)"); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestCastsThatAreNotToKnownLabelsAreRefused(t *testing.T) {
	t.Parallel()
	x := engine{"postgres", rewrite.Postgres, ""}.moods(t)
	for _, s := range []string{
		"UPDATE persons SET mood = 'a'::nosuch", "UPDATE persons SET mood = 'red'::shade", // not on the search path
		"UPDATE persons SET mood = 'a'::short", "UPDATE persons SET mood = 'sad'::varchar(2)::mood",
		"UPDATE persons SET mood = lower('SAD')::mood", "UPDATE persons SET mood = '(1,2)'::pair",
	} {
		x.w.refused(s, rewrite.ReasonComputed)
	}
	for _, s := range []string{
		"SELECT id FROM persons WHERE grade > 'sad'::mood", "SELECT id FROM persons WHERE grade BETWEEN 'sad'::mood AND 'ok'::mood",
		"SELECT id FROM persons WHERE shade = 'red'::colours.shade", "SELECT id FROM persons WHERE mood = 'red'::shade",
	} {
		x.w.refused(s, rewrite.ReasonPredicate)
	}
	// A type of the same name in another schema, and a cast of the application's own.
	for _, s := range []string{"CREATE TYPE colours.mood AS ENUM ('a')", "CREATE FUNCTION as_odd(int) RETURNS \"Odd Name\" LANGUAGE sql IMMUTABLE AS $$SELECT 'b'::\"Odd Name\"$$", "CREATE CAST (int AS \"Odd Name\") WITH FUNCTION as_odd(int)"} {
		if _, err := x.w.db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"UPDATE persons SET mood = 'sad'::mood", "UPDATE persons SET mood = 'sad'::colours.mood", `UPDATE persons SET mood = 'sad'::"Odd Name"`} {
		x.w.refused(s)
	}
}

// TestNewLabelsAreSeen adds a label by the driver itself.
func TestNewLabelsAreSeen(t *testing.T) {
	t.Parallel()
	x := engine{"postgres", rewrite.Postgres, ""}.moods(t)
	insert := "INSERT INTO persons (id, mood) VALUES ($1, $2::mood)"
	if _, err := x.w.db.Exec(insert, 1, "new"); err == nil {
		t.Error("a label that is not there was taken")
	}
	if _, err := x.w.db.Exec("ALTER TYPE mood ADD VALUE 'new' BEFORE 'ok'"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.w.db.Exec(insert, 1, "new"); err != nil {
		t.Errorf("a new label: %v", err)
	}
	if _, err := x.w.db.Exec("ALTER TYPE mood RENAME VALUE 'new' TO 'newer'"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.w.db.Exec(insert, 2, "new"); err == nil {
		t.Error("the old name of a label was taken")
	}
}
