//go:build unix

package vitesscheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const configuration = `version: 1
service: clinic
product: vitess
kms: {env: SEALSQL_VITESS_KEY}
metastore: {sql: {dsn_env: SEALSQL_VITESS_KEYS}}
tables:
  clinic.patients:
    columns:
      name: {type: varchar(40), search: {equality: {column: name_bidx, collation: binary}, prefix: {column: name_pfx, lengths: [3], collation: binary}}}
      ssn: {type: varchar(20), search: {equality: {column: ssn_bidx, collation: binary}}}
      born: {type: date, search: {range: {column: born_rng, order: revealing}}, accept_leakage: order}
      weight: {type: "decimal(5,1)"}
  clinic.visits:
    partition: {column: patient_id, type: bigint}
    columns:
      note: {type: text}
`

// canary begins every value that is sealed; clear is a value of a clear column,
// which the same search must find.
const (
	canary = "Canary0815"
	clear  = "InClear4711"
)

const patients = 40

func name(i int) string { return fmt.Sprintf("%s-%02d", canary, i) }

func ssn(i int) string { return fmt.Sprintf("%s-%03d", canary, i%10) }

func born(i int) string {
	return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, i, 0).Format(time.DateOnly)
}

func TestBehindVitess(t *testing.T) {
	c := start(t)
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_VITESS_KEY", hex.EncodeToString(key))
	t.Setenv("SEALSQL_VITESS_KEYS", c.dsn("keys", ""))
	config := filepath.Join(t.TempDir(), "sealsql.yaml")
	write(t, config, configuration)
	makeKeyTable(t, c)
	first := open(t, "encrypted-mysql", c.dsn("clinic", "sealsql_config="+config))
	create(t, first)
	for _, db := range shards {
		c.exec(t, "CREATE VIEW `"+db+"`.shown AS SELECT id, ssn AS memo FROM `"+db+"`.patients")
	}
	for _, way := range []struct{ name, parameters string }{
		{"prepared", ""},
		{"text", "interpolateParams=true"},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := &world{t, c, open(t, "encrypted-mysql", c.dsn("clinic", "sealsql_config="+config+"&"+way.parameters))}
			for _, part := range []struct {
				name string
				run  func(*world)
			}{
				{"insert", (*world).insert},
				{"point_select_by_vindex", (*world).pointSelect},
				{"scatter_select_through_a_blind_index", (*world).scatterSelect},
				{"ranges_order_and_patterns", (*world).rangesAndPatterns},
				{"update_and_delete", (*world).updateAndDelete},
				{"transactions", (*world).transactions},
				{"partitions", (*world).partitions},
				{"statements_that_are_prepared_once", (*world).prepared},
				{"targets", (*world).targets},
				{"guards", (*world).guards},
				{"refusals", (*world).refusals},
				{"stored", (*world).stored},
			} {
				t.Run(part.name, func(t *testing.T) { part.run(&world{t, c, w.db}) })
			}
		})
		for _, table := range []string{"patients", "visits", "rooms"} {
			must(t, first, "DELETE FROM "+table)
		}
	}
}

func makeKeyTable(t *testing.T, c *cluster) {
	t.Helper()
	store, err := builtin.OpenSQL(open(t, "mysql", c.dsn("keys", "")), builtin.MySQL, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// create makes the tables through the driver, in every shard, and waits until
// vtgate knows their columns.
func create(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, query := range []string{
		"CREATE TABLE patients (id bigint NOT NULL PRIMARY KEY, city varchar(20), name varchar(40), ssn varchar(20), born date, weight decimal(5,1), KEY (ssn))",
		"CREATE TABLE visits (patient_id bigint NOT NULL, id bigint NOT NULL, note text, PRIMARY KEY (patient_id, id))",
		"CREATE TABLE rooms (id bigint NOT NULL PRIMARY KEY, floor int)",
	} {
		must(t, db, query)
	}
}

type world struct {
	*testing.T
	c  *cluster
	db *sql.DB
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

func must(t *testing.T, db execer, query string, args ...any) int64 {
	t.Helper()
	res, err := db.Exec(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// list reads a column of texts.
func list(t *testing.T, db querier, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func (w *world) is(got []string, want ...string) {
	w.Helper()
	if !reflect.DeepEqual(got, append([]string{}, want...)) {
		w.Errorf("got %q, want %q", got, want)
	}
}

func (w *world) insert() {
	for i := range patients {
		if n := must(w.T, w.db, "INSERT INTO patients (id, city, name, ssn, born, weight) VALUES (?, ?, ?, ?, ?, ?)", i, clear, name(i), ssn(i), born(i), "70.5"); n != 1 {
			w.Errorf("%d rows affected", n)
		}
	}
	must(w.T, w.db, "INSERT INTO patients VALUES (100, 'Ulm', '"+canary+"-a', '"+canary+"-lit', '2001-02-03', 70.55), (101, 'Ulm', '"+canary+"-b', NULL, NULL, NULL)")
	must(w.T, w.db, "INSERT INTO rooms (id, floor) VALUES (1, 1), (2, 2), (3, 3)")
	for _, db := range shards {
		var n int
		if err := w.c.server.QueryRow("SELECT COUNT(*) FROM `" + db + "`.patients").Scan(&n); err != nil || n == 0 {
			w.Errorf("%s holds %d rows (%v): the keyspace is not sharded", db, n, err)
		}
	}
}

func (w *world) pointSelect() {
	for _, i := range []int{0, 7, 39} {
		var n, s string
		var weight float64
		err := w.db.QueryRow("SELECT name, ssn, weight FROM patients WHERE id = ?", i).Scan(&n, &s, &weight)
		if err != nil || n != name(i) || s != ssn(i) || weight != 70.5 {
			w.Errorf("patient %d is %q %q %v, %v", i, n, s, weight, err)
		}
	}
	w.is(list(w.T, w.db, "SELECT weight FROM patients WHERE id = 100"), "70.6")
	rows, err := w.db.Query("SELECT * FROM patients WHERE id = ?", 1)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	if names, err := rows.Columns(); err != nil || len(names) != 6 {
		w.Errorf("* is %q, %v", names, err)
	}
}

func (w *world) scatterSelect() {
	want := []string{name(3), name(13), name(23), name(33)}
	w.is(list(w.T, w.db, "SELECT name FROM patients WHERE ssn = ? ORDER BY id", ssn(3)), want...)
	w.is(list(w.T, w.db, "SELECT name FROM patients WHERE ssn = '"+ssn(3)+"' ORDER BY id"), want...)
	w.is(list(w.T, w.db, "SELECT id FROM patients WHERE ssn IN (?, ?) AND id < 10 ORDER BY id", ssn(3), ssn(4)), "3", "4")
	w.is(list(w.T, w.db, "SELECT COUNT(*) FROM patients WHERE ssn <> ?", ssn(3)), "37")
	w.is(list(w.T, w.db, "SELECT COUNT(DISTINCT ssn) FROM patients"), "11")
	w.is(list(w.T, w.db, "SELECT r.floor FROM patients p JOIN rooms r ON r.id = p.id WHERE p.name = ?", name(2)), "2")
	w.is(list(w.T, w.db, "SELECT a.id FROM patients a JOIN patients b ON a.ssn = b.ssn WHERE b.id = ? ORDER BY a.id", 5), "5", "15", "25", "35")
}

func (w *world) rangesAndPatterns() {
	w.is(list(w.T, w.db, "SELECT id FROM patients WHERE born BETWEEN ? AND ? ORDER BY born", born(3), born(5)), "3", "4", "5")
	w.is(list(w.T, w.db, "SELECT id FROM patients WHERE born < ? ORDER BY born DESC LIMIT 2", born(9)), "8", "7")
	w.is(list(w.T, w.db, "SELECT id FROM patients WHERE name LIKE ? ORDER BY id", canary+"-1%"), "10", "11", "12", "13", "14", "15", "16", "17", "18", "19")
}

func (w *world) updateAndDelete() {
	if n := must(w.T, w.db, "UPDATE patients SET ssn = ?, weight = 71 WHERE id = ?", canary+"-new", 7); n != 1 {
		w.Errorf("%d rows updated", n)
	}
	w.is(list(w.T, w.db, "SELECT id FROM patients WHERE ssn = ?", canary+"-new"), "7")
	if n := must(w.T, w.db, "UPDATE patients SET city = 'Bonn' WHERE ssn = ?", ssn(3)); n != 4 {
		w.Errorf("%d rows updated through the index", n)
	}
	must(w.T, w.db, "UPDATE patients SET ssn = ? WHERE id = ?", ssn(7), 7)
	must(w.T, w.db, "INSERT INTO patients (id, name, ssn) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name), ssn = VALUES(ssn)", 8, canary+"-upsert", ssn(8))
	w.is(list(w.T, w.db, "SELECT name FROM patients WHERE ssn = ? AND id < 10", ssn(8)), canary+"-upsert")
	if n := must(w.T, w.db, "DELETE FROM patients WHERE name = ?", canary+"-upsert"); n != 1 {
		w.Errorf("%d rows deleted", n)
	}
	w.is(list(w.T, w.db, "SELECT COUNT(*) FROM patients WHERE id = 8"), "0")
}

// A transaction over both shards that is rolled back, and one that is committed.
func (w *world) transactions() {
	const value, count = canary + "-tx", "SELECT COUNT(*) FROM patients WHERE ssn = ?"
	for _, x := range []struct {
		end  func(*sql.Tx) error
		want string
	}{{(*sql.Tx).Rollback, "0"}, {(*sql.Tx).Commit, "10"}} {
		tx, err := w.db.Begin()
		if err != nil {
			w.Fatal(err)
		}
		for id := 200; id < 210; id++ {
			must(w.T, tx, "INSERT INTO patients (id, ssn) VALUES (?, ?)", id, value)
		}
		w.is(list(w.T, tx, count, value), "10")
		must(w.T, tx, "SAVEPOINT here")
		must(w.T, tx, "DELETE FROM patients WHERE ssn = ?", value)
		w.is(list(w.T, tx, count, value), "0")
		must(w.T, tx, "ROLLBACK TO SAVEPOINT here")
		w.is(list(w.T, tx, count, value), "10")
		if err := x.end(tx); err != nil {
			w.Fatal(err)
		}
		w.is(list(w.T, w.db, count, value), x.want)
	}
	must(w.T, w.db, "DELETE FROM patients WHERE ssn = ?", value)
}

func (w *world) partitions() {
	for _, id := range []int64{1, 2, math.MaxInt64} {
		must(w.T, w.db, "INSERT INTO visits (patient_id, id, note) VALUES (?, 1, ?)", id, canary+"-note")
	}
	w.is(list(w.T, w.db, "SELECT note FROM visits WHERE patient_id = ?", int64(math.MaxInt64)), canary+"-note")
	w.is(list(w.T, w.db, "SELECT note FROM visits ORDER BY patient_id"), canary+"-note", canary+"-note", canary+"-note")
	must(w.T, w.db, "UPDATE visits SET note = ? WHERE patient_id = ? AND id = 1", canary+"-new", 2)
	w.is(list(w.T, w.db, "SELECT note FROM visits WHERE patient_id = 2"), canary+"-new")
	w.is(list(w.T, w.db, "SELECT v.note FROM patients p JOIN visits v ON v.patient_id = p.id WHERE p.name = ?", name(2)), canary+"-new")
}

func (w *world) prepared() {
	get, err := w.db.Prepare("SELECT name FROM patients WHERE id = ?")
	if err != nil {
		w.Fatal(err)
	}
	defer get.Close()
	set, err := w.db.Prepare("UPDATE patients SET weight = ? WHERE id = ?")
	if err != nil {
		w.Fatal(err)
	}
	defer set.Close()
	for i := range 5 {
		var got string
		if err := get.QueryRow(i).Scan(&got); err != nil || got != name(i) {
			w.Errorf("patient %d is %q, %v", i, got, err)
		}
		if _, err := set.Exec(fmt.Sprintf("8%d.25", i), i); err != nil {
			w.Error(err)
		}
	}
	w.is(list(w.T, w.db, "SELECT weight FROM patients WHERE id IN (0, 4) ORDER BY id"), "80.3", "84.3")
}

// A target that USE names is a keyspace with a type of tablet or a shard.
func (w *world) targets() {
	conn, err := w.db.Conn(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	found := 0
	for _, target := range []string{"clinic@primary", "clinic@replica", "clinic:-80", "clinic:80-"} {
		if _, err := conn.ExecContext(w.Context(), "USE `"+target+"`"); err != nil {
			w.Fatalf("%s: %v", target, err)
		}
		rows, err := conn.QueryContext(w.Context(), "SELECT name FROM patients WHERE ssn = ?", ssn(5))
		if err != nil {
			w.Fatalf("%s: %v", target, err)
		}
		n := 0
		for ; rows.Next(); n++ {
			var got string
			if err := rows.Scan(&got); err != nil || !strings.HasPrefix(got, canary) {
				w.Errorf("%s: %q, %v", target, got, err)
			}
		}
		if err := rows.Err(); err != nil {
			w.Fatal(err)
		}
		if strings.Contains(target, ":") {
			found += n
		} else if n != 4 {
			w.Errorf("%s: %d rows", target, n)
		}
	}
	if found != 4 {
		w.Errorf("%d rows in the two shards", found)
	}
	if _, err := conn.ExecContext(w.Context(), "USE clinic"); err != nil {
		w.Fatal(err)
	}
}

// The guards of CREATE TABLE keep out what another program writes in clear.
func (w *world) guards() {
	other := open(w.T, "mysql", w.c.dsn("clinic", ""))
	_, err := other.Exec("INSERT INTO patients (id, ssn) VALUES (300, 'in clear')")
	if err == nil || !strings.Contains(err.Error(), "sealsql_guard_") {
		w.Errorf("a clear value in an encrypted column: %v", err)
	}
}

// What is not known to be clear is refused, as elsewhere.
func (w *world) refusals() {
	for _, query := range []string{
		"SELECT upper(name) FROM patients",
		"SELECT * FROM nowhere",
		"SELECT * FROM `vt_clinic_-80`.patients",
		"SELECT db_name FROM _vt.vreplication",
		"SELECT memo FROM shown",
		"SELECT * FROM `keys`.encryption_key",
		"INSERT INTO rooms (id, floor) SELECT id, ssn FROM patients",
	} {
		_, err := w.db.Exec(query)
		var refused *rewrite.UnsupportedError
		if !errors.As(err, &refused) {
			w.Errorf("%s: %v", query, err)
		}
	}
}

// stored looks at what the server behind Vitess has.
func (w *world) stored() {
	for _, db := range shards {
		var name, ssn, index []byte
		if err := w.c.server.QueryRow("SELECT name, ssn, ssn_bidx FROM `"+db+"`.patients WHERE ssn IS NOT NULL LIMIT 1").Scan(&name, &ssn, &index); err != nil {
			w.Fatal(err)
		}
		if len(index) != 16 || bytes.Contains(name, []byte(canary)) || bytes.Contains(ssn, []byte(canary)) {
			w.Errorf("%s holds %d and %d bytes, an index of %d", db, len(name), len(ssn), len(index))
		}
	}
	if w.c.data == "" {
		w.Log("the files of the server are not known: not searched")
		return
	}
	w.c.exec(w.T, "SET GLOBAL innodb_max_dirty_pages_pct = 0")
	w.c.exec(w.T, "FLUSH TABLES")
	if found, err := testenv.Search(w.c.data, clear); err != nil || len(found) == 0 {
		w.Errorf("the value of the clear column is not found (%v): the search proves nothing", err)
	}
	found, err := testenv.Search(w.c.data, canary)
	if err != nil || len(found) > 0 {
		w.Errorf("the canary is in %q, %v", found, err)
	}
}
