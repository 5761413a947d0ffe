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
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/testenv"
)

var bg = context.Background()

// world is a database of one engine, with the programs that use it.
type world struct {
	*testing.T
	engine, dsn, dir string
	seed             uint64
	rnd              *rand.Rand
	plain            *sql.DB
	writers          []*writer
	kills, runs      int
	maxAge           string // of catalogs
}

// seeded has the seed of the run; it is printed with each test.
func seeded(t testing.TB) uint64 {
	if s := os.Getenv("SEALSQL_KILLTEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return uint64(time.Now().UnixNano()) % 1_000_000
}

// rounds calls f once, or under SEALSQL_LONG=1 again and again with the next
// seeds until the time is over or something failed.
func rounds(t *testing.T, f func(seed uint64)) {
	seed := seeded(t)
	d := 2 * time.Minute
	if s := os.Getenv("SEALSQL_KILLTEST_TIME"); s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(d); ; seed++ {
		f(seed)
		if t.Failed() || !testenv.Long() || time.Now().After(end) {
			return
		}
	}
}

func newWorld(t *testing.T, engine string, seed uint64) *world {
	t.Helper()
	w := &world{T: t, engine: engine, dir: t.TempDir(), seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), maxAge: "100ms"}
	if testenv.Long() && seed%2 == 0 {
		w.maxAge = "1s"
	}
	plain := engine
	switch engine {
	case "sqlite":
		w.dsn = "file:" + filepath.Join(w.dir, "app.db") + "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_txlock=immediate"
	case "postgres":
		w.dsn, plain = testenv.Postgres(t), "pgx"
	case "mysql":
		w.dsn = testenv.MySQL(t)
	}
	var err error
	if w.plain, err = sql.Open(plain, w.dsn); err != nil {
		t.Fatal(err)
	}
	w.plain.SetMaxOpenConns(1)
	t.Cleanup(func() {
		w.killWriters()
		w.plain.Close()
		t.Logf("seed %d: %d commands, %d processes killed", seed, w.runs, w.kills)
	})
	return w
}

// config writes a configuration.
func (w *world) config(name, kms, tables string) string {
	w.Helper()
	path := filepath.Join(w.dir, name)
	text := "version: 1\nservice: shop\nproduct: " + strings.TrimSuffix(name, ".yaml") + "\n"
	if !strings.HasPrefix(name, "r") {
		text = "version: 1\nservice: shop\nproduct: orders\n"
	}
	text += kms + "metastore: {sql: same}\nmemory: prefer\npolicy: {revoke_check: 1s}\ncatalog: {max_age: " + w.maxAge + "}\ntables:\n" + tables
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// masterKey makes a master key.
func (w *world) masterKey(name string) string {
	w.Helper()
	path := filepath.Join(w.dir, name)
	w.sealsql(moment{}, 0, "keys", "generate", path)
	return path
}

func (w *world) sealed(config string) *sql.DB {
	w.Helper()
	db, err := openSealed(w.engine, w.dsn, config)
	if err != nil {
		w.Fatal(err)
	}
	return db
}

func (w *world) exec(db *sql.DB, query string) {
	w.Helper()
	if _, err := db.Exec(query); err != nil {
		w.Fatalf("%.40s: %v", query, err)
	}
}

// result is how a command ended.
type result struct {
	killed bool
	out    string
	code   int
}

// moment draws where a process is to be killed; most messages of a command come
// early, and the interesting ones are anywhere.
func (w *world) moment(most int64) (moment, time.Duration) {
	if w.rnd.IntN(4) == 0 {
		return moment{}, time.Duration(w.rnd.Int64N(int64(1500 * time.Millisecond)))
	}
	how := []string{"before", "after", "answer"}[w.rnd.IntN(3)]
	n := 1 + w.rnd.Int64N(1+w.rnd.Int64N(most))
	return moment{after: n, how: how}, 0
}

// sealsql runs the command, which is killed at a moment, or after a time, or not
// at all where both are zero. Ending otherwise than by the kill is not an error
// here unless it was not to be killed.
func (w *world) sealsql(at moment, after time.Duration, args ...string) result {
	w.Helper()
	for {
		r := w.sealsqlOnce(at, after, args...)
		w.runs++
		if r.killed {
			w.kills++
		}
		switch {
		case at != (moment{}) || after != 0 || r.code == 0:
			return r
		case !strings.Contains(r.out, "another process is moving this index"):
			w.Fatalf("seed %d: sealsql %s: exit %d\n%s", w.seed, strings.Join(args[:min(3, len(args))], " "), r.code, r.out)
		}
		time.Sleep(100 * time.Millisecond) // the last statement of one that was killed
	}
}

func (w *world) sealsqlOnce(at moment, after time.Duration, args ...string) result {
	w.Helper()
	cmd := self("sealsql", args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	abrupt := at.after > 0 && at.pause == 0 && at.after%2 == 0
	between := w.start(cmd, at, after, func(dsn string) {
		for i := range cmd.Args {
			if cmd.Args[i] == w.dsn {
				cmd.Args[i] = dsn
			}
		}
	})
	_ = cmd.Wait()
	r := result{killed: wasKilled(cmd), out: out.String(), code: cmd.ProcessState.ExitCode()}
	if r.killed && between != nil && abrupt {
		w.terminate(between)
	}
	return r
}

// command is sealsql with the flags that name the database.
func (w *world) command(at moment, after time.Duration, config string, args ...string) result {
	w.Helper()
	return w.sealsql(at, after, w.named(config, args)...)
}

// start starts a process that is killed at a moment or after a time. route is
// told the data source name that the process is to use. The relay is nil where
// there is none.
func (w *world) start(cmd *exec.Cmd, at moment, after time.Duration, route func(dsn string)) (between *relay) {
	w.Helper()
	kill := func() { _ = cmd.Process.Kill() }
	if at.pause > 0 {
		kill = func() { w.paused(cmd, at.pause) }
	}
	started := make(chan struct{})
	switch {
	case at.after > 0 && w.engine == "sqlite":
		n := at.after
		if at.pause > 0 { // it stops itself
			n = -n
			after, kill = at.pause, func() { // whenever it does
				for cmd.Process.Signal(syscall.SIGCONT) == nil {
					time.Sleep(50 * time.Millisecond)
				}
			}
		}
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", envEvent, n))
	case at.after > 0:
		between = newRelay(w, w.dial, at, func() { <-started; kill() })
		w.Cleanup(between.close)
		route(w.through(between.addr()))
	}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	close(started)
	if after > 0 {
		timer := time.AfterFunc(after, kill)
		w.Cleanup(func() { timer.Stop() })
	}
	return between
}

// terminate has the server end the sessions of a process that was killed, which
// would else run their last statement to its end.
func (w *world) terminate(between *relay) {
	w.Helper()
	between.mu.Lock()
	defer between.mu.Unlock()
	for _, port := range between.ports {
		if w.engine == "postgres" {
			if _, err := w.plain.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port = $1 AND datname = current_database()", port); err != nil {
				w.Fatal(err)
			}
			continue
		}
		var id int
		err := w.plain.QueryRow("SELECT id FROM information_schema.processlist WHERE db = database() AND host LIKE ?", fmt.Sprintf("%%:%d", port)).Scan(&id)
		if err == nil {
			_, _ = w.plain.Exec(fmt.Sprintf("KILL %d", id)) // it may have ended
		} else if !errors.Is(err, sql.ErrNoRows) {
			w.Fatal(err)
		}
	}
}

// paused stops a process for a while.
func (w *world) paused(cmd *exec.Cmd, d time.Duration) {
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	time.AfterFunc(d, func() { _ = cmd.Process.Signal(syscall.SIGCONT) })
}

// twice runs a command that is stopped for a while, and the same beside it. One
// of them may be told that the other is at it.
func (w *world) twice(config string, args ...string) {
	w.Helper()
	at := moment{after: 1 + w.rnd.Int64N(1+w.rnd.Int64N(120)), how: []string{"before", "after", "answer"}[w.rnd.IntN(3)], pause: time.Duration(w.rnd.Int64N(int64(4 * time.Second)))}
	var first result
	done := make(chan struct{})
	go func() {
		defer close(done)
		first = w.sealsqlOnce(at, 0, w.named(config, args)...)
	}()
	time.Sleep(time.Duration(w.rnd.Int64N(int64(2 * time.Second))))
	second := w.sealsqlOnce(moment{}, 0, w.named(config, args)...)
	<-done
	for _, r := range []result{first, second} {
		w.mayFail(args, r)
		if r.code != 0 {
			w.Logf("seed %d: one of two: %s: exit %d\n%s", w.seed, strings.Join(args, " "), r.code, r.out)
		}
	}
}

// named adds the flags that name the database.
func (w *world) named(config string, args []string) []string {
	return append(slices.Clone(args), "--config", config, "--dialect", w.engine, "--dsn", w.dsn)
}

// dial connects to the server.
func (w *world) dial() (net.Conn, error) {
	if w.engine == "mysql" {
		cfg, err := mysql.ParseDSN(w.dsn)
		if err != nil {
			return nil, err
		}
		return net.Dial(cfg.Net, cfg.Addr)
	}
	u, err := url.Parse(w.dsn)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	return net.Dial("tcp", u.Host)
}

// through is the data source name by way of an address.
func (w *world) through(addr string) string {
	w.Helper()
	if w.engine == "mysql" {
		cfg, err := mysql.ParseDSN(w.dsn)
		if err != nil {
			w.Fatal("not a data source name")
		}
		cfg.Net, cfg.Addr = "tcp", addr
		return cfg.FormatDSN()
	}
	u, err := url.Parse(w.dsn)
	if err != nil {
		w.Fatal("not a URL")
	}
	u.Host = addr
	return u.String()
}

// writer is a program that writes, started again and again.
type writer struct {
	w       *world
	options writerOptions
	cmd     *exec.Cmd
	in      io.Closer
	out     *strings.Builder
	done    chan struct{}
}

// writer adds a writer that is not started yet.
func (w *world) writer(o writerOptions) *writer {
	n := len(w.writers) + 1
	o.Engine, o.DSN, o.First = w.engine, w.dsn, n*100_000
	o.Journal = filepath.Join(w.dir, fmt.Sprintf("journal%d", n))
	if o.Rows == 0 {
		o.Rows = 12
	}
	if o.Pause == 0 {
		o.Pause = 120 * time.Millisecond
		if testenv.Long() {
			o.Pause /= 4
		}
	}
	p := &writer{w: w, options: o}
	w.writers = append(w.writers, p)
	return p
}

// start starts the program, which is killed at a moment or later.
func (p *writer) start(at moment, after time.Duration) {
	p.w.Helper()
	p.options.Seed = p.w.rnd.Uint64()
	o := p.options
	p.cmd = self("writer", "")
	p.out = &strings.Builder{}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	in, err := p.cmd.StdinPipe()
	if err != nil {
		p.w.Fatal(err)
	}
	p.in, p.done = in, make(chan struct{})
	set := func(dsn string) {
		o.DSN = dsn
		text, err := json.Marshal(o)
		if err != nil {
			p.w.Fatal(err)
		}
		p.cmd.Args[1] = string(text)
	}
	set(o.DSN)
	p.w.start(p.cmd, at, after, set)
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
}

// running reports whether the program runs.
func (p *writer) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill kills the program, if it still runs, and says whether it had ended by
// itself, which it must not.
func (p *writer) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	if wasKilled(p.cmd) {
		p.w.kills++
	} else {
		p.w.Errorf("seed %d: writer %d (%s) ended: %s", p.w.seed, p.options.First/100_000, filepath.Base(p.options.Config), p.out)
	}
	p.in.Close()
	p.cmd = nil
}

// await waits until the program was killed, or has had n statements acknowledged
// since it was started.
func (p *writer) await(n int) {
	p.w.Helper()
	before := p.read().acks
	for end := time.Now().Add(5 * time.Minute); p.running() && p.read().acks < before+n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.w.Fatalf("seed %d: writer %d writes nothing", p.w.seed, p.options.First/100_000)
		}
	}
}

func (p *writer) read() *journal {
	p.w.Helper()
	j, err := readJournal(p.options.Journal, p.options.First)
	if err != nil {
		p.w.Fatal(err)
	}
	return j
}

func (w *world) killWriters() {
	for _, p := range w.writers {
		p.kill()
	}
}

// settle waits until the server has noticed that processes were killed: what they
// had sent is done then, or never will be.
func (w *world) settle() {
	w.Helper()
	query := map[string]string{
		"postgres": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
		"mysql":    "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
	}[w.engine]
	for end := time.Now().Add(5 * time.Minute); query != ""; time.Sleep(10 * time.Millisecond) {
		var n int
		if err := w.plain.QueryRow(query).Scan(&n); err != nil {
			w.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("seed %d: %d connections of killed processes are open", w.seed, n)
		}
	}
}

// withoutRace leaves a test to the run without the race detector, of which make test
// has one: what is killed are other processes, which it would slow down only.
func withoutRace(t *testing.T) {
	t.Helper()
	if testenv.Sampled() {
		t.Skip("run without -race")
	}
}

// chosen is what of a test is run without SEALSQL_LONG=1.
func chosen(short bool) bool { return short || testenv.Long() }

// times is how often something is killed: less in a short run.
func (w *world) times(short int) int {
	if testenv.Long() {
		return short + w.rnd.IntN(4*short)
	}
	return short
}

// mayFail lets a command that was to be killed end before, well, or by an error
// that somebody who was killed before it is the cause of.
func (w *world) mayFail(args []string, r result) {
	w.Helper()
	if r.killed || r.code == 0 || strings.Contains(r.out, "another process is moving this index") {
		return
	}
	w.Errorf("seed %d: sealsql %s: exit %d\n%s", w.seed, strings.Join(args, " "), r.code, r.out)
}
