//go:build unix

package killtest

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// view is a configuration by which the database is looked at.
type view struct {
	config string
	asks   []string
	// old is set where the database may refuse the configuration.
	old bool
	// gone is a tenant whose keys are destroyed, or may be, with 1 added.
	gone int
}

// check kills all writers and compares the database with their journals.
func (w *world) check(when string, views ...view) {
	w.Helper()
	w.killWriters()
	w.settle()
	want := map[int]map[int]bool{}
	for _, p := range w.writers {
		for id, contents := range p.read().rows {
			want[id] = contents
		}
	}
	for _, v := range views {
		w.compare(when+" by "+filepath.Base(v.config), v, want)
	}
	w.searchFiles(when)
	if w.Failed() {
		w.Fatalf("seed %d: stopped", w.seed)
	}
}

func (w *world) compare(when string, v view, want map[int]map[int]bool) {
	w.Helper()
	db := w.sealed(v.config)
	defer db.Close()
	tenants := w.writers[0].options.Tenants
	found, err := w.read(db, tenants, v.gone)
	if err != nil {
		if v.old && notMine(err) {
			return
		}
		w.Errorf("seed %d: %s: %v", w.seed, when, err)
		return
	}
	for id, contents := range want {
		if v.gone > 0 && tenantOf(id, tenants) == v.gone-1 {
			continue
		}
		now, ok := found[id]
		if !ok {
			now = absent
		}
		if !contents[now] {
			w.Errorf("seed %d: %s: row %d has content %d, its writer knows of %v", w.seed, when, id, now, contents)
		}
	}
	taken := map[int]int{}
	for id, content := range found {
		if want[id] == nil {
			w.Errorf("seed %d: %s: row %d was written by nobody", w.seed, when, id)
		}
		if other, ok := taken[content]; ok {
			w.Errorf("seed %d: %s: rows %d and %d have the same address", w.seed, when, id, other)
		}
		taken[content] = id
	}
	for _, kind := range v.asks {
		w.searchAll(when, db, kind, tenants, found)
	}
}

// read opens every value of every row, but of a tenant that is gone.
func (w *world) read(db *sql.DB, tenants, gone int) (_ map[int]int, err error) {
	found := map[int]int{}
	for tenant := range tenants {
		if tenant == gone-1 {
			continue
		}
		if err := w.readTenant(db, tenant, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (w *world) readTenant(db *sql.DB, tenant int, found map[int]int) (err error) {
	rows, err := db.Query(bind(w.engine, "SELECT id, rank_no, email, bio, age FROM people WHERE tenant = ?"), tenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int
		var r row
		if err := rows.Scan(&id, &r.rank, &r.email, &r.bio, &r.age); err != nil {
			return err
		}
		content, err := contentOf(r.email)
		if err != nil || r != rowOf(content) {
			return errors.New("a row that is not of one content")
		}
		found[id] = content
	}
	return rows.Err()
}

// searchAll asks a question about every row, and about some that are not there.
func (w *world) searchAll(when string, db *sql.DB, kind string, tenants int, found map[int]int) {
	w.Helper()
	for id, content := range found {
		tenant := tenantOf(id, tenants)
		var want []int
		for other, c := range found {
			same := c == content
			if kind == "range" {
				d := rowOf(c).age - rowOf(content).age
				same = d >= -2 && d <= 1
			}
			if same && tenantOf(other, tenants) == tenant {
				want = append(want, other)
			}
		}
		got, err := search(bg, db, w.engine, kind, tenant, content)
		if err != nil {
			w.Errorf("seed %d: %s: %s: %v", w.seed, when, kind, err)
			return
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			w.Errorf("seed %d: %s: %s of row %d finds %v, want %v", w.seed, when, kind, id, got, want)
		}
		if questions[kind].exact {
			if got, err := search(bg, db, w.engine, kind, tenant, content+50_000); err != nil || len(got) != 0 {
				w.Errorf("seed %d: %s: %s of no row finds %v, %v", w.seed, when, kind, got, err)
			}
		}
	}
}

// searchFiles looks for plaintext in the files of the database and beside them.
func (w *world) searchFiles(when string) {
	w.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "journal") {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(canary))) {
			w.Errorf("seed %d: %s: plaintext in %s", w.seed, when, d.Name())
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	if w.engine == "sqlite" {
		return
	}
	rows, err := w.plain.Query("SELECT email, bio FROM people")
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var email, bio []byte
		if err := rows.Scan(&email, &bio); err != nil {
			w.Fatal(err)
		}
		if bytes.Contains(email, []byte(canary)) || bytes.Contains(bio, []byte(canary)) {
			w.Errorf("seed %d: %s: plaintext in the table", w.seed, when)
		}
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
}
