package endtoend_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/config"
)

// dropInConfigs are nothing encrypted, another table encrypted, and the tables
// that the statements are about.
var dropInConfigs = map[string]string{
	"nothing annotated": head + "metastore: memory\n",
	"another table":     head + "metastore: memory\nguards: off\ntables: {HERE.elsewhere: {columns: {v: encrypted}}}\n",
	"annotated":         head + "metastore: memory\nguards: off\ntables: {HERE.people: {columns: {name: {type: varchar(40)}, n: {type: int}}}}\n",
}

const createPeople = "CREATE TABLE people (id int PRIMARY KEY, name varchar(40), n int)"

func eachDropIn(t *testing.T, flavours []flavour, do func(t *testing.T, p *pair)) {
	for _, f := range flavours {
		for name, content := range dropInConfigs {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				p := f.open(t, content)
				p.both(t, createPeople)
				do(t, p)
			})
		}
	}
}

func allFlavours() []flavour {
	return []flavour{
		sqliteFlavour(), postgresFlavour(), mysqlFlavour("multiStatements=true"),
		mysqlFlavour("interpolateParams=true", "multiStatements=true").named("interpolating"),
	}
}

// has lists the interfaces of database/sql/driver that a value implements.
func has(v any, interfaces map[string]reflect.Type) map[string]bool {
	out := map[string]bool{}
	for name, i := range interfaces {
		out[name] = reflect.TypeOf(v).Implements(i)
	}
	return out
}

var connInterfaces = map[string]reflect.Type{
	"PrepareContext":    reflect.TypeFor[driver.ConnPrepareContext](),
	"BeginTx":           reflect.TypeFor[driver.ConnBeginTx](),
	"ExecerContext":     reflect.TypeFor[driver.ExecerContext](),
	"QueryerContext":    reflect.TypeFor[driver.QueryerContext](),
	"Pinger":            reflect.TypeFor[driver.Pinger](),
	"SessionResetter":   reflect.TypeFor[driver.SessionResetter](),
	"NamedValueChecker": reflect.TypeFor[driver.NamedValueChecker](),
	"Validator":         reflect.TypeFor[driver.Validator](),
}

var stmtInterfaces = map[string]reflect.Type{
	"StmtExecContext":   reflect.TypeFor[driver.StmtExecContext](),
	"StmtQueryContext":  reflect.TypeFor[driver.StmtQueryContext](),
	"NamedValueChecker": reflect.TypeFor[driver.NamedValueChecker](),
	//lint:ignore SA1019 its presence decides how database/sql converts arguments
	"ColumnConverter": reflect.TypeFor[driver.ColumnConverter](),
}

var rowsInterfaces = map[string]reflect.Type{
	"NextResultSet":    reflect.TypeFor[driver.RowsNextResultSet](),
	"DatabaseTypeName": reflect.TypeFor[driver.RowsColumnTypeDatabaseTypeName](),
	"ScanType":         reflect.TypeFor[driver.RowsColumnTypeScanType](),
	"Length":           reflect.TypeFor[driver.RowsColumnTypeLength](),
	"Nullable":         reflect.TypeFor[driver.RowsColumnTypeNullable](),
	"PrecisionScale":   reflect.TypeFor[driver.RowsColumnTypePrecisionScale](),
}

// decisive are interfaces whose mere presence changes what database/sql does.
// Of the others more may be there: they answer what it assumes without them.
var decisive = map[string]bool{"Validator": true, "ColumnConverter": true}

func TestInterfacesAreThoseOfThePlainDriver(t *testing.T) {
	eachDropIn(t, allFlavours(), func(t *testing.T, p *pair) {
		ctx := context.Background()
		var found [2][3]map[string]bool
		for i, db := range []*sql.DB{p.plain, p.sealed} {
			withConn(t, db, func(c *sql.Conn) {
				err := c.Raw(func(d any) error {
					found[i][0] = has(d, connInterfaces)
					st, err := d.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT id, name FROM people")
					if err != nil {
						return err
					}
					defer st.Close()
					found[i][1] = has(st, stmtInterfaces)
					rows, err := st.(driver.StmtQueryContext).QueryContext(ctx, nil)
					if err != nil {
						return err
					}
					defer rows.Close()
					found[i][2] = has(rows, rowsInterfaces)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		}
		for level, plain := range found[0] {
			for name, there := range plain {
				ours := found[1][level][name]
				// Rows with an opened column have one result, as their plan has.
				if name == "NextResultSet" {
					continue
				}
				if there && !ours || decisive[name] && there != ours {
					t.Errorf("%s: the plain driver has it: %v, ours: %v", name, there, ours)
				}
			}
		}
	})
}

// A connection is used again after a rollback, or not, as with the plain driver:
// database/sql decides by the presence of driver.Validator and SessionResetter.
func TestConnectionsAreKeptAfterARollbackAsInThePlainDriver(t *testing.T) {
	identity := map[string]string{"postgres": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
	eachDropIn(t, []flavour{postgresFlavour(), mysqlFlavour()}, func(t *testing.T, p *pair) {
		var kept [2]bool
		for i, db := range []*sql.DB{p.plain, p.sealed} {
			db.SetMaxOpenConns(1)
			who := func() (id int) {
				if err := db.QueryRow(identity[p.name]).Scan(&id); err != nil {
					t.Fatal(err)
				}
				return id
			}
			before := who()
			ctx, cancel := context.WithCancel(context.Background())
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO people (id) VALUES (77)"); err != nil {
				t.Fatal(err)
			}
			cancel()
			_ = tx.Rollback()
			kept[i] = who() == before
			var n int
			if err := db.QueryRow("SELECT count(*) FROM people WHERE id = 77").Scan(&n); err != nil || n != 0 {
				t.Errorf("the transaction is still there: %d %v", n, err)
			}
		}
		if kept[0] != kept[1] {
			t.Errorf("kept by the plain driver: %v, by ours: %v", kept[0], kept[1])
		}
	})
}

// rewriter is a pgx.QueryRewriter of the application.
type rewriter struct{ add string }

func (r rewriter) RewriteQuery(_ context.Context, _ *pgx.Conn, query string, args []any) (string, []any, error) {
	if r.add == "" {
		return "", nil, errors.New("the rewriter fails")
	}
	return query + r.add, append(args, 1), nil
}

func TestOptionsOfPgxInFrontOfArguments(t *testing.T) {
	named := pgx.NamedArgs{"id": 1, "name": "Ada", "n": 7}
	const insert, byName = "INSERT INTO people (id, name, n) VALUES ($1, $2, $3)", "INSERT INTO people (id, name, n) VALUES (@id, @name, @n)"
	eachDropIn(t, []flavour{postgresFlavour()}, func(t *testing.T, p *pair) {
		for _, mode := range []pgx.QueryExecMode{
			pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
		} {
			for _, c := range []struct {
				query string
				args  []any
			}{
				{insert, []any{mode, 1, "Ada", 7}},
				{byName, []any{named}},
				{byName, []any{mode, named}},
				{byName, []any{pgx.StrictNamedArgs(named)}},
				{byName, []any{pgx.StrictNamedArgs{"id": 1}}},
				{byName, []any{pgx.NamedArgs{"id": 1}}},
				{insert, []any{mode, sql.Named("a", 1), sql.Named("b", "Ada"), 7}},
				{insert, []any{mode, 1, "Ada"}},
				{"INSERT INTO people (name, id) VALUES ($1, ", []any{mode, rewriter{"$2)"}, "Ada"}},
				{"INSERT INTO people (name) VALUES ($1)", []any{rewriter{}, "Ada"}},
			} {
				var failed [2]bool
				for i, db := range []*sql.DB{p.plain, p.sealed} {
					_, err := db.Exec(c.query, c.args...)
					failed[i] = err != nil
				}
				if failed[0] != failed[1] {
					t.Errorf("%s with %T: fails plainly %v, sealed %v", c.query, c.args[0], failed[0], failed[1])
				}
				compareDump(t, p, "SELECT id, name, n FROM people", mode)
				compareDump(t, p, "SELECT id, name FROM people WHERE id = @id", mode, pgx.NamedArgs{"id": 1})
				compareDump(t, p, "SELECT id FROM people WHERE id = $1", pgx.QueryResultFormats{pgx.TextFormatCode}, 1)
				p.both(t, "DELETE FROM people")
			}
		}
		for _, db := range []*sql.DB{p.plain, p.sealed} {
			st, err := db.Prepare(insert)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if _, err := st.Exec(pgx.QueryExecModeExec, 1, "Ada", 7); err == nil {
				t.Error("a prepared statement took an option")
			}
		}
	})
}

func TestParametersOfSQLiteKeepTheirNamesAndNumbers(t *testing.T) {
	const columns = "INSERT INTO people (id, name, n) VALUES "
	id, name, n := sql.Named("id", 1), sql.Named("name", "Ada"), sql.Named("n", 7)
	eachDropIn(t, []flavour{sqliteFlavour()}, func(t *testing.T, p *pair) {
		for _, c := range []struct {
			query string
			args  []any
		}{
			{columns + "(?, ?, ?)", []any{1, "Ada", 7}},
			{columns + "(?3, ?1, ?2)", []any{"Ada", 7, 1}},
			{columns + "(?1, ?2, ?1)", []any{1, "Ada"}},
			{columns + "(?5, ?2, ?)", []any{0, "Ada", 0, 0, 1, 7}},
			{columns + "(:id, :name, :n)", []any{n, id, name}},
			{columns + "(@id, $name, :n)", []any{n, name, id}},
			{columns + "(:id, :name, :id)", []any{name, id}},
			{columns + "(:id, :name, :n)", []any{id, name}},
			{columns + "(:id, ?, ?)", []any{id, "Ada", 7}},
			{columns + "(?, ?, ?)", []any{1, "Ada", 7, "one more"}},
			{columns + "(?, ?, ?)", []any{1, "Ada"}},
		} {
			var failed [2]bool
			for i, db := range []*sql.DB{p.plain, p.sealed} {
				_, err := db.Exec(c.query, c.args...)
				failed[i] = err != nil
			}
			if failed[0] != failed[1] {
				t.Errorf("%s: fails plainly %v, sealed %v", c.query, failed[0], failed[1])
			}
			compareDump(t, p, "SELECT id, name, n FROM people")
			compareDump(t, p, "SELECT name FROM people WHERE id = :id", id)
			p.both(t, "DELETE FROM people")
		}
	})
}

// results runs a text and returns every result of it.
func results(db *sql.DB, query string, args ...any) (out []string) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return []string{"error"}
	}
	defer rows.Close()
	for {
		names, err := rows.Columns()
		if err != nil {
			return append(out, "error")
		}
		out = append(out, fmt.Sprint(names))
		for rows.Next() {
			row, dest := make([]any, len(names)), make([]any, len(names))
			for i := range row {
				dest[i] = &row[i]
			}
			if err := rows.Scan(dest...); err != nil {
				return append(out, "error")
			}
			out = append(out, fmt.Sprintf("%#v", row))
		}
		if !rows.NextResultSet() {
			return out
		}
	}
}

func TestScriptsAndProceduresOfMySQL(t *testing.T) {
	flavours := []flavour{mysqlFlavour("multiStatements=true"), mysqlFlavour("multiStatements=true", "interpolateParams=true", "clientFoundRows=true").named("interpolating")}
	eachDropIn(t, flavours, func(t *testing.T, p *pair) {
		for _, db := range []*sql.DB{p.plain, p.stored(t)} {
			for _, q := range []string{"CREATE PROCEDURE two() BEGIN SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; END", "CREATE TABLE counted (id int AUTO_INCREMENT PRIMARY KEY, v varchar(10))"} {
				if _, err := db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.both(t, "INSERT INTO people VALUES (1, 'Ada', 1), (2, 'Bob', 2)")
		for _, q := range []string{"SELECT id, name FROM people ORDER BY id; SELECT n FROM people ORDER BY id; SELECT 1", "SELECT 1; SELECT 2 AS b", "SELECT 1; SELECT nonsense FROM"} {
			if want, got := results(p.plain, q), results(p.sealed, q); !reflect.DeepEqual(want, got) {
				t.Errorf("%s:\n got %q\nwant %q", q, got, want)
			}
		}
		// A procedure may touch whatever is annotated unless the configuration
		// declares it.
		want, got := results(p.plain, "CALL two()"), results(p.sealed, "CALL two()")
		if reflect.DeepEqual(got, []string{"error"}) != (len(configured(t, p)) > 0) || len(configured(t, p)) == 0 && !reflect.DeepEqual(want, got) {
			t.Errorf("CALL: got %q, want %q", got, want)
		}
		for _, q := range []string{"INSERT INTO counted (v) VALUES ('a'), ('b'); INSERT INTO counted (v) VALUES ('c')", "UPDATE counted SET v = 'a' WHERE v = 'a'"} {
			var got [2]string
			for i, db := range []*sql.DB{p.plain, p.sealed} {
				withConn(t, db, func(c *sql.Conn) {
					err := c.Raw(func(d any) error {
						//lint:ignore SA1019 how programs reach mysql.Result
						res, err := d.(driver.Execer).Exec(q, nil)
						if err != nil {
							return err
						}
						m := res.(mysql.Result)
						got[i] = fmt.Sprint(m.AllRowsAffected(), m.AllLastInsertIds())
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				})
			}
			if got[0] != got[1] {
				t.Errorf("%s: got %s, want %s", q, got[1], got[0])
			}
		}
	})
}

// configured lists the annotated tables.
func configured(t *testing.T, p *pair) (out []string) {
	t.Helper()
	cfg, err := config.Load(p.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range cfg.Catalog.Tables() {
		out = append(out, table.Name)
	}
	return out
}

var errOfValuer = errors.New("the value cannot be had")

type failingValuer struct{}

func (failingValuer) Value() (driver.Value, error) { return nil, errOfValuer }

func TestErrorsOfValuersStayReachable(t *testing.T) {
	eachDropIn(t, allFlavours(), func(t *testing.T, p *pair) {
		for name, db := range map[string]*sql.DB{"plain": p.plain, "sealed": p.sealed} {
			_, err := db.Exec("INSERT INTO people (id, name) VALUES (1, "+p.mark(1)+")", failingValuer{})
			if !errors.Is(err, errOfValuer) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
