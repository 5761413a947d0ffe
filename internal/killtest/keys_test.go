//go:build unix

package killtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
)

var engines = []string{"sqlite", "postgres", "mysql"}

// searched is a table with an equality index for each partition.
var searched = definition{email: plainEmail}

// Keys are moved to another master key, put under a new system key, replaced and
// revoked by commands that are killed, beside writers that are killed as well:
// every key can be opened by one of the two master keys, and the next run is whole.
func TestKeysAreRewrappedByACommandThatIsKilled(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, engine := range engines {
		if !chosen(engine == "postgres") {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			rounds(t, func(seed uint64) { rewrapped(newWorld(t, engine, seed)) })
		})
	}
}

func rewrapped(w *world) {
	a, b := w.masterKey("a.key"), w.masterKey("b.key")
	before := w.config("before.yaml", "kms: {file: "+a+"}\n", searched.tables())
	during := w.config("during.yaml", "kms: {file: "+b+"}\nkms_retiring: {file: "+a+"}\n", searched.tables())
	after := w.config("after.yaml", "kms: {file: "+b+"}\n", searched.tables())
	w.command(moment{}, 0, before, "metastore", "init")
	w.people(before, searched)
	const tenants = 8
	asks := []string{"equality"}
	for range 2 {
		p := w.writer(writerOptions{Config: before, Tenants: tenants, Rows: 24, Unique: true, Asks: asks})
		p.start(moment{}, 0)
		p.await(15)
	}
	w.check("before", view{config: before, asks: asks})
	for _, p := range w.writers { // every process has both first
		p.options.Config = during
		p.start(moment{}, 0)
	}
	for range w.times(1) {
		for i, args := range [][]string{
			{"keys", "rewrap"},
			{"keys", "rotate", "system"},
			{"keys", "rewrap"},
			{"keys", "rotate", fmt.Sprintf("partition:%d", w.rnd.IntN(tenants))},
			{"keys", "revoke", fmt.Sprintf("partition:%d", w.rnd.IntN(tenants))},
			{"keys", "rewrap", "--force"},
		} {
			if chosen(i < 3) {
				w.killedKeys(during, args, view{config: during, asks: asks})
			}
		}
	}
	for _, p := range w.writers {
		p.await(3)
	}
	w.killWriters()
	w.settle()
	w.command(moment{}, 0, during, "keys", "rewrap")
	w.listed(after)
	w.check("after the move", view{config: after, asks: asks})
	for _, p := range w.writers {
		p.options.Config = after
		p.start(moment{}, 0)
		p.await(5)
	}
	w.check("at the end", view{config: after, asks: asks})
}

// killedKeys runs a command on keys, killed at moments, and then to its end.
func (w *world) killedKeys(config string, args []string, v view) {
	w.Helper()
	if testenv.Long() && w.rnd.IntN(3) == 0 {
		w.restart()
		w.twice(config, args...)
	}
	for range w.times(1) {
		w.restart()
		at, after := w.moment(40)
		r := w.command(at, after, config, args...)
		w.mayFail(args, r)
		w.listed(config)
		if w.rnd.IntN(2) == 0 {
			w.check("after a kill in "+strings.Join(args, " "), v)
		}
	}
	w.restart()
	w.command(moment{}, 0, config, args...)
}

// restart starts the writers that do not run, and others anew.
func (w *world) restart() {
	w.Helper()
	for _, p := range w.writers {
		if !p.running() || w.rnd.IntN(4) == 0 {
			p.kill()
			p.start(moment{}, 0)
		}
	}
}

// listed looks at every key by a configuration: each can be checked, none is damaged.
func (w *world) listed(config string) {
	w.Helper()
	r := w.command(moment{}, 0, config, "keys", "list", "--json")
	if strings.Contains(r.out, `"damaged"`) {
		w.Errorf("seed %d: keys by %s:\n%s", w.seed, filepath.Base(config), r.out)
	}
}

// A partition's keys are destroyed by a command that is killed in its halves and
// between them, beside writers: the next run is whole, its report is authentic and
// complete, and other partitions are as they were.
func TestAPartitionIsDestroyedByACommandThatIsKilled(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, engine := range engines {
		if !chosen(engine == "mysql") {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			rounds(t, func(seed uint64) { shredded(newWorld(t, engine, seed)) })
		})
	}
}

func shredded(w *world) {
	kms := "cache: {intermediate: {ttl: 1s}, data: {ttl: 1s}}\nkms: {file: " + w.masterKey("a.key") + "}\n"
	config := w.config("one.yaml", kms, searched.tables())
	w.command(moment{}, 0, config, "metastore", "init")
	w.people(config, searched)
	const tenants = 3
	doomed := w.rnd.IntN(tenants)
	asks := []string{"equality"}
	for range 2 {
		p := w.writer(writerOptions{Config: config, Tenants: tenants, Asks: asks, Doomed: doomed + 1})
		p.start(moment{}, 0)
		p.await(12)
	}
	rest := view{config: config, asks: asks, gone: doomed + 1}
	for range 2 { // two versions
		w.command(moment{}, 0, config, "keys", "rotate", fmt.Sprintf("partition:%d", doomed))
		time.Sleep(1100 * time.Millisecond) // created is in seconds
	}
	report := filepath.Join(w.dir, "report.json")
	args := []string{"shred", "--partition", fmt.Sprint(doomed), "--report", report, "--yes"}
	w.killedKeys(config, args, rest)
	w.check("begun", rest)
	// No process runs that could hold a key.
	args = append(args, "--now")
	for range w.times(2) {
		at, after := w.moment(40)
		w.mayFail(args, w.command(at, after, config, args...))
	}
	w.command(moment{}, 0, config, args...)
	w.command(moment{}, 0, config, "shred", "--reapply", report, "--report", report+".again", "--yes") // verifies it
	w.complete(report, doomed)
	w.restart()
	for _, p := range w.writers {
		p.await(4)
	}
	w.check("at the end", rest)
	w.unreadable(config, doomed)
}

// complete looks at what a report says.
func (w *world) complete(path string, doomed int) {
	w.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	var report struct {
		Phase   string
		Damaged []string
		Keys    []struct{ Key, Kind, Status string }
		Records []struct {
			Table, Column string
			Records       int
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		w.Fatal(err)
	}
	if report.Phase != "finished" || len(report.Damaged) > 0 || len(report.Keys) < 4 { // versions of the partition, its index
		w.Errorf("seed %d: the report: %s", w.seed, text)
	}
	for _, k := range report.Keys {
		if k.Status != "destroyed" {
			w.Errorf("seed %d: %s is %s", w.seed, k.Key, k.Status)
		}
	}
	rows, counted := 0, 0
	if err := w.plain.QueryRow(fmt.Sprintf("SELECT count(*) FROM people WHERE tenant = %d", doomed)).Scan(&rows); err != nil {
		w.Fatal(err)
	}
	// On MySQL tables of that name in every database are counted: those of other tests.
	own := map[string]string{"sqlite": "main.people", "postgres": "public.people"}[w.engine]
	if w.engine == "mysql" {
		if err := w.plain.QueryRow("SELECT concat(database(), '.people')").Scan(&own); err != nil {
			w.Fatal(err)
		}
	}
	for _, r := range report.Records {
		if r.Column == "email" && r.Table == own {
			counted += r.Records
		}
	}
	if counted != rows {
		w.Errorf("seed %d: the report counts %d records, there are %d", w.seed, counted, rows)
	}
}

// unreadable sees that nothing of a destroyed partition is opened, found or made.
func (w *world) unreadable(config string, doomed int) {
	w.Helper()
	db := w.sealed(config)
	defer db.Close()
	if err := w.readTenant(db, doomed, map[int]int{}); !errors.Is(err, sealsql.ErrShredded) {
		w.Errorf("seed %d: reading: %v", w.seed, err)
	}
	if _, err := search(bg, db, w.engine, "equality", doomed, 1); !errors.Is(err, sealsql.ErrShredded) {
		w.Errorf("seed %d: searching: %v", w.seed, err)
	}
	r := rowOf(1)
	if _, err := db.Exec(bind(w.engine, "INSERT INTO people (id, tenant, rank_no, email, bio, age) VALUES (?, ?, ?, ?, ?, ?)"), 1, doomed, r.rank, r.email, r.bio, r.age); !errors.Is(err, sealsql.ErrShredded) {
		w.Errorf("seed %d: writing: %v", w.seed, err)
	}
}

// Programs are killed while they use partitions, and a key table, for the first
// time: whoever comes next reads and finds everything, and writes.
func TestWritersAreKilledWhenTheyMakeKeys(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, engine := range engines {
		if !chosen(engine == "sqlite") {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			rounds(t, func(seed uint64) { firstUse(newWorld(t, engine, seed)) })
		})
	}
}

func firstUse(w *world) {
	kms := "kms: {file: " + w.masterKey("a.key") + "}\n"
	asks := []string{"equality"}
	w.command(moment{}, 0, w.config("one.yaml", kms, searched.tables()), "metastore", "init")
	for round := range w.times(1) {
		// Another product has keys of its own, from the system key on.
		d := searched
		if w.rnd.IntN(2) == 0 {
			d.email = strings.Replace(d.email, "scope: partition", "scope: table", 1)
		}
		config := w.config(fmt.Sprintf("r%d.yaml", round), kms, d.tables())
		if _, err := w.plain.Exec("DROP TABLE IF EXISTS people"); err != nil {
			w.Fatal(err)
		}
		w.people(config, d)
		for range 3 {
			w.writer(writerOptions{Config: config, Tenants: 40, Rows: 40, Asks: asks, Unique: true, Pause: time.Millisecond})
		}
		for range w.times(2) {
			for _, p := range w.writers {
				at, after := w.moment(60)
				p.start(at, after)
			}
			for _, p := range w.writers {
				p.await(25)
			}
			w.check("after a kill", view{config: config, asks: asks})
		}
		for _, p := range w.writers {
			p.start(moment{}, 0)
			p.await(40)
		}
		w.check("at the end", view{config: config, asks: asks})
		w.writers = nil
		for _, path := range must(filepath.Glob(filepath.Join(w.dir, "journal*"))) {
			if err := os.Remove(path); err != nil {
				w.Fatal(err)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
