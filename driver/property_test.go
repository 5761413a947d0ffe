package driver

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const secret = "CANARY-0f1e2d"

// propertySnapshot is the database of the random statements.
func propertySnapshot() *rewrite.Snapshot {
	table := func(name string, columns ...string) rewrite.SnapshotRelation {
		r := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: "main", Name: name}, Kind: rewrite.RelTable, Unique: [][]string{{"id"}}}
		for _, c := range columns {
			r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: c, Type: "blob", BytewiseEqual: true, Collation: "BINARY"})
		}
		return r
	}
	return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{
		table("users", "id", "name", "ssn", "note"),
		table("docs", "id", "tenant", "body"),
		table("clear", "id", "n", "m"),
	}}
}

// gen makes statements in which the secret meets an annotated column.
type gen struct {
	r    *rand.Rand
	args []any
	bind bool // the secret is a parameter
}

func (g *gen) pick(forms ...string) string { return forms[g.r.IntN(len(forms))] }

// canary writes the secret as a parameter or a literal.
func (g *gen) canary() string {
	if g.bind {
		g.args = append(g.args, secret)
		return "?"
	}
	return g.pick("'"+secret+"'", `'`+secret+`'`, "( '"+secret+"' )", "x'"+fmt.Sprintf("%x", secret)+"'")
}

// column writes the annotated column.
func (g *gen) column() string {
	return g.pick("ssn", "SSN", `"ssn"`, "[ssn]", "`Ssn`", "users.ssn", "note", `users."note"`)
}

// mixed is an expression over the column and the secret.
func (g *gen) mixed() string {
	col, val := g.column(), g.canary
	switch g.r.IntN(16) {
	case 0:
		return col + g.pick(" = ", " <> ", " < ", " >= ", " IS ", " IS NOT ", " == ", " || ", " + ", " LIKE ", " GLOB ") + val()
	case 1:
		return val() + g.pick(" = ", " <> ", " || ", " IS ") + col
	case 2:
		return col + g.pick(" IN (", " NOT IN (") + val() + ", " + val() + ")"
	case 3:
		return val() + " IN (SELECT " + col + " FROM users)"
	case 4:
		return "(" + col + ", id) = (" + val() + ", 1)"
	case 5:
		return col + " BETWEEN " + val() + " AND " + val()
	case 6:
		return g.pick("nullif", "max", "instr", "ifnull", "coalesce", "iif") + "(" + col + ", " + val() + ", " + col + ")"
	case 7:
		return "CASE " + col + " WHEN " + val() + " THEN 1 ELSE 2 END"
	case 8:
		return "CAST(" + col + " AS TEXT) = " + val()
	case 9:
		return "EXISTS (SELECT 1 FROM users u2 WHERE u2.ssn = " + val() + ")"
	case 10:
		return "NOT (" + g.mixed() + ")"
	case 11:
		return "(id = 1 AND " + g.mixed() + ")"
	case 12:
		return "(" + col + " COLLATE NOCASE) = " + val()
	case 13:
		return "(SELECT " + col + ") = " + val()
	case 14:
		return "lower(" + col + ") = " + val()
	}
	return col + " = (SELECT " + val() + ")"
}

// value is what is written to an annotated column.
func (g *gen) value() string {
	switch g.r.IntN(8) {
	case 0:
		return g.pick("upper", "lower", "trim") + "(" + g.canary() + ")"
	case 1:
		return g.canary() + " || 'x'"
	case 2:
		return "(SELECT " + g.canary() + ")"
	case 3:
		return "coalesce(" + g.canary() + ", ssn)"
	case 4:
		return "CAST(" + g.canary() + " AS TEXT)"
	}
	return g.canary()
}

func (g *gen) table() string {
	return g.pick("users", "main.users", `"users"`, "[users]", "USERS", `"main"."Users"`)
}

func (g *gen) insert() string {
	verb := g.pick("INSERT INTO ", "INSERT OR REPLACE INTO ", "REPLACE INTO ", "insert /* c */ or ignore into ")
	s := verb + g.table()
	switch g.r.IntN(5) {
	case 0:
		s += " VALUES (1, 'n', " + g.value() + ", " + g.value() + ")"
	case 1:
		s += " (ssn, id) VALUES (" + g.value() + ", 1), (" + g.value() + ", 2)"
	case 2:
		s += " (id, note) SELECT 1, " + g.value() + g.pick("", " FROM clear", " UNION ALL SELECT 2, "+g.value())
	case 3:
		s += " (id, \"SSN\") VALUES (1, " + g.value() + ")"
	default:
		s += " (id, [note]) WITH q AS (SELECT " + g.value() + " AS v) SELECT 1, v FROM q"
	}
	if g.r.IntN(3) == 0 && !strings.Contains(s, "WITH q") {
		s += " ON CONFLICT (id) DO UPDATE SET ssn = " + g.pick("excluded.ssn", g.value())
	}
	if g.r.IntN(4) == 0 {
		s += " RETURNING " + g.pick("*", "id", "ssn")
	}
	return s
}

func (g *gen) update() string {
	s := "UPDATE " + g.pick("", "OR IGNORE ") + g.table() + " SET "
	switch g.r.IntN(3) {
	case 0:
		s += "ssn = " + g.value()
	case 1:
		s += "(name, note) = ('n', " + g.value() + ")"
	default:
		s += "name = 'n', \"note\" = " + g.value()
	}
	return s + g.pick("", " WHERE id = 1", " FROM clear WHERE clear.id = users.id")
}

func (g *gen) query() string {
	from := g.pick("users", "main.users AS users", "users JOIN clear ON clear.id = users.id", "clear LEFT JOIN users ON users.id = clear.id")
	switch g.r.IntN(9) {
	case 0:
		return "SELECT id FROM users WHERE " + g.mixed()
	case 1:
		return "SELECT " + g.mixed() + " FROM " + from
	case 2:
		return "SELECT users.id FROM users JOIN clear ON " + g.mixed()
	case 3:
		return "SELECT users.id FROM " + from + " ORDER BY " + g.mixed()
	case 4:
		return "SELECT count(*) FROM users GROUP BY " + g.mixed()
	case 5:
		return "SELECT count(*) FROM users GROUP BY id HAVING " + g.mixed()
	case 6:
		return "WITH q AS (SELECT * FROM users) SELECT * FROM q AS users WHERE " + g.mixed()
	case 7:
		return "SELECT * FROM (SELECT id, ssn, note FROM users) AS users WHERE " + g.mixed()
	}
	return "SELECT ssn FROM users " + g.pick("UNION", "EXCEPT", "INTERSECT") + " SELECT " + g.canary()
}

func (g *gen) statement() string {
	var s string
	switch g.r.IntN(6) {
	case 0, 1:
		s = g.insert()
	case 2:
		s = g.update()
	case 3:
		s = "DELETE FROM users WHERE " + g.mixed()
	default:
		s = g.query()
	}
	switch g.r.IntN(12) {
	case 0:
		s = "EXPLAIN " + s
	case 1:
		s += "; SELECT 1"
	case 2:
		s = "/* " + "users" + " */ " + s + " -- end"
	case 3:
		s = "SELECT 1; " + s
	}
	return s
}

// TestNoRandomStatementSendsTheSecret throws statements in which the secret is
// written to, compared with or mixed with an annotated column at an inner
// driver that records: each is refused, or goes out with the secret sealed.
func TestNoRandomStatementSendsTheSecret(t *testing.T) {
	h := newHarness(t)
	h.eng.snapshot = propertySnapshot
	h.eng.private = true
	wrapped, err := New(h.db, &pathEngine{h.eng}, Options{Annotations: h.cr.cats.annotations, Sealer: h.cr.seals.sealer})
	if err != nil {
		t.Fatal(err)
	}
	h.cr = wrapped.(*connector)
	h.db.rows = func() driver.Rows { return &fakeRows{} }
	c := h.conn()
	n := 20000
	if testing.Short() {
		n = 2000
	}
	seed := uint64(1) // every run does the same
	if testenv.Long() {
		n, seed = 10*n, rand.Uint64()
	}
	counts := map[string]int{}
	for i := range n {
		g := &gen{r: rand.New(rand.NewPCG(seed, uint64(i)))}
		g.bind = g.r.IntN(2) == 0
		text := g.statement()
		ctx := bg
		if g.r.IntN(2) == 0 {
			ctx = sealsql.WithPartition(bg, "acme")
		}
		h.db.log, h.db.ctx = nil, nil
		err := run(ctx, c, g, text)
		counts[outcome(err)]++
		if leaked(h.db.log) {
			t.Fatalf("seed %d, %d: the secret was sent by %s", seed, i, text)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("seed %d, %d: the error holds the secret: %v", seed, i, err)
		}
	}
	t.Logf("seed %d: %v", seed, counts)
	if counts["sent"] < n/20 {
		t.Errorf("only %d of %d statements were sent: the test proves little", counts["sent"], n)
	}
}

func run(ctx context.Context, c driver.Conn, g *gen, text string) error {
	args := namedArgs(g.args...)
	if g.r.IntN(3) == 0 {
		st, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer st.Close()
		_, err = st.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	}
	if g.r.IntN(2) == 0 {
		_, err := c.(driver.ExecerContext).ExecContext(ctx, text, args)
		return err
	}
	_, err := c.(driver.QueryerContext).QueryContext(ctx, text, args)
	return err
}

func outcome(err error) string {
	switch {
	case err == nil, errors.Is(err, sealsql.ErrCatalogChanged): // the fake result has no columns
		return "sent"
	case errors.Is(err, sealsql.ErrRefused):
		return "refused"
	}
	return "failed"
}

// leaked looks for the secret in what was sent, as text and as hexadecimal.
func leaked(log []sent) bool {
	hex := fmt.Sprintf("%x", secret)
	for _, s := range log {
		if strings.Contains(s.text, secret) || strings.Contains(strings.ToLower(s.text), hex) {
			return true
		}
		for _, a := range s.args {
			switch v := a.Value.(type) {
			case string:
				if strings.Contains(v, secret) {
					return true
				}
			case []byte:
				if bytes.Contains(v, []byte(secret)) {
					return true
				}
			}
		}
	}
	return false
}
