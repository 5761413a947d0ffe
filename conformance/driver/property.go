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
	for i := range n {
		g.mark = fmt.Sprintf("CANARY%d%08x", seed, g.r.Uint32())
		text, args := g.statement()
		sent.Take()
		err := run(db, text, args)
		if leak := leaked(sent.Take(), g.mark); leak != "" {
			t.Fatalf("statement %d of seed %d: the value went out in clear (%s)\n%s\n%v", i, seed, leak, text, args)
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

// run executes a statement as a query, which runs any statement, and reads
// what it yields; the transaction is rolled back, so that statements stay
// independent of each other.
func run(db *sql.DB, text string, args []any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, text, args...)
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

// leaked looks for a mark in the forms that it could travel in.
func leaked(sent []byte, mark string) string {
	forms := map[string]string{
		"as it is": mark, "in hex": hex.EncodeToString([]byte(mark)),
		"in base64": base64.RawStdEncoding.EncodeToString([]byte(mark))[:12],
	}
	lower := bytes.ToLower(sent)
	for how, f := range forms {
		if bytes.Contains(lower, bytes.ToLower([]byte(f))) {
			return how
		}
	}
	return ""
}
