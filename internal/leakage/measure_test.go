package leakage_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/leakage"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	frontmysql "github.com/sealsql/sealsql/rewrite/mysql"
	frontpostgres "github.com/sealsql/sealsql/rewrite/postgres"
	frontsqlite "github.com/sealsql/sealsql/rewrite/sqlite"
)

const configuration = `version: 1
service: measured
product: tests
kms: {static: {key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f, insecure: true}}
metastore: memory
tables:
  HERE.people:
    partition: {column: tenant, type: varchar(10)}
    columns:
      city: {type: varchar(40), search: {equality: {collation: binary}}}
      code: {type: varchar(40), search: {equality: {collation: binary, scope: table, unique: exact}}}
      age: {type: smallint, search: {range: {order: revealing, scope: table}}, accept_leakage: order}
      pay: {type: smallint, search: {range: default}}
      name: {type: varchar(40), pad: 32, search: {prefix: {lengths: [1, 3], collation: binary}, contains: {collation: binary}}}
    indexes:
      by_city_name: {columns: [city, {column: name, collation: binary}]}
`

const table = `CREATE TABLE people (id int PRIMARY KEY, tenant varchar(10) NOT NULL, city varchar(40), code varchar(40),
	age smallint, pay smallint, name varchar(40))`

// engine is one with the database that the tests fill.
type engine struct {
	name, plain, sealed string
	front               rewrite.Frontend
	inspect             func(context.Context, string) (*sealdriver.Inspection, error)
	dsn                 func(t *testing.T) string
}

func engines() []engine {
	return []engine{
		{"sqlite", "sqlite", "encrypted-sqlite", frontsqlite.New(), sqlite.Inspect, func(t *testing.T) string {
			return "file:" + filepath.Join(t.TempDir(), "app.db")
		}},
		{"postgres", "pgx", "encrypted-postgres", frontpostgres.New(), postgres.Inspect, func(t *testing.T) string { return testenv.Postgres(t) }},
		{"mysql", "mysql", "encrypted-mysql", frontmysql.New(), mysql.Inspect, func(t *testing.T) string { return testenv.MySQL(t) }},
	}
}

// database makes the table and fills it through the encrypting driver.
func database(t *testing.T, e engine, rows int) (leakage.Options, *sql.DB) {
	t.Helper()
	dsn, here := e.dsn(t), ""
	if e.name == "mysql" {
		_, here, _ = strings.Cut(dsn, "/")
		here, _, _ = strings.Cut(here, "?")
		here += "."
	}
	path := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(configuration, "HERE.", here)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEALSQL_CONFIG", path)
	sealed, err := sql.Open(e.sealed, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	if _, err := sealed.Exec(table); err != nil {
		t.Fatal(err)
	}
	tx, err := sealed.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if _, err := tx.Exec(fmt.Sprintf("INSERT INTO people (id, tenant, city, code, age, pay, name) VALUES (%d, 't%d', 'canary-city-%d', 'canary-code-%d', %d, %d, %s)",
			i, i%2, (i/2)%3, i, i%64, 1000+i%4, name(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	i, err := e.inspect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(e.plain, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return leakage.Options{DB: db, Front: e.front, Snapshot: i.Snapshot, Annotations: cfg.Catalog}, db
}

func name(i int) string {
	if i%8 == 7 {
		return "NULL"
	}
	return [...]string{"'canary anna'", "'canary bert'", "'x'"}[i%3]
}

func TestEveryEngineGivesAwayTheSame(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			o, _ := database(t, e, 192)
			r, err := leakage.Measure(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Tables) != 1 || len(r.Tables[0].Columns) != 5 || len(r.Tables[0].Lacks) != 0 {
				t.Fatalf("got %+v", r)
			}
			p := r.Tables[0]
			city, code, age, pay, of := p.Columns[0], p.Columns[1], p.Columns[2], p.Columns[3], p.Columns[4]
			if p.Total != 192 || p.Read != 192 || p.Sampled {
				t.Errorf("rows: %d of %d", p.Read, p.Total)
			}
			// Three cities in two partitions are six groups.
			if c := city.Indexes[0]; c.Classes.Rows != 192 || c.Classes.Distinct != 6 || c.Classes.Largest != 32 || c.Risk != leakage.RiskHigh || c.Scope != "partition" {
				t.Errorf("city: %+v", c)
			}
			if c := code.Indexes[0]; c.Classes.Singletons != 192 || c.Risk != leakage.RiskLow || !c.Unique || c.Scope != "table" {
				t.Errorf("code: %+v", c)
			}
			// The numbers from 0 to 63 part at each of their six bits.
			if c := age.Indexes[0]; c.Kind != "order" || c.Classes.Distinct != 64 || c.Order.Known != 6 || c.Order.KnownMost != 6 || c.Risk != leakage.RiskHigh {
				t.Errorf("age: %+v, %+v", c, c.Order)
			}
			// 1000 to 1003 share all but the last four bits, in two partitions.
			if c := pay.Indexes[0]; c.Kind != "range" || c.Classes.Distinct != 4 || c.Levels[len(c.Levels)-1].Classes.Distinct != 4 || c.Levels[len(c.Levels)-2].Classes.Distinct != 2 {
				t.Errorf("pay: %+v", c)
			}
			// One text is shorter than three letters.
			if c := of.Indexes[0]; c.Kind != "prefix" || len(c.Levels) != 2 || c.Levels[0].Classes.Rows != 168 || c.Levels[0].Classes.Distinct != 4 || c.Levels[1].Classes.Distinct != 2 {
				t.Errorf("prefix: %+v", c)
			}
			if c := of.Indexes[1]; c.Kind != "contains" || c.Tokens.Rows != 168 || c.Tokens.Fewest != 8 || c.Tokens.Most != 16 || c.Tokens.Repeated < 20 || c.Risk != leakage.RiskHigh {
				t.Errorf("contains: %+v, %+v", c, c.Tokens)
			}
			// Three cities and three names, in two partitions; every eighth has no name.
			if c := of.Indexes[2]; c.Kind != "compound" || len(c.Columns) != 2 || c.Classes.Rows != 168 || c.Unfilled != 0 || c.Stray != 0 || c.Classes.Distinct > 18 || c.Classes.Distinct < 6 {
				t.Errorf("compound: %+v", c)
			}
			if of.Null != 24 || !of.Padded || of.Lengths.Distinct != 1 {
				t.Errorf("name: %+v", of)
			}
		})
	}
}

func TestNoValueIsPrintedAndThePageNeedsNothingElse(t *testing.T) {
	o, _ := database(t, engines()[0], 64)
	r, err := leakage.Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text, page bytes.Buffer
	if err := errors.Join(r.Text(&text), r.HTML(&page)); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for form, out := range map[string]string{"text": text.String(), "html": page.String(), "json": string(j)} {
		if strings.Contains(out, "canary") || strings.Contains(out, "SQLite format") {
			t.Errorf("%s shows a value", form)
		}
		if !strings.Contains(out, "city_bidx") {
			t.Errorf("%s does not name the index", form)
		}
	}
	for _, elsewhere := range []string{"<script", "http:", "https:", "src=", "url(", "@import", "<link"} {
		if strings.Contains(page.String(), elsewhere) {
			t.Errorf("the page has %s", elsewhere)
		}
	}
	elements := parsePage(t, page.String())
	if elements["article"] != 7 || elements["svg"] != 7 || elements["h3"] != 5 || elements["title"] != 1 {
		t.Errorf("the page has %v", elements)
	}
}

// parsePage counts the elements of a page and fails where they do not nest.
func parsePage(t *testing.T, page string) map[string]int {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	n, open := map[string]int{}, []string{}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			n[x.Name.Local]++
			open = append(open, x.Name.Local)
		case xml.EndElement:
			if open[len(open)-1] != x.Name.Local {
				t.Fatalf("%s ends %s", x.Name.Local, open[len(open)-1])
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("open at the end: %v", open)
	}
	return n
}

func TestALongTableIsSampled(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			o, _ := database(t, e, 192)
			o.Rows = 40
			r, err := leakage.Measure(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			p := r.Tables[0]
			if !p.Sampled || p.Total != 192 || p.Read > 40 {
				t.Errorf("%d of %d rows were read", p.Read, p.Total)
			}
		})
	}
}

func TestRowsThatLackTheirIndexAreCounted(t *testing.T) {
	e := engines()[0]
	dsn := e.dsn(t)
	path := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(configuration, "HERE.", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(e.plain, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{ // as somebody without the driver makes them
		"CREATE TABLE people (id int PRIMARY KEY, tenant text, city blob, city_bidx blob)",
		"INSERT INTO people VALUES (1, 'a', x'00', x'01'), (2, 'a', x'00', NULL), (3, 'a', NULL, x'02'), (4, 'a', NULL, NULL)",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	i, err := e.inspect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	r, err := leakage.Measure(t.Context(), leakage.Options{DB: db, Front: e.front, Snapshot: i.Snapshot, Annotations: cfg.Catalog})
	if err != nil {
		t.Fatal(err)
	}
	x := r.Tables[0].Columns[0].Indexes[0]
	if x.Unfilled != 1 || x.Stray != 1 || x.Classes.Rows != 2 {
		t.Errorf("got %+v", x)
	}
	if lacks := strings.Join(r.Tables[0].Lacks, " "); lacks != "code age pay name" {
		t.Errorf("the table lacks %q", lacks)
	}
	var advice []string
	for _, a := range r.Advice() {
		advice = append(advice, a.String())
	}
	for _, want := range []string{"people: the table has no column code", "people.city: rows with a value and without an index in city_bidx: 1;", "people.city: rows with an index in city_bidx and without a value: 1"} {
		if !strings.Contains(strings.Join(advice, "\n"), want) {
			t.Errorf("no advice says %q:\n%s", want, strings.Join(advice, "\n"))
		}
	}
}

func TestAdviceNamesWhatIsUneven(t *testing.T) {
	o, _ := database(t, engines()[0], 192)
	r, err := leakage.Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range r.Advice() {
		got = append(got, a.Where)
	}
	if strings.Join(got, " ") != "people.city" {
		t.Errorf("advice on %v", got)
	}
}
