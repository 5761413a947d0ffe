//go:build unix

package killtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql"
	_ "github.com/sealsql/sealsql/driver/mysql"
	_ "github.com/sealsql/sealsql/driver/postgres"
	_ "github.com/sealsql/sealsql/driver/sqlite"
)

// writerOptions tell a writer what to do.
type writerOptions struct {
	Engine, DSN, Config, Journal string
	// First is the first of its rows and of its contents; it has Rows rows.
	First, Rows int
	// Tenants is the number of partitions.
	Tenants int
	Seed    uint64
	// Unique has it try values that another row has.
	Unique bool
	// Asks are the questions that its configuration answers.
	Asks []string
	// Old is set where the configuration is one that the database may refuse.
	Old bool
	// Partitions is set where a program without the next index may have made one.
	Partitions bool
	// Doomed is a tenant whose keys may be destroyed, with 1 added; 0 for none.
	Doomed int
	// Pause is the longest time between two statements.
	Pause time.Duration
}

func tenantOf(id, tenants int) int { return id % tenants }

// row is what a content looks like.
type row struct {
	rank       int
	email, bio string
	age        int
}

// canary is in every text; files are searched for it.
const canary = "cAnArY7f"

func rowOf(content int) row {
	return row{
		rank: content % 5, age: content % 97,
		email: fmt.Sprintf("%s.%d@Example.org", canary, content),
		bio:   fmt.Sprintf("N%d has %s and likes the number %d", content, canary, content),
	}
}

func contentOf(email string) (int, error) {
	var n int
	_, err := fmt.Sscanf(email, canary+".%d@Example.org", &n)
	return n, err
}

// question is a statement that an index answers, about one row.
type question struct {
	query string
	args  func(tenant int, r row) []any
	exact bool // no other row has it
}

var questions = map[string]question{
	"equality": {"SELECT id FROM people WHERE tenant = ? AND email = ?", func(t int, r row) []any { return []any{t, r.email} }, true},
	"contains": {"SELECT id FROM people WHERE tenant = ? AND bio LIKE ?", func(t int, r row) []any { return []any{t, "%" + r.bio[len(r.bio)-13:]} }, true},
	"prefix":   {"SELECT id FROM people WHERE tenant = ? AND bio LIKE ?", func(t int, r row) []any { return []any{t, r.bio[:8] + "%"} }, true},
	"range":    {"SELECT id FROM people WHERE tenant = ? AND age BETWEEN ? AND ?", func(t int, r row) []any { return []any{t, r.age - 2, r.age + 1} }, false},
	"compound": {"SELECT id FROM people WHERE tenant = ? AND rank_no = ? AND email = ?", func(t int, r row) []any { return []any{t, r.rank, r.email} }, true},
}

// openSealed opens a database as a program with that configuration does.
func openSealed(engine, dsn, config string) (*sql.DB, error) {
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	db, err := sql.Open("encrypted-"+engine, dsn+sep+"sealsql_config="+config)
	if err == nil {
		db.SetMaxOpenConns(2)
	}
	return db, err
}

// bind numbers the parameters where the engine does.
func bind(engine, query string) string {
	for n := 1; engine == "postgres" && strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
	}
	return query
}

type writerProcess struct {
	writerOptions
	*journal
	db  *sql.DB
	rnd *rand.Rand
}

// writerMain is what a writer does until its input ends. An error is a fault of
// the product.
func writerMain(options string) error {
	w := &writerProcess{}
	if err := json.Unmarshal([]byte(options), &w.writerOptions); err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var err error
	if w.journal, err = openJournal(w.Journal, w.First); err != nil {
		return err
	}
	if w.db, err = openSealed(w.Engine, w.DSN, w.Config); err != nil {
		return err
	}
	defer w.db.Close()
	w.rnd = rand.New(rand.NewPCG(w.Seed, uint64(w.seq)))
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.rnd.Int64N(int64(w.Pause) + 1))):
		}
		if err := w.step(); err != nil {
			return err
		}
	}
}

// statement gives a row a content.
type statement struct {
	id, content int
	query       string
	args        []any
}

func (w *writerProcess) step() error {
	id := w.First + w.rnd.IntN(w.Rows)
	if now, sure := w.sure(id); sure && now != absent && w.Unique && w.rnd.IntN(6) == 0 {
		return w.duplicate(id)
	}
	other := w.First + w.rnd.IntN(w.Rows)
	if id != other && w.rnd.IntN(5) == 0 {
		return w.transaction(w.statement(id, w.next), w.statement(other, w.next+1))
	}
	return w.change(w.statement(id, w.next))
}

// statement draws what happens to a row.
func (w *writerProcess) statement(id, content int) statement {
	tenant := tenantOf(id, w.Tenants)
	now, sure := w.sure(id)
	r := rowOf(content)
	switch {
	case !sure, now != absent && w.rnd.IntN(6) == 0: // not sure: killed while it was written
		return statement{id, absent, "DELETE FROM people WHERE id = ? AND tenant = ?", []any{id, tenant}}
	case now == absent:
		return statement{id, content, "INSERT INTO people (id, tenant, rank_no, email, bio, age) VALUES (?, ?, ?, ?, ?, ?)", []any{id, tenant, r.rank, r.email, r.bio, r.age}}
	}
	return statement{id, content, "UPDATE people SET rank_no = ?, email = ?, bio = ?, age = ? WHERE id = ? AND tenant = ?", []any{r.rank, r.email, r.bio, r.age, id, tenant}}
}

// change runs a statement, and asks for the row.
func (w *writerProcess) change(s statement) error {
	seq, err := w.intend(s.id, s.content)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	_, err = w.db.ExecContext(ctx, bind(w.Engine, s.query), s.args...)
	switch {
	case err == nil:
		if err := w.acknowledged(seq, s.content); err != nil {
			return err
		}
		return w.ask(ctx, s)
	case w.expected(s.id, err):
		return w.failed(seq)
	}
	return fmt.Errorf("%.6s: %w", s.query, err)
}

// transaction runs statements in one transaction, which is open for a while.
func (w *writerProcess) transaction(statements ...statement) error {
	var seqs []int
	for _, s := range statements {
		seq, err := w.intend(s.id, s.content)
		if err != nil {
			return err
		}
		seqs = append(seqs, seq)
	}
	done, err := w.together(statements)
	if err != nil && !slices.ContainsFunc(statements, func(s statement) bool { return w.expected(s.id, err) }) {
		return fmt.Errorf("transaction: %w", err)
	}
	for i, s := range statements {
		if err := w.heard(done, seqs[i], s.content); err != nil {
			return err
		}
	}
	return nil
}

func (w *writerProcess) heard(done bool, seq, content int) error {
	if done {
		return w.acknowledged(seq, content)
	}
	return w.failed(seq)
}

// together reports whether the transaction was committed; it may be rolled back
// without an error.
func (w *writerProcess) together(statements []statement) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, bind(w.Engine, s.query), s.args...); err != nil {
			_ = tx.Rollback()
			return false, err
		}
		time.Sleep(time.Duration(w.rnd.Int64N(int64(2*w.Pause) + 1)))
	}
	if w.rnd.IntN(4) == 0 {
		return false, tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	return true, nil
}

// expected reports errors that say that nothing was done, and may.
func (w *writerProcess) expected(id int, err error) bool {
	var my *mysql.MySQLError
	var pg *pgconn.PgError
	switch {
	case w.Old && (notMine(err) || errors.As(err, &my) && my.Number == 1054 || errors.As(err, &pg) && pg.Code == "42703"):
		return true // the column was dropped between the plan and the statement
	case w.Doomed > 0 && tenantOf(id, w.Tenants) == w.Doomed-1 && errors.Is(err, sealsql.ErrShredded):
		return true
	case w.Partitions && errors.Is(err, sealsql.ErrIndexKey):
		return true
	case errors.As(err, &my):
		return my.Number == 1213 // deadlock
	case errors.As(err, &pg):
		return pg.Code == "40P01"
	}
	return false
}

// notMine reports the errors of a configuration that does not go with the
// database any more: the guard's, the catalog's, and that of a missing column.
func notMine(err error) bool {
	return errors.Is(err, sealsql.ErrPlaintextBlocked) || errors.Is(err, sealsql.ErrSetup) || errors.Is(err, sealsql.ErrRefused)
}

// ask searches for a row that was just written.
func (w *writerProcess) ask(ctx context.Context, s statement) error {
	if len(w.Asks) == 0 || s.content == absent {
		return nil
	}
	id, content := s.id, s.content
	kind := w.Asks[w.rnd.IntN(len(w.Asks))]
	got, err := search(ctx, w.db, w.Engine, kind, tenantOf(id, w.Tenants), content)
	if err != nil {
		if w.expected(id, err) {
			return nil
		}
		return fmt.Errorf("%s: %w", kind, err)
	}
	if !slices.Contains(got, id) || questions[kind].exact && len(got) != 1 {
		return fmt.Errorf("%s: row %d was written, and %v are found", kind, id, got)
	}
	return nil
}

// search asks a question about a content, and returns the rows found.
func search(ctx context.Context, db *sql.DB, engine, kind string, tenant, content int) (ids []int, err error) {
	q := questions[kind]
	rows, err := db.QueryContext(ctx, bind(engine, q.query), q.args(tenant, rowOf(content))...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// duplicate tries to give a row the address that another row of the tenant has.
func (w *writerProcess) duplicate(id int) error {
	for other := w.First; other < w.First+w.Rows; other++ {
		content, sure := w.sure(other)
		if other == id || !sure || content == absent || tenantOf(other, w.Tenants) != tenantOf(id, w.Tenants) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		r := rowOf(content)
		_, err := w.db.ExecContext(ctx, bind(w.Engine, "UPDATE people SET rank_no = ?, email = ?, bio = ?, age = ? WHERE id = ? AND tenant = ?"),
			r.rank, r.email, r.bio, r.age, id, tenantOf(id, w.Tenants))
		if err == nil {
			return fmt.Errorf("row %d was given the address of row %d, which is unique", id, other)
		}
		return nil
	}
	return nil
}
