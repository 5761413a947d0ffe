package rewrite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// TestExecutePutsItsValuesIntoWhatWasPrepared plans a PREPARE and an EXECUTE and
// joins them.
func TestExecutePutsItsValuesIntoWhatWasPrepared(t *testing.T) {
	f := frontends["postgres"]
	w := parseWorld(t, f.Dialect(), `table users
  id int
  ssn bytea sealed text index ssn_bidx
  ssn_bidx bytea
  email bytea sealed text
  note text
table docs
  id int
  tenant text
  body bytea sealed text
  partition column tenant text
`)
	const insert = "PREPARE p (int, text, text) AS INSERT INTO users (id, ssn, note) VALUES ($1, $2, $3)"
	for _, x := range []struct{ name, prepare, execute, text, want string }{
		{
			"values are sealed where they stand", insert, "EXECUTE p (1, 'SECRET', 'n'); -- x", "EXECUTE p (1,  , 'n',  ); -- x",
			"hole at 14  seal users.ssn literal at 14 partition \"default\"|hole at 22  index users.ssn literal at 14 partition \"default\"",
		},
		{"NULL stays", insert, "EXECUTE p(1+1, NULL, upper('n'))", "EXECUTE p (1+1, NULL, upper('n'), NULL)", "args same"},
		{
			"literals of the PREPARE come behind", "PREPARE q AS UPDATE users SET email = 'SECRET' WHERE id = $1", "EXECUTE q (7)", "EXECUTE q (7,  )",
			"hole at 14  seal users.email literal at 38",
		},
		{"a statement without values gets them", "PREPARE q AS UPDATE users SET email = 'SECRET'", "EXECUTE q /* x */;", "EXECUTE q ( ) /* x */;", "hole at 11  seal users.email"},
		{
			"results are opened", "PREPARE q AS SELECT body FROM docs WHERE tenant = $1", "EXECUTE q ('a')", "EXECUTE q ('a')",
			"result 1  open docs.body partition literal at 11",
		},
		{"an explained one has the results of EXPLAIN", "PREPARE q AS SELECT email FROM users", "EXPLAIN EXECUTE q", "EXPLAIN EXECUTE q", "args same"},
		{"clear ones pass", "PREPARE q (int) AS SELECT note FROM users WHERE id = $1", "EXECUTE q (5)", "EXECUTE q (5)", "pass"},
		{"too few values are refused", insert, "EXECUTE p (1, 'SECRET')", "", "parameters"},
		{"too many values are refused", insert, "EXECUTE p (1, 'SECRET', 'n', 'm')", "", "parameters"},
		{"a computed value is refused", insert, "EXECUTE p (1, lower('SECRET'), 'n')", "", "value computed by the server"},
		{"a cast value is refused", insert, "EXECUTE p (1, 'SECRET'::varchar(3), 'n')", "", "value computed by the server"},
		{"a bit string is refused", insert, "EXECUTE p (1, B'1', 'n')", "", "literal depends on settings"},
		{"an unknown partition is refused", "PREPARE q AS SELECT body FROM docs WHERE tenant = $1", "EXECUTE q (NULL)", "", "partition not known"},
		{"a computed partition is refused", "PREPARE q AS SELECT body FROM docs WHERE tenant = $1", "EXECUTE q (lower('A'))", "", "value computed by the server"},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, sess := parseOptions(t, f.Dialect(), "")
			plan := func(text string) *rewrite.Plan {
				p, err := rewrite.PlanOnce(f, text, w.catalog(sess), &sess, rewrite.Options{})
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				return p
			}
			stmt, exec := plan(x.prepare), plan(x.execute)
			p, err := exec.Execute(stmt)
			if x.text == "" {
				var u *rewrite.UnsupportedError
				if !errors.As(err, &u) || u.Reason.String() != x.want {
					t.Fatalf("got %v, want %q", err, x.want)
				}
				checkRefusal(t, x.execute, u)
				return
			}
			if err != nil || p.Text != x.text {
				t.Fatalf("%v\n got %q\nwant %q", err, p.Text, x.text)
			}
			got := strings.ReplaceAll(describePlan(p), "\n", "|")
			if !strings.Contains(got, x.want) || strings.Contains(x.name, "explained") && strings.Contains(got, "result") {
				t.Errorf("got  %s\nwant %s", got, x.want)
			}
		})
	}
}
