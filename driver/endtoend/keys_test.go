package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// notesConfig declares notes(id, tenant, v), partitioned by tenant, and leaves
// the table clear unnamed.
const notesConfig = head + `metastore: {sql: same}
tables:
  ` + here + `notes:
    partition: {column: tenant, type: int}
    columns: {v: encrypted}
`

// keptPair is a sealed database with a key table that outlives its openings.
type keptPair struct {
	*pair
	raw *sql.DB // the sealed database through the plain driver
}

func openKept(t *testing.T, f flavour) *keptPair {
	t.Helper()
	return openKeptWith(t, f, notesConfig,
		"CREATE TABLE notes (id int PRIMARY KEY, tenant int NOT NULL, v varchar(40))",
		"CREATE TABLE clear (id int PRIMARY KEY)")
}

func openKeptWith(t *testing.T, f flavour, configuration string, tables ...string) *keptPair {
	t.Helper()
	p := f.open(t, configuration)
	k := &keptPair{pair: p, raw: p.stored(t)}
	if f.name != "sqlite" {
		dialect := map[string]builtin.Dialect{"postgres": builtin.Postgres, "mysql": builtin.MySQL}[f.name]
		store, err := builtin.OpenSQL(openDB(t, p.flavour.plain, p.sealedDSN), dialect, builtin.SQLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range tables {
		if _, err := p.sealed.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (k *keptPair) note(ctx context.Context, db execer, id, tenant int) error {
	_, err := db.ExecContext(ctx, "INSERT INTO notes (id, tenant, v) VALUES ("+k.mark(1)+", "+k.mark(2)+", "+k.mark(3)+")", id, tenant, canary)
	return err
}

func (k *keptPair) read(ctx context.Context, db *sql.DB, id int) (v string, err error) {
	err = db.QueryRowContext(ctx, "SELECT v FROM notes WHERE id = "+k.mark(1), id).Scan(&v)
	return v, err
}

// notWritten checks that a row is not there at all.
func (k *keptPair) notWritten(t *testing.T, id int) {
	t.Helper()
	var n int
	if err := k.raw.QueryRow("SELECT count(*) FROM notes WHERE id = "+k.mark(1), id).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows were written, %v", n, err)
	}
}

// keyTable opens the database that holds the key table.
func (k *keptPair) keyTable(t *testing.T) *sql.DB {
	t.Helper()
	if k.name != "sqlite" {
		return k.raw
	}
	return openDB(t, "sqlite", k.file()+sqlite.KeyFileSuffix+"?_pragma=busy_timeout(60000)")
}

func (k *keptPair) file() string {
	path, _, _ := strings.Cut(strings.TrimPrefix(k.sealedDSN, "file:"), "?")
	return path
}

func (k *keptPair) keys(t *testing.T) (n int) {
	t.Helper()
	if err := k.keyTable(t).QueryRow("SELECT count(*) FROM encryption_key").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// keyError checks that err names a key and says what to do.
func keyError(t *testing.T, what string, err error) {
	t.Helper()
	var ke *envelope.KeyError
	if !errors.As(err, &ke) || ke.KeyID == "" || ke.Hint == "" {
		t.Errorf("%s: %v, want an *envelope.KeyError with key and hint", what, err)
	}
	if err != nil && strings.Contains(err.Error(), canary) {
		t.Errorf("%s: the message holds the value: %v", what, err)
	}
}

func TestValuesOpenInTheNextProcess(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		for id := range 3 {
			if err := k.note(t.Context(), k.sealed, id, id%2); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.sealed.Close(); err != nil {
			t.Fatal(err)
		}
		keys := k.keys(t)
		next := k.reopen(t)
		for id := range 3 {
			if v, err := k.read(t.Context(), next, id); err != nil || v != canary {
				t.Errorf("row %d: %q, %v", id, v, err)
			}
		}
		if err := k.note(t.Context(), next, 9, 1); err != nil {
			t.Fatal(err)
		}
		if n := k.keys(t); n != keys {
			t.Errorf("%d keys, want the %d of the first process", n, keys)
		}
	})
}

func TestAMissingMasterKeyIsAnErrorAtOpen(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		for what, value := range map[string]string{"empty": "", "too short": "abcd", "not hexadecimal": strings.Repeat("z", 64)} {
			t.Setenv(masterKey, value)
			db, err := sql.Open(k.flavour.sealed, k.configured())
			if err == nil {
				db.Close()
			}
			if err == nil || !strings.Contains(err.Error(), masterKey) || value != "" && strings.Contains(err.Error(), value) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestAWrongMasterKeyNeitherReadsNorWrites(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		if err := k.note(t.Context(), k.sealed, 1, 1); err != nil {
			t.Fatal(err)
		}
		keys := k.keys(t)
		right := os.Getenv(masterKey)
		setMasterKey(t)
		wrong := k.reopen(t)
		v, err := k.read(t.Context(), wrong, 1)
		keyError(t, "read", err)
		if v != "" {
			t.Errorf("read %q", v)
		}
		keyError(t, "write to a known partition", k.note(t.Context(), wrong, 2, 1))
		keyError(t, "write to a new partition", k.note(t.Context(), wrong, 3, 77))
		k.notWritten(t, 2)
		k.notWritten(t, 3)
		if n := k.keys(t); n != keys {
			t.Errorf("%d keys, want %d: a key was made under the wrong master key", n, keys)
		}
		t.Setenv(masterKey, right)
		if v, err := k.read(t.Context(), k.reopen(t), 1); err != nil || v != canary {
			t.Errorf("with the right key again: %q, %v", v, err)
		}
	})
}

func TestLostKeysAreNamed(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		if err := k.note(t.Context(), k.sealed, 1, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := k.keyTable(t).Exec("DELETE FROM encryption_key"); err != nil {
			t.Fatal(err)
		}
		_, err := k.read(t.Context(), k.reopen(t), 1)
		keyError(t, "read", err)
		if !errors.Is(err, sealsql.ErrKeyNotFound) {
			t.Errorf("read: %v", err)
		}
		if _, err := k.keyTable(t).Exec("DROP TABLE encryption_key"); err != nil {
			t.Fatal(err)
		}
		if f.name == "sqlite" {
			return // the table is made again when it is first needed
		}
		next := k.reopen(t)
		_, err = k.read(t.Context(), next, 1)
		keyError(t, "read without a key table", err)
		if errors.Is(err, sealsql.ErrKeyNotFound) {
			t.Errorf("the error of the store is masked: %v", err)
		}
		keyError(t, "write without a key table", k.note(t.Context(), next, 2, 5))
		k.notWritten(t, 2)
	})
}

func TestAKeyFileThatIsNoDatabaseIsAnError(t *testing.T) {
	k := openKept(t, sqliteFlavour())
	if err := k.note(t.Context(), k.sealed, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := k.sealed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.file()+sqlite.KeyFileSuffix, []byte(strings.Repeat("not a database ", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	next := k.reopen(t)
	_, err := k.read(t.Context(), next, 1)
	keyError(t, "read", err)
	keyError(t, "write", k.note(t.Context(), next, 2, 5))
	k.notWritten(t, 2)
}

func TestAKeyServerThatIsGoneIsATimelyError(t *testing.T) {
	const password = "hunter2"
	for _, c := range []struct {
		flavour
		dsn string
	}{
		{postgresFlavour(), "postgres://nobody:" + password + "@127.0.0.1:1/none?sslmode=disable&connect_timeout=2"},
		{mysqlFlavour(), "nobody:" + password + "@tcp(127.0.0.1:1)/none?timeout=2s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SEALSQL_ENDTOEND_GONE", c.dsn)
			p := c.open(t, strings.Replace(notesConfig, "{sql: same}", "{sql: {dsn_env: SEALSQL_ENDTOEND_GONE}}", 1))
			k := &keptPair{pair: p, raw: p.stored(t)}
			if _, err := p.sealed.Exec("CREATE TABLE notes (id int PRIMARY KEY, tenant int NOT NULL, v varchar(40))"); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			err := k.note(t.Context(), p.sealed, 1, 1)
			keyError(t, "write", err)
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("the error took %v", d)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Error("the message holds the password")
			}
			k.notWritten(t, 1)
		})
	}
}

func TestACancelledContextEndsTheWaitForAKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		if err := k.note(t.Context(), k.sealed, 1, 1); err != nil {
			t.Fatal(err)
		}
		before, cancel := context.WithCancel(t.Context())
		cancel()
		if err := k.note(before, k.sealed, 2, 2); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
		release := k.lockKeys(t)
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := k.note(short, k.sealed, 3, 3)
		if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > 30*time.Second {
			t.Errorf("while the key table is locked: %v after %v", err, d)
		}
		release()
		k.notWritten(t, 2)
		k.notWritten(t, 3)
		if err := k.note(t.Context(), k.sealed, 4, 3); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	})
}

// lockKeys keeps everybody else from writing (and where the engine can, from
// reading) the key table until release is called.
func (k *keptPair) lockKeys(t *testing.T) (release func()) {
	t.Helper()
	conn, err := k.keyTable(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := map[string][2]string{
		"sqlite":   {"BEGIN EXCLUSIVE", "ROLLBACK"},
		"postgres": {"BEGIN; LOCK TABLE encryption_key IN ACCESS EXCLUSIVE MODE", "ROLLBACK"},
		"mysql":    {"LOCK TABLES encryption_key WRITE", "UNLOCK TABLES"},
	}[k.name]
	if _, err := conn.ExecContext(t.Context(), lock[0]); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(t.Context(), lock[1]); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}

func TestTheKeyOfANewPartitionSurvivesRollback(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		tx, err := k.sealed.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO clear (id) VALUES (1)"); err != nil {
			t.Fatal(err) // the write lock is ours now
		}
		// A key that waited for the transaction would wait for this statement.
		if err := k.note(t.Context(), tx, 1, 42); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		k.notWritten(t, 1)
		keys := k.keys(t)
		// This process has the key in memory and seals on under it.
		if err := k.note(t.Context(), k.sealed, 2, 42); err != nil {
			t.Fatal(err)
		}
		next := k.reopen(t)
		if v, err := k.read(t.Context(), next, 2); err != nil || v != canary {
			t.Errorf("a record sealed after the rollback: %q, %v", v, err)
		}
		if err := k.note(t.Context(), next, 3, 42); err != nil {
			t.Fatal(err)
		}
		if n := k.keys(t); n != keys {
			t.Errorf("%d keys, want %d: the partition has a second key", n, keys)
		}
	})
}
