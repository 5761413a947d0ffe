package reindex_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/reindex"
	"github.com/sealsql/sealsql/schema"
)

// crew is a table with an index of every kind, each with the words given; none if
// they are empty.
func crew(with string) string {
	search := func(definition string) string {
		if with == "" {
			return ""
		}
		return ", search: {" + strings.ReplaceAll(definition, "}", with+"}") + "}"
	}
	text := `  crew:
    partition: {column: tenant, type: integer}
    bind_row: {column: id, type: integer}
    columns:
      mail: {type: varchar(50)` + search("equality: {collation: ci, unique: exact, scope: partition}") + `}
      name: {type: varchar(50)` + search("prefix: {collation: ci, lengths: [3]}, suffix: {collation: ci, lengths: [3]}") + `}
      bio: {type: varchar(200)` + search("contains: {collation: ci}") + `}
      age: {type: smallint` + search("range: {order: revealing}") + `, accept_leakage: order}
`
	if with == "" {
		return text
	}
	return text + `    indexes:
      by_rank_mail: {columns: [{column: rank_no, type: integer}, {column: mail, collation: ci}], unique: true, scope: partition` + with + `}
`
}

const crewTable = "CREATE TABLE crew (id integer PRIMARY KEY, tenant integer NOT NULL, mail varchar(50), name varchar(50), bio varchar(200), age smallint, rank_no integer)"

// Indexes of every kind are added to stored rows, one after the other, and dropped
// again.
func TestIndexesOfEveryKindAreAddedAndDropped(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(crew(""))
		w.exec(old, crewTable)
		insert := func(db *sql.DB, id int) {
			w.Helper()
			w.exec(db, "INSERT INTO crew (id, tenant, mail, name, bio, age, rank_no) VALUES (?, ?, ?, ?, ?, ?, ?)", id, id%3,
				fmt.Sprintf("m%d@x", id), fmt.Sprintf("Nom%d", id), fmt.Sprintf("likes the number %d very much", 1000+id), id%60, id%7)
		}
		for id := range 45 {
			insert(old, id)
		}
		w.exec(old, "INSERT INTO crew (id, tenant, rank_no) VALUES (99, 0, 3)")
		questions := map[string]struct{ query, want string }{
			"equality": {"SELECT id FROM crew WHERE tenant = 1 AND mail = 'M13@x'", "13"},
			"prefix":   {"SELECT id FROM crew WHERE tenant = 2 AND name LIKE 'Nom20%' ORDER BY id", "20"},
			"suffix":   {"SELECT id FROM crew WHERE tenant = 2 AND name LIKE '%m20' ORDER BY id", "20"},
			"contains": {"SELECT id FROM crew WHERE tenant = 0 AND bio LIKE '%number 1021%' ORDER BY id", "21"},
			"range":    {"SELECT id FROM crew WHERE tenant = 0 AND age BETWEEN 10 AND 20 ORDER BY age DESC", "18 15 12"},
			"compound": {"SELECT id FROM crew WHERE tenant = 1 AND rank_no = 6 AND mail = 'm13@X'", "13"},
		}
		writing := w.open(crew(", state: adding"))
		for i, mv := range parse(w, crew(", state: adding")).Catalog.Moves() {
			q := questions[mv.Kind]
			m := w.mover(crew(", state: adding"), mv.Name()+"."+mv.Kind)
			if err := m.Fill(bg); err != nil {
				w.Fatal(mv.Kind, err)
			}
			w.rest(400 * time.Millisecond)
			insert(writing, 300+i)
			if err := m.CutOver(bg); err != nil {
				w.Fatal(mv.Kind, err)
			}
			w.rest(400 * time.Millisecond)
			insert(writing, 400+i)
			for _, db := range []*sql.DB{writing, w.open(crew(", state: adding"))} {
				if got := w.ids(db, q.query); got != q.want {
					w.Errorf("%s is live: got %q, want %q", mv.Kind, got, q.want)
				}
			}
			m.Close()
			m.DB.Close()
		}
		settled := w.open(crew(", version: 1"))
		for kind, q := range questions {
			if got := w.ids(settled, q.query); got != q.want {
				w.Errorf("%s without state: got %q, want %q", kind, got, q.want)
			}
		}
		for i := range 6 {
			if got := w.ids(settled, "SELECT id FROM crew WHERE tenant = ? AND rank_no = ? AND mail = ?", (300+i)%3, (300+i)%7, fmt.Sprintf("m%d@x", 300+i)); got != fmt.Sprint(300+i) {
				w.Errorf("row %d: got %q", 300+i, got)
			}
		}
		if _, err := settled.Exec("UPDATE crew SET mail = 'M13@x', rank_no = 6 WHERE id = 16 AND tenant = 1"); err == nil {
			w.Error("a duplicate was accepted")
		}
		dropping := w.open(crew(", state: dropping"))
		for _, mv := range parse(w, crew(", state: dropping")).Catalog.Moves() {
			m := w.mover(crew(", state: dropping"), mv.Name()+"."+mv.Kind)
			m.Follow = 1300 * time.Millisecond // for which programs go on writing it
			err := m.Finish(bg)
			for errors.Is(err, reindex.ErrNotYet) {
				time.Sleep(100 * time.Millisecond)
				err = m.Finish(bg)
			}
			if err != nil {
				w.Fatal(mv.Kind, err)
			}
			m.Close()
			m.DB.Close()
			w.exec(dropping, "UPDATE crew SET age = 7 WHERE id = 13 AND tenant = 1")
		}
		insert(w.open(crew("")), 500)
		var n int
		if err := w.open(crew("")).QueryRow("SELECT count(*) FROM crew").Scan(&n); err != nil || n != 59 {
			w.Errorf("%d rows, %v", n, err)
		}
	})
}

const (
	oldOrders  = "  orders: {columns: {city: {type: varchar(40), search: {equality: {collation: binary}}}}, indexes: {by_city: {columns: [{column: status, type: varchar(10), collation: ci}, city], unique: true}}}\n"
	nextOrders = "  orders: {columns: {city: {type: varchar(40), search: {equality: {collation: binary, next: {column: city2, collation: ci, version: 2}}}}}, indexes: {by_city: {columns: [{column: status, type: varchar(10), collation: ci}, city], unique: true, next: {column: both2, unique: true, version: 2}}}}\n"
	newOrders  = "  orders: {columns: {city: {type: varchar(40), search: {equality: {collation: ci, column: city2, version: 2}}}}, indexes: {by_city: {columns: [{column: status, type: varchar(10), collation: ci}, city], unique: true, column: both2, version: 2}}}\n"
)

// An index over several columns is moved with the equality of its column where
// both go to another collation: no statement compares by the one and by the other.
func TestACompoundIndexIsMovedWithTheEqualityOfItsColumn(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		before, next, after := oldOrders, nextOrders, newOrders
		if w.name != "mysql" { // where texts compare as bytes
			for _, s := range []*string{&before, &next, &after} {
				*s = strings.ReplaceAll(*s, "type: varchar(10), collation: ci", "type: varchar(10), collation: binary")
			}
		}
		old := w.open(before)
		w.exec(old, "CREATE TABLE orders (id integer PRIMARY KEY, status varchar(10), city varchar(40), UNIQUE (status, city))")
		for i := range 45 {
			w.exec(old, "INSERT INTO orders (id, status, city) VALUES (?, ?, ?)", i, "open", fmt.Sprintf("City%d", i))
		}
		w.exec(old, "INSERT INTO orders (id, status, city) VALUES (?, ?, ?)", 90, nil, "City1")
		db := w.open(next)
		const (
			one  = "SELECT id FROM orders WHERE city = 'city7' ORDER BY id"
			both = "SELECT id FROM orders WHERE status = 'open' AND city = 'city7' ORDER BY id"
		)
		ask := func(what, want string) {
			w.Helper()
			w.rest(400 * time.Millisecond)
			for _, db := range []*sql.DB{db, w.open(next)} {
				for _, q := range []string{one, both} {
					if got := w.ids(db, q); got != want {
						w.Errorf("%s: %s: got %q, want %q", what, q, got, want)
					}
				}
			}
			w.exec(db, "UPDATE orders SET status = 'sent', city = 'city7' WHERE id = 8")
			w.exec(db, "UPDATE orders SET status = 'open', city = 'City8' WHERE id = 8")
		}
		ask("before", "")
		var movers []*reindex.Mover
		for _, mv := range parse(w, next).Catalog.Moves() {
			movers = append(movers, w.mover(next, mv.Name()+"."+mv.Kind))
		}
		if len(movers) != 2 || len(movers[0].Annotations.Together(movers[0].Move)) != 2 {
			w.Fatalf("%d moves", len(movers))
		}
		if err := errors.Join(movers[0].Fill(bg), movers[0].CutOver(bg)); err != nil {
			w.Fatal(err)
		}
		ask("one is live", "")
		if err := movers[0].Finish(bg); !errors.Is(err, reindex.ErrNotYet) {
			w.Errorf("finished alone: %v", err)
		}
		if err := errors.Join(movers[1].Fill(bg), movers[1].CutOver(bg)); err != nil {
			w.Fatal(err)
		}
		ask("both are live", "7")
		if _, err := db.Exec("INSERT INTO orders (id, status, city) VALUES (91, 'open', 'CITY7')"); err == nil {
			w.Error("a duplicate was accepted")
		}
		for _, m := range movers {
			if err := m.Finish(bg); err != nil {
				w.Fatal(err)
			}
			ask("one more is finished", "7")
		}
		if got := w.ids(w.open(after), both); got != "7" {
			w.Errorf("got %q", got)
		}
		if got := schema.IndexVersion(movers[1].Move.To); got != 2 {
			w.Errorf("version %d", got)
		}
	})
}
