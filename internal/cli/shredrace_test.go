package cli

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
)

// tenantWriter inserts rows of two tenants in turn, and prints the ids of those
// that were stored, until its input ends. Rows of acme may be refused because
// its keys are destroyed; anything else is a fault.
func tenantWriter() {
	db, err := sql.Open(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println("fault", err)
		os.Exit(1)
	}
	defer db.Close()
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	first, _ := strconv.Atoi(os.Args[3])
	for id := first; ; id++ {
		select {
		case <-stop:
			return
		default:
		}
		tenant := []string{"acme", "initech"}[id%2]
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		_, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (%d, '%s', 'ssn-%d', 'fax-%d')", id, tenant, id, id))
		cancel()
		switch {
		case err == nil:
			fmt.Println("stored", tenant, id)
		case tenant == "acme" && errors.Is(err, sealsql.ErrShredded):
			fmt.Println("shredded")
		default:
			fmt.Println("fault", err)
			os.Exit(1)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Three processes write for two tenants while the keys of one are destroyed:
// nothing of that one can be read, nothing of the other is lost.
func TestShreddingBesideWritersInThreeProcesses(t *testing.T) {
	for _, l := range lives {
		t.Run(l.dialect, func(t *testing.T) {
			t.Parallel()
			b := newRaceBench(t, l)
			w := b.writers(3)
			b.awaitRows("acme")
			report := filepath.Join(t.TempDir(), "report.json")
			b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes")
			time.Sleep(2500 * time.Millisecond) // revoke_check is one second
			b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now")
			w.await("the tenant is refused", func() bool { return w.gone > 0 })
			n := len(w.known("initech")) + 3
			w.await("the other tenant goes on", func() bool { return len(w.stored["initech"]) >= n })
			stored, refused := w.end()
			if len(stored["acme"]) == 0 || refused == 0 {
				t.Fatalf("%d rows of the tenant were stored, %d refused: the race did not happen", len(stored["acme"]), refused)
			}
			db := b.encrypted()
			for _, id := range stored["initech"] {
				var ssn string
				if err := db.QueryRow("SELECT ssn FROM keyholders WHERE tenant = 'initech' AND id = " + id).Scan(&ssn); err != nil || ssn != "ssn-"+id {
					t.Fatalf("a row of the other tenant: %q, %v", ssn, err)
				}
			}
			for _, id := range stored["acme"] {
				var ssn string
				err := db.QueryRow("SELECT ssn FROM keyholders WHERE tenant = 'acme' AND id = " + id).Scan(&ssn)
				if !errors.Is(err, sealsql.ErrShredded) {
					t.Fatalf("a row of the destroyed tenant: %q, %v", ssn, err)
				}
			}
			t.Logf("%d and %d rows", len(stored["acme"]), len(stored["initech"]))
		})
	}
}

// awaitRows waits until a tenant has rows: processes start slowly on a loaded
// machine.
func (b *bench) awaitRows(tenant string) {
	b.t.Helper()
	n := 0
	for deadline := time.Now().Add(time.Minute); n == 0; time.Sleep(20 * time.Millisecond) {
		if err := b.db.QueryRow("SELECT count(*) FROM keyholders WHERE tenant = '" + tenant + "'").Scan(&n); err != nil || time.Now().After(deadline) {
			b.t.Fatalf("no row of %s was stored: %v", tenant, err)
		}
	}
}

func newRaceBench(t *testing.T, l live) *bench {
	t.Helper()
	b := &bench{live: l, t: t, config: filepath.Join(t.TempDir(), "sealsql.yaml"), source: l.dsn(t)}
	if l.dialect == "sqlite" {
		b.source += "&_pragma=busy_timeout(60000)&_txlock=immediate"
	}
	var err error
	if b.db, err = sql.Open(l.plain, b.source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	key := filepath.Join(filepath.Dir(b.config), "master.key")
	b.command(exitOK, "keys", "generate", key)
	text := strings.Replace(tenantsConfig, "{env: SEALSQL_TEST_KEY}", "{file: "+key+"}", 1)
	text = strings.Replace(text, "ssn: {type: varchar(40), search: {equality: {%s}}}", "ssn: {type: varchar(40)}", 1)
	text = fmt.Sprintf(text, "policy: {revoke_check: 1s}\ncache: {intermediate: {ttl: 1s}, data: {ttl: 1s}}")
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := map[string]string{"sqlite": "BLOB", "postgres": "bytea", "mysql": "varbinary(400)"}[b.dialect]
	b.must("CREATE TABLE keyholders (id integer PRIMARY KEY, tenant varchar(40) NOT NULL, ssn " + binary + ", fax varchar(400));\n" +
		"CREATE TABLE keynotes (body " + binary + ");\n")
	b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
	return b
}

// writers is a number of running processes.
type writers struct {
	t      *testing.T
	inputs []io.Closer
	wg     sync.WaitGroup
	mu     sync.Mutex
	stored map[string][]string
	gone   int
}

func (b *bench) writers(n int) *writers {
	b.t.Helper()
	w := &writers{t: b.t, stored: map[string][]string{}}
	sep := "?"
	if strings.Contains(b.source, "?") {
		sep = "&"
	}
	for i := range n {
		cmd := exec.Command("tenantwriter", b.sealed, b.source+sep+"sealsql_config="+b.config, strconv.Itoa((i+1)*100_000))
		in, err := cmd.StdinPipe()
		if err != nil {
			b.t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.t.Fatal(err)
		}
		w.inputs = append(w.inputs, in)
		w.wg.Go(func() {
			w.read(out)
			if err := cmd.Wait(); err != nil {
				b.t.Errorf("a writer ended: %v", err)
			}
		})
	}
	return w
}

func (w *writers) read(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		w.mu.Lock()
		switch tenant, id, _ := strings.Cut(rest, " "); word {
		case "stored":
			w.stored[tenant] = append(w.stored[tenant], id)
		case "shredded":
			w.gone++
		default:
			w.t.Errorf("a writer says: %s", lines.Text())
		}
		w.mu.Unlock()
	}
}

// known are the rows of a tenant so far.
func (w *writers) known(tenant string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored[tenant]
}

// await waits for what the processes report.
func (w *writers) await(what string, done func() bool) {
	w.t.Helper()
	locked := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return done()
	}
	for end := time.Now().Add(time.Minute); !locked(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// end stops the processes and returns what they stored and how many rows were
// refused.
func (w *writers) end() (map[string][]string, int) {
	for _, in := range w.inputs {
		in.Close()
	}
	w.wg.Wait()
	return w.stored, w.gone
}
