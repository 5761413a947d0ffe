package corpus_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// origin is the table column that an engine says a result column comes from.
type origin struct{ schema, table, column string }

// describer asks an engine for the origins of a statement's result. Every
// engine leaves some open (expressions, set operations): such origins are zero.
type describer interface {
	// tables makes the tables of a statement, with columns of the given type,
	// and returns false where that cannot be.
	tables(list []*table, typ string) bool
	// origins describes a text; false where the engine does not take it.
	origins(text string) ([]origin, bool)
	// clean takes the tables away again.
	clean()
}

// TestEngineNeverContradictsAPlan compares the plans of the corpus with what
// live engines know of their results: an encrypted column is opened as what it
// is, and nothing else is opened. Metadata may only veto: where the engine says
// nothing, nothing is compared.
func TestEngineNeverContradictsAPlan(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		db, err := sql.Open("sqlite", ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		conn, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		compareOrigins(t, "sqlite", &liteDescriber{conn: conn})
	})
	t.Run("postgres", func(t *testing.T) {
		conn, err := pgx.Connect(context.Background(), testenv.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		compareOrigins(t, "postgres", &pgDescriber{conn: conn})
	})
}

// described counts what an engine could be asked about.
type described struct{ plans, asked, columns, opened, wrong int }

func compareOrigins(t *testing.T, dialect string, d describer) {
	l := *languages[dialect]
	l.carrier, l.carrierKind = "text", schema.CarrierText
	var n described
	for _, ln := range corpus(t, dialect) {
		list, err := l.facts(ln.SQL)
		if err != nil || len(list) != 1 || list[0].broken || ln.Kind == "ddl" {
			continue
		}
		l.originsOf(t, &ln, list[0].tables, d, &n)
	}
	if n.plans == 0 {
		return // no corpus
	}
	t.Logf("%d plans with encrypted columns, %d described by the engine, %d columns with an origin, %d of them opened", n.plans, n.asked, n.columns, n.opened)
	if n.asked*4 < n.plans || n.opened < 500 {
		t.Error("the engine could be asked about too little")
	}
}

// originsOf compares every plan of one statement; columns are texts, or numbers
// where the statement does not fit texts.
func (l *language) originsOf(t *testing.T, ln *line, tables []*table, d describer, n *described) {
	type run struct {
		set  map[bound]bool
		plan *rewrite.Plan
	}
	var runs []run
	every := map[bound]bool{}
	for _, tab := range tables {
		for _, c := range tab.cols {
			every[bound{tab, c}] = true
			runs = append(runs, run{set: map[bound]bool{{tab, c}: true}})
		}
	}
	if len(every) > 1 {
		runs = append(runs, run{set: every})
	}
	var planned []run
	for _, r := range runs {
		if r.plan, _ = l.plan(t, ln, tables, r.set); r.plan != nil {
			planned = append(planned, r)
		}
	}
	n.plans += len(planned)
	for _, typ := range []string{"text", "bigint"} {
		if len(planned) == 0 {
			return
		}
		if d.tables(tables, typ) {
			rest := planned[:0]
			for _, r := range planned {
				got, ok := d.origins(r.plan.Text)
				if !ok {
					rest = append(rest, r)
					continue
				}
				n.asked++
				l.contradiction(t, ln, r.set, r.plan, got, n)
			}
			planned = rest
		}
		d.clean()
	}
}

func (l *language) contradiction(t *testing.T, ln *line, set map[bound]bool, plan *rewrite.Plan, got []origin, n *described) {
	fail := func(format string, args ...any) {
		if n.wrong++; n.wrong < 20 {
			t.Errorf("%s\n%s\n%s", fmt.Sprintf(format, args...), ln.SQL, plan.Text)
		}
	}
	if plan.Results != nil && len(plan.Results) != len(got) {
		fail("the plan has %d result columns, the engine %d", len(plan.Results), len(got))
		return
	}
	for i, o := range got {
		if o == (origin{}) {
			continue
		}
		n.columns++
		var open []string
		if plan.Results != nil {
			for _, c := range plan.Results[i].Columns {
				open = append(open, strings.ToLower(c.Table.Name+"."+c.Name))
			}
		}
		sealed := false
		for b := range set {
			sealed = sealed || b.table.schema == o.schema && b.table.name == o.table && b.col == o.column
		}
		name := strings.ToLower(o.table + "." + o.column)
		switch {
		case sealed && !contains(open, name):
			fail("column %d is %s, which the plan does not open", i+1, name)
		case !sealed && len(open) > 0:
			fail("column %d is %s, which is clear; the plan opens %v", i+1, name, open)
		case sealed:
			n.opened++
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// definition writes a CREATE TABLE.
func definition(t *table, name, typ string) string {
	cols := t.cols
	if len(cols) == 0 {
		cols = []string{"c1"}
	}
	var out []string
	for _, c := range cols {
		out = append(out, `"`+strings.ReplaceAll(c, `"`, `""`)+`" `+typ)
	}
	return "CREATE TABLE " + name + " (" + strings.Join(out, ", ") + ")"
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// liteDescriber asks SQLite.
type liteDescriber struct {
	conn *sql.Conn
	list []*table
}

func (d *liteDescriber) exec(text string) bool {
	_, err := d.conn.ExecContext(context.Background(), text)
	return err == nil
}

func (d *liteDescriber) tables(list []*table, typ string) bool {
	d.list = list
	if typ != "text" {
		return false // SQLite takes any value in any column
	}
	d.exec("BEGIN")
	for _, t := range list {
		if t.schema != "main" || !d.exec(definition(t, quoted(t.name), typ)) {
			return false
		}
	}
	return true
}

func (d *liteDescriber) clean() { d.exec("ROLLBACK") }

func (d *liteDescriber) origins(text string) (out []origin, ok bool) {
	var info []sqlite.ColumnInfo
	err := d.conn.Raw(func(c any) (err error) {
		info, err = c.(interface {
			ColumnInfo(string) ([]sqlite.ColumnInfo, error)
		}).ColumnInfo(text)
		return err
	})
	if err != nil {
		return nil, false
	}
	for _, c := range info {
		o := origin{strings.ToLower(c.DatabaseName), strings.ToLower(c.TableName), strings.ToLower(c.OriginName)}
		if !d.has(o) {
			o = origin{} // a recursive CTE, the rowid
		}
		out = append(out, o)
	}
	if isCompound(text) {
		// SQLite reports the first arm of a compound only.
		for i := range out {
			out[i] = origin{}
		}
	}
	return out, true
}

func (d *liteDescriber) has(o origin) bool {
	for _, t := range d.list {
		if t.schema == o.schema && t.name == o.table && t.has(o.column) {
			return true
		}
	}
	return false
}

func isCompound(text string) bool {
	up := strings.ToUpper(text)
	return strings.Contains(up, "UNION") || strings.Contains(up, "EXCEPT") || strings.Contains(up, "INTERSECT")
}

// pgDescriber asks PostgreSQL.
type pgDescriber struct {
	conn  *pgx.Conn
	names map[uint32]*table
}

func (d *pgDescriber) exec(text string) bool {
	_, err := d.conn.Exec(context.Background(), text, pgx.QueryExecModeSimpleProtocol)
	return err == nil
}

func (d *pgDescriber) tables(list []*table, typ string) bool {
	d.names = map[uint32]*table{}
	d.exec("BEGIN")
	for _, t := range list {
		name := quoted(t.schema) + "." + quoted(t.name)
		if t.schema != "public" && !d.exec("CREATE SCHEMA IF NOT EXISTS "+quoted(t.schema)) || !d.exec(definition(t, name, typ)) {
			return false
		}
		var oid uint32
		if err := d.conn.QueryRow(context.Background(), "SELECT $1::regclass::oid", pgx.QueryExecModeExec, name).Scan(&oid); err != nil {
			return false
		}
		d.names[oid] = t
	}
	return true
}

func (d *pgDescriber) clean() { d.exec("ROLLBACK") }

func (d *pgDescriber) origins(text string) (out []origin, ok bool) {
	d.exec("SAVEPOINT s")
	sd, err := d.conn.Prepare(context.Background(), "", text)
	if err != nil {
		d.exec("ROLLBACK TO s")
		return nil, false
	}
	for _, f := range sd.Fields {
		o := origin{}
		if t := d.names[f.TableOID]; t != nil && f.TableAttributeNumber > 0 && int(f.TableAttributeNumber) <= len(t.cols) {
			o = origin{t.schema, t.name, t.cols[f.TableAttributeNumber-1]}
		}
		out = append(out, o)
	}
	return out, true
}
