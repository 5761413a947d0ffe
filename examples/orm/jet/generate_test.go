package main

import (
	"context"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jet/jet/v2/generator/metadata"
	jetmysql "github.com/go-jet/jet/v2/generator/mysql"
	jetpostgres "github.com/go-jet/jet/v2/generator/postgres"
	jetsqlite "github.com/go-jet/jet/v2/generator/sqlite"
	"github.com/go-jet/jet/v2/generator/template"
	mysqldialect "github.com/go-jet/jet/v2/mysql"
	postgresdialect "github.com/go-jet/jet/v2/postgres"
	sqlitedialect "github.com/go-jet/jet/v2/sqlite"

	"github.com/sealsql/sealsql/examples/orm/tour"
	"github.com/sealsql/sealsql/examples/orm/tourtest"
)

var update = flag.Bool("update", false, "write the generated code")

// packages are where the code for each engine is.
var packages = map[tour.Engine]string{tour.SQLite: "liteshop", tour.Postgres: "pgshop", tour.MySQL: "myshop"}

// TestGeneratedCode has jet read the encrypted database: what it makes of it is
// the code beside this test, which is what it makes of the plain one.
func TestGeneratedCode(t *testing.T) {
	tourtest.OnEach(t, func(t *testing.T, e tour.Engine) {
		dbs := tourtest.Open(t, tour.Shop, e)
		want, got := generated(t, e, dbs.Plain), generated(t, e, dbs.Sealed)
		if *update {
			write(t, packages[e], got)
		}
		kept := read(t, packages[e])
		if len(want) == 0 || len(want) != len(got) || len(want) != len(kept) {
			t.Fatalf("%d files, %d of the encrypted database, %d kept", len(want), len(got), len(kept))
		}
		for name, text := range want {
			if got[name] != text {
				t.Errorf("%s of the encrypted database:\n%s\ninstead of\n%s", name, got[name], text)
			}
			if kept[name] != text {
				t.Errorf("%s is not what jet generates: go test ./jet -update", name)
			}
		}
	})
}

// generated is what jet generates from a database, by the name of the file.
func generated(t *testing.T, e tour.Engine, db *sql.DB) map[string]string {
	t.Helper()
	dir := t.TempDir()
	var err error
	name := "public"
	switch e {
	case tour.Postgres:
		err = jetpostgres.GenerateDB(db, name, dir, shopOf(template.Default(postgresdialect.Dialect), e))
	case tour.MySQL:
		if err := db.QueryRowContext(context.Background(), "SELECT DATABASE()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		err = jetmysql.GenerateDB(db, name, dir, shopOf(template.Default(mysqldialect.Dialect), e))
	default:
		err = jetsqlite.GenerateDB(db, dir, shopOf(template.Default(sqlitedialect.Dialect), e))
	}
	if err != nil {
		t.Fatal(err)
	}
	files := read(t, filepath.Join(dir, packages[e]))
	if e == tour.MySQL { // there the schema is the database that the connection has
		for f, text := range files {
			files[f] = strings.ReplaceAll(text, strconv.Quote(name), `""`)
		}
	}
	return files
}

// shopOf generates the shop's tables alone: the key table is no business of the
// application's.
func shopOf(t template.Template, e tour.Engine) template.Template {
	return t.UseSchema(func(s metadata.Schema) template.Schema {
		return template.DefaultSchema(s).UsePath(packages[e]).
			UseModel(template.DefaultModel().UseTable(func(table metadata.Table) template.TableModel {
				m := template.DefaultTableModel(table)
				m.Skip = !shops(table)
				return m
			})).
			UseSQLBuilder(template.DefaultSQLBuilder().UseTable(func(table metadata.Table) template.TableSQLBuilder {
				b := template.DefaultTableSQLBuilder(table)
				b.Skip = !shops(table)
				return b
			}))
	})
}

func shops(t metadata.Table) bool { return t.Name == "customers" || t.Name == "orders" }

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, f)
		out[name] = string(text)
	}
	return out
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
