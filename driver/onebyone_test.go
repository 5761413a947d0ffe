package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// TestATextOfWhichPartsAreDoneIsNotRunAgain: database/sql repeats what returns
// driver.ErrBadConn.
func TestATextOfWhichPartsAreDoneIsNotRunAgain(t *testing.T) {
	const text = "CREATE TABLE a (id int); INSERT INTO a VALUES (1)"
	for lost, want := range map[string][]string{
		"INSERT": {"CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)"},
		"CREATE": {"CREATE TABLE a (id int)", "CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)"},
	} {
		h := newHarness(t)
		h.plans.errs[text] = &rewrite.UnsupportedError{Reason: rewrite.ReasonMultiStatement}
		lose := true
		h.db.err = func(op, sent string) error {
			if op == "exec" && strings.HasPrefix(sent, lost) && lose {
				lose = false
				return driver.ErrBadConn
			}
			return nil
		}
		pool := sql.OpenDB(h.cr)
		defer pool.Close()
		_, err := pool.ExecContext(context.Background(), text)
		if errors.Is(err, driver.ErrBadConn) || (err == nil) != (lost == "CREATE") {
			t.Errorf("%s: got %v", lost, err)
		}
		var sent []string
		for _, s := range h.db.log {
			sent = append(sent, s.text)
		}
		if strings.Join(sent, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s: sent %q, want %q", lost, sent, want)
		}
	}
}
