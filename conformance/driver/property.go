package drivertest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/rewrite"
)

// maxLeaks ends a run that has shown enough.
const maxLeaks = 20

// markHead begins every marked value; what follows tells them apart.
const markHead = "CANARY"

// Property runs n random statements on db, whose traffic sent collects, and
// fails when a marked value leaves the process other than sealed. The database
// must have the tables
//
//	users  (id integer primary key, ssn sealed, email sealed, note text)
//	orders (id integer, user_id integer, memo text)
//
// and the views users_view over users and users_view2 over users_view. It
// returns how many statements ran; the others were refused or failed.
func Property(t testing.TB, d rewrite.Dialect, db *sql.DB, sent *Sent, seed uint64, n int) (ran int) {
	t.Helper()
	g := &generator{r: rand.New(rand.NewPCG(seed, 1)), dialect: d}
	refused := map[rewrite.Reason]int{}
	leaks := 0
	for i := range n {
		g.mark = fmt.Sprintf("%sq%012xz", markHead, g.r.Uint64()&(1<<48-1))
		text, args := g.statement()
		sent.Take()
		err := run(db, text, args, g.chance(3))
		if leak := Leaked(sent.Take(), g.mark); leak != "" {
			t.Errorf("statement %d of seed %d: the value went out in clear (%s): %v\n%s\n%v", i, seed, leak, err, text, args)
			if leaks++; leaks == maxLeaks {
				t.FailNow()
			}
		}
		var u *rewrite.UnsupportedError
		switch {
		case err == nil:
			ran++
		case errors.As(err, &u):
			refused[u.Reason]++
			if strings.Contains(err.Error(), g.mark) {
				t.Fatalf("the refusal holds the value: %v", err)
			}
		}
	}
	t.Logf("%s: %d statements, %d ran, refused: %v", d, n, ran, refused)
	return ran
}

// run executes a statement as a query, which runs any statement, bare or
// prepared, and reads what it yields; the transaction is rolled back, so that statements stay
// independent of each other.
func run(db *sql.DB, text string, args []any, prepared bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	query := func() (*sql.Rows, error) { return tx.QueryContext(ctx, text, args...) }
	if prepared {
		st, err := tx.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer st.Close()
		query = func() (*sql.Rows, error) { return st.QueryContext(ctx, args...) }
	}
	rows, err := query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		cols, err := rows.Columns()
		if err != nil {
			return err
		}
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = new(any)
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Leaked looks for a mark in what was sent, in the forms that it could travel
// in, and says in which it was found; "" when it was not. The first six bytes
// are left out: a literal may be written in two pieces. A mark is ASCII without
// escapes, and at least 16 bytes long.
func Leaked(sent []byte, mark string) string {
	tail := []byte(mark[len(markHead):])
	forms := []struct {
		how    string
		needle []byte
	}{{"as it is", tail}, {"in hex", []byte(hex.EncodeToString(tail))}, {"in UTF-16", spell(tail, "%c\x00")}}
	for _, format := range []string{`\x%02x`, `\%03o`, `\%04x`, `!%04x`, "%08b"} {
		forms = append(forms, struct {
			how    string
			needle []byte
		}{"in escapes", spell(tail, format)})
	}
	for shift := range 3 {
		whole := base64.RawStdEncoding.EncodeToString([]byte(mark[shift:]))
		if bytes.Contains(sent, []byte(whole[8:len(whole)-2])) {
			return "in base64"
		}
	}
	lower := bytes.ToLower(sent)
	for _, f := range forms {
		if bytes.Contains(lower, bytes.ToLower(f.needle)) {
			return f.how
		}
	}
	return ""
}

func spell(bs []byte, format string) []byte {
	var out []byte
	for _, b := range bs {
		out = fmt.Appendf(out, format, b)
	}
	return out
}
