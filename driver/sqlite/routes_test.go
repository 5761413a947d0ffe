package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
)

// Every way that leads to an annotated table by another name is refused, or
// seals; what leads nowhere near one passes (threats T2, T3).
func TestOtherNamesForAnAnnotatedTableAreNoWayAround(t *testing.T) {
	secret := "'" + canary + "'"
	for _, c := range []struct {
		name   string
		before []string // through the plain driver
		setup  []string // through ours
		run    string
		passes bool
	}{
		{"view with a trigger", []string{
			"CREATE VIEW v AS SELECT id, ssn FROM users",
			"CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO users (id, ssn) VALUES (NEW.id, NEW.ssn); END",
		}, nil, "INSERT INTO v VALUES (1, " + secret + ")", false},
		{"view over a view", []string{
			"CREATE VIEW v AS SELECT id, ssn FROM users", "CREATE VIEW w AS SELECT * FROM v",
		}, nil, "SELECT * FROM w WHERE ssn = " + secret, false},
		{"trigger on a clear table", []string{
			"CREATE TRIGGER t AFTER INSERT ON clear BEGIN INSERT INTO users (id, ssn) VALUES (NEW.id, NEW.n); END",
		}, nil, "INSERT INTO clear VALUES (1, " + secret + ")", false},
		{"trigger that writes a clear table", []string{
			"CREATE TABLE log (id)", "CREATE TRIGGER t AFTER INSERT ON clear BEGIN INSERT INTO log VALUES (NEW.id); END",
		}, nil, "INSERT INTO clear VALUES (1, 'x')", true},
		{"temporary table in front", nil, []string{}, "CREATE TEMP TABLE users (id, ssn)", false},
		{"temporary table of a clear name", nil, []string{"CREATE TEMP TABLE clear (id, n)"}, "INSERT INTO clear VALUES (1, 'x')", true},
		{"temporary view", nil, []string{"CREATE TEMP VIEW tv AS SELECT id, n FROM clear"}, "SELECT * FROM tv", true},
		{"renamed table and a view in its place", []string{
			"ALTER TABLE users RENAME TO people", "CREATE VIEW users AS SELECT * FROM people",
			"CREATE TRIGGER vi INSTEAD OF INSERT ON users BEGIN INSERT INTO people (id, ssn) VALUES (NEW.id, NEW.ssn); END",
		}, nil, "INSERT INTO users (id, ssn) VALUES (1, " + secret + ")", false},
		{"virtual table", []string{"CREATE VIRTUAL TABLE f USING fts5(n)"}, nil, "INSERT INTO f VALUES (" + secret + ")", false},
		{"the key table", nil, nil, "SELECT * FROM encryption_key", false},
		{"writable schema", nil, nil, "PRAGMA writable_schema = 1", false},
		{"unknown function", nil, nil, "SELECT load_extension('x')", false},
		{"sqlite_schema", nil, nil, "SELECT name FROM sqlite_schema", true},
		{"begin and savepoints", nil, []string{"BEGIN", "SAVEPOINT a", "INSERT INTO clear VALUES (5, 'x')", "ROLLBACK TO a"}, "COMMIT", true},
		{"copy into a clear table", nil, nil, "CREATE TABLE c AS SELECT ssn FROM users", false},
		{"with ids in a subquery", nil, nil, "UPDATE clear SET n = (SELECT ssn FROM users LIMIT 1)", false},
		{"explain", nil, nil, "EXPLAIN QUERY PLAN SELECT id FROM users", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, ddl, yaml)
			for _, q := range c.before {
				if _, err := f.plain.Exec(q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			conn, err := f.db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, q := range c.setup {
				if _, err := conn.ExecContext(context.Background(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			_, err = conn.ExecContext(context.Background(), c.run)
			if c.passes && err != nil || !c.passes && !errors.Is(err, sealsql.ErrRefused) && !errors.Is(err, sealsql.ErrSetup) {
				t.Errorf("%s: %v", c.run, err)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the message holds the text: %v", err)
			}
			f.noCanary()
		})
	}
}

func TestAttachedFilesAreLookedInto(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(q string, refused bool) {
		t.Helper()
		_, err := conn.ExecContext(ctx, q)
		if refused && !errors.Is(err, sealsql.ErrRefused) || !refused && err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	run("ATTACH '"+f.path+"' AS x", false)
	run("INSERT INTO x.users (id, ssn) VALUES (1, '"+canary+"')", false) // sealed: the annotation matches in every file
	run("INSERT INTO x.clear (id) VALUES (1)", false)
	run("ATTACH '"+filepath.Join(f.dir, "second.db")+"' AS y", false)
	run("CREATE TABLE y.other (id)", false)
	run("INSERT INTO other VALUES (1)", false)
	run("DETACH y", false)
	run("INSERT INTO other VALUES (1)", true)
	f.noCanary()
}

func TestTemporaryTriggersOfTheConnectionAreSeen(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Making one through the driver is refused, so it is made behind its back,
	// as a connection hook or an extension would.
	_, err = conn.ExecContext(ctx, "CREATE TEMP TRIGGER tt AFTER INSERT ON clear BEGIN INSERT INTO users (id, ssn) VALUES (NEW.id, NEW.n); END")
	if err == nil {
		if _, err = conn.ExecContext(ctx, "INSERT INTO clear VALUES (1, '"+canary+"')"); err == nil {
			t.Error("the trigger ran")
		}
	}
	f.noCanary()
}

func TestViewMadeByAnotherProcessIsSeenAfterMaxAge(t *testing.T) {
	f := open(t, ddl, yaml+"catalog: {max_age: 1s}\n")
	f.exec("INSERT INTO clear VALUES (1, 'x')")
	for _, q := range []string{
		"DROP TABLE clear", "CREATE VIEW clear AS SELECT id, ssn AS n FROM users",
		"CREATE TRIGGER vi INSTEAD OF INSERT ON clear BEGIN INSERT INTO users (id, ssn) VALUES (NEW.id, NEW.n); END",
	} {
		if _, err := f.plain.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 { // in steps, so that a timer that is due has run
		time.Sleep(100 * time.Millisecond)
	}
	if _, err := f.db.Exec("INSERT INTO clear VALUES (2, '" + canary + "')"); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("got %v", err)
	}
	f.noCanary()
}

func TestReturningAndUpsertsGoThroughTheDriver(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	got := all(t, f.db, ctx, "INSERT INTO users (id, ssn) VALUES (1, ?) RETURNING id, ssn", canary)
	if len(got) != 1 || got[0][1] != canary {
		t.Errorf("got %v", got)
	}
	got = all(t, f.db, ctx, "INSERT INTO users (id, ssn) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn RETURNING *", canary+"2")
	if len(got) != 1 || got[0][2] != canary+"2" {
		t.Errorf("got %v", got)
	}
	f.noCanary()
}

func TestConfigurationWithoutCatalogKnowsOnlyItself(t *testing.T) {
	f := open(t, ddl, yaml+"catalog: {read: none}\nclear_tables: [clear]\n")
	f.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary)
	f.exec("INSERT INTO clear VALUES (1, 'x')")
	if _, err := f.db.Exec("INSERT INTO other VALUES (1)"); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("got %v", err)
	}
	f.noCanary()
}

func TestUnreadableKeyFileIsAnErrorThatSaysSo(t *testing.T) {
	f := open(t, ddl, yaml)
	if err := os.WriteFile(f.path+".keys", []byte("this is not a database, it is a long enough text to be none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.db.Exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
	f.noCanary()
}

func TestGuardsAreDemandedWhereTheConfigurationSaysSo(t *testing.T) {
	f := open(t, ddl, yaml+"guards: require\n")
	err := f.db.Ping()
	if !errors.Is(err, sealsql.ErrSetup) || !strings.Contains(err.Error(), "users.ssn") {
		t.Errorf("without guards: %v", err)
	}
	const guarded = `CREATE TABLE users (id INTEGER PRIMARY KEY, ssn BLOB CONSTRAINT sealsql_guard_users_ssn
		CHECK (ssn IS NULL OR typeof(ssn) = 'blob' AND length(ssn) > 20 AND substr(ssn, 1, 3) = x'F95351'))`
	small := "version: 1\nservice: s\nproduct: p\nkms: {env: SEALSQL_TEST_KEY}\nmetastore: {sql: same}\nguards: require\ntables: {users: {columns: {ssn: encrypted}}}\n"
	f = open(t, guarded, small)
	if err := f.db.Ping(); err != nil {
		t.Errorf("with guards: %v", err)
	}
	f.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary)
	if _, err := f.plain.Exec("INSERT INTO users (id, ssn) VALUES (2, ?)", canary); err == nil {
		t.Error("the guard let plaintext in")
	}
	f.noCanary()
}
