package drivertest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// maxParams is the number of parameters that an engine takes in one statement.
func (e engine) maxParams() int {
	if e.dialect == rewrite.SQLite {
		return 32766
	}
	return 65535
}

// numbered writes parameter n as one that may stand in several places.
func (e engine) numbered(n int) string {
	if e.dialect == rewrite.SQLite {
		return fmt.Sprintf("?%d", n)
	}
	return fmt.Sprintf("$%d", n)
}

var withInterpolation = append(slices.Clone(all), engine{"mysql interpolateParams", rewrite.MySQL, "interpolateParams=true"})

// largeBatch is an INSERT of exactly n parameters, with a sealed literal in
// every row: three parameters a row, and rows of one to make up the number.
func (w *world) largeBatch(n, firstID int) (text string, args []any, rows int) {
	var b strings.Builder
	b.WriteString("INSERT INTO users (id, ssn, email, note) VALUES ")
	for left := n; left > 0; rows++ {
		if rows > 0 {
			b.WriteString(", ")
		}
		args = append(args, firstID+rows)
		if left < 3 {
			b.WriteString("(?, NULL, {M}, 'n')")
			left--
			continue
		}
		b.WriteString("(?, ?, {M}, ?)")
		args = append(args, fmt.Sprint("v", firstID+rows), "n")
		left -= 3
	}
	return w.bind(w.text(b.String())), args, rows
}

// holds checks what the batch stored.
func (w *world) holdsBatch(firstID, rows int) {
	w.t.Helper()
	w.equal(fmt.Sprint(w.value(fmt.Sprintf("SELECT count(email) FROM users WHERE id >= %d AND id < %d", firstID, firstID+rows))), fmt.Sprint(rows))
	w.equal(w.value("SELECT email FROM users WHERE id = ?", firstID+5), w.mark)
	w.equal(w.value("SELECT ssn FROM users WHERE id = ?", firstID+5), fmt.Sprint("v", firstID+5))
}

var atTheLimit = []threat{
	{"a batch with literals at the limit of parameters works", withInterpolation, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		first := 0
		for _, n := range []int{e.maxParams() - 1, e.maxParams()} {
			text, args, rows := w.largeBatch(n, first)
			if _, err := w.db.Exec(text, args...); err != nil {
				t.Fatalf("%d parameters: %v", n, err)
			}
			w.silent(fmt.Sprint(n, " parameters"))
			w.holdsBatch(first, rows)
			first += rows
		}
	}},
	{"a batch over the limit of parameters fails as it would anyway", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		text, args, _ := w.largeBatch(e.maxParams()+1, 0)
		if _, err := w.db.Exec(text, args...); err == nil {
			t.Error("the batch is stored")
		} else if strings.Contains(err.Error(), w.mark) {
			t.Errorf("the error holds the canary: %v", err)
		}
		w.silent("one parameter too many")
		if _, err := w.plain.Exec(text, args...); err == nil {
			t.Error("the plain driver stores the batch")
		}
		w.other("DELETE FROM users")
	}},
	{"a prepared batch at the limit of parameters is executed again and again", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		text, _, _ := w.largeBatch(e.maxParams(), 0)
		st, err := w.db.Prepare(text)
		w.must(err)
		defer st.Close()
		first := 0
		for range 3 {
			_, args, rows := w.largeBatch(e.maxParams(), first)
			if _, err := st.Exec(args...); err != nil {
				t.Fatal(err)
			}
			w.holdsBatch(first, rows)
			first += rows
		}
		if _, err := st.Exec(1, 2); err == nil {
			t.Error("two arguments are enough")
		}
	}},
	{"a shared parameter at the limit is sealed where it must be", []engine{
		onSQLite, onPostgres, {"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}, {"postgres exec", rewrite.Postgres, "exec"},
	}, func(t *testing.T, e engine) {
		first := 0
		w := e.open(t, usersConfig, usersTable)
		batches := []struct {
			columns string
			n       int
		}{{"(id, ssn, note, email)", e.maxParams()}, {"(id, note, ssn, email)", e.maxParams() - 1}}
		if e.params != "" {
			batches = batches[:1]
		}
		for _, b := range batches {
			text, args, rows := e.sharedBatch(b.columns, b.n, first)
			w.storesShared(text, args, first, rows)
			first += rows
		}
	}},
	{"a sealed and a clear use of a canary at the limit send it once", []engine{onSQLite, onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		var b strings.Builder
		b.WriteString("INSERT INTO users (id, ssn, email, note) VALUES ")
		args := []any{w.mark}
		// The first parameter is sealed for two columns, in a hundred rows.
		for k := 2; k <= e.maxParams(); k++ {
			if k > 2 {
				b.WriteString(", ")
			}
			id, value := e.numbered(k), "NULL"
			if e.dialect == rewrite.SQLite && k > 2 {
				id = "?"
			}
			if k <= 101 {
				value = e.numbered(1)
			}
			fmt.Fprintf(&b, "(%s, %s, %s, 'n')", id, value, value)
			args = append(args, k)
		}
		if _, err := w.db.Exec(b.String(), args...); err != nil {
			t.Fatal(err)
		}
		w.silent("one parameter for two encrypted columns")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 77"), w.mark)
		w.equal(w.value("SELECT email FROM users WHERE id = 77"), w.mark)
	}},
	{"a search index beside each value fits at the limit of parameters", withInterpolation, func(t *testing.T, e engine) {
		w := e.open(t, head+`tables:
  people:
    columns: {mail: {search: {equality: {collation: binary}}}}
`)
		w.exec("CREATE TABLE people (id INTEGER PRIMARY KEY, mail VARCHAR(60), note VARCHAR(60))")
		first := 0
		for _, n := range []int{e.maxParams() - e.maxParams()%3 - 3, e.maxParams() - e.maxParams()%3} {
			var args []any
			for i := range n / 3 {
				args = append(args, first+i, fmt.Sprint(w.mark, first+i), "n")
			}
			text := w.bind("INSERT INTO people (id, mail, note) VALUES " + strings.Repeat(", (?, ?, ?)", n/3)[2:])
			st, err := w.db.Prepare(text)
			w.must(err)
			if _, err := st.Exec(args...); err != nil {
				t.Fatalf("%d parameters: %v", n, err)
			}
			w.must(st.Close())
			w.silent(fmt.Sprint(n, " parameters"))
			first += n / 3
		}
		for _, i := range []int{0, first - 1} {
			w.equal(fmt.Sprint(w.value("SELECT id FROM people WHERE mail = ?", fmt.Sprint(w.mark, i))), fmt.Sprint(i))
		}
		// So many questions that the last must be written into the text.
		list, args := strings.Repeat(", ?", e.maxParams()-1)[2:], []any{fmt.Sprint(w.mark, 7)}
		for len(args) < e.maxParams() {
			args = append(args, len(args))
		}
		w.equal(fmt.Sprint(w.value("SELECT count(*) FROM people WHERE mail = ? AND mail <> '{m}' AND id IN ("+list+")", args...)), "1")
	}},
	{"the condition of the partition fits at the limit of parameters", withInterpolation, func(t *testing.T, e engine) {
		w := e.open(t, tenantConfig, usersTable)
		ctx := sealsql.WithPartition(t.Context(), "a")
		w.exec("INSERT INTO users (id, tenant, ssn) VALUES (1, 'a', 'x')")
		w.exec("INSERT INTO users (id, tenant, ssn) VALUES (2, 'b', 'y')")
		for _, n := range []int{e.maxParams() - 2, e.maxParams() - 1, e.maxParams()} {
			args := []any{w.mark}
			for len(args) < n {
				args = append(args, len(args))
			}
			list := strings.Repeat(", ?", n-1)[2:]
			w.execContext(ctx, "UPDATE users SET ssn = ?, email = {M} WHERE id IN ("+list+")", args...)
			w.equal(w.valueContext(ctx, "SELECT ssn FROM users WHERE id = 1"), w.mark)
			w.equal(w.valueContext(ctx, "SELECT email FROM users WHERE id = 1"), w.mark)
			w.equal(w.valueContext(sealsql.WithPartition(t.Context(), "b"), "SELECT ssn FROM users WHERE id = 2"), "y")
			w.execContext(ctx, "UPDATE users SET ssn = 'x' WHERE id = 1")
		}
		for _, tooMany := range []int{e.maxParams() + 1} {
			args := make([]any, tooMany)
			for i := range args {
				args[i] = i
			}
			args[0] = w.mark
			_, err := w.db.ExecContext(ctx, w.bind("UPDATE users SET ssn = ? WHERE id IN ("+strings.Repeat(", ?", tooMany-1)[2:]+")"), args...)
			var u *rewrite.UnsupportedError
			if err == nil || errors.As(err, &u) && u.Reason == rewrite.ReasonVerify {
				t.Errorf("%d parameters: %v", tooMany, err)
			}
			w.silent("one parameter too many")
		}
	}},
}

// sharedBatch is an INSERT of exactly n parameters, of which each row has one
// for an encrypted and a clear column. On SQLite, where numbers in the text
// take quadratic time, only the last row has.
func (e engine) sharedBatch(columns string, n, first int) (text string, args []any, rows int) {
	var b strings.Builder
	b.WriteString("INSERT INTO users " + columns + " VALUES ")
	for k := 1; k <= n; rows++ {
		if rows > 0 {
			b.WriteString(", ")
		}
		args = append(args, first+rows)
		switch {
		case n-k == 1 || e.dialect == rewrite.Postgres && k < n:
			fmt.Fprintf(&b, "(%s, %s, %s, NULL)", e.numbered(k), e.numbered(k+1), e.numbered(k+1))
			args = append(args, fmt.Sprint("shared", first+rows))
			k += 2
		case e.dialect == rewrite.Postgres:
			fmt.Fprintf(&b, "(%s, NULL, NULL, NULL)", e.numbered(k))
			k++
		default:
			b.WriteString("(?, NULL, NULL, NULL)")
			k++
		}
	}
	return b.String(), args, rows
}

// storesShared executes such a batch, executes it once more prepared, and
// compares the two columns.
func (w *world) storesShared(text string, args []any, first, rows int) {
	w.t.Helper()
	check := func() {
		w.t.Helper()
		got, err := rowsOf(w.db.Query(w.bind("SELECT ssn, note FROM users WHERE id >= ? AND id < ? ORDER BY id"), first, first+rows))
		w.must(err)
		w.equal(len(got), rows)
		shared := 0
		for i, r := range got {
			if r[0] != r[1] || r[0] != nil && r[0] != fmt.Sprint("shared", first+i) {
				w.t.Fatalf("row %d holds %v", i, r)
			}
			if r[0] != nil {
				shared++
			}
		}
		if shared != len(args)-rows || shared == 0 {
			w.t.Errorf("%d rows hold the parameter of two columns", shared)
		}
	}
	if _, err := w.db.Exec(text, args...); err != nil {
		w.t.Fatalf("%d parameters: %v", len(args), err)
	}
	check()
	w.other("DELETE FROM users")
	st, err := w.db.Prepare(text)
	w.must(err)
	defer st.Close()
	if _, err := st.Exec(args...); err != nil {
		w.t.Fatalf("%d parameters, prepared: %v", len(args), err)
	}
	check()
}
