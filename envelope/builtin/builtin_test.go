package builtin_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/conformance/metastore"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
)

const masterText = "an env key of exactly 32 bytes.."

func TestStaticKMSConforms(t *testing.T) {
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService {
		return openKMS(t, "static", `{"key":"`+hex.EncodeToString([]byte(masterText))+`","insecure":true}`)
	})
}

func TestEnvKMSConforms(t *testing.T) {
	t.Setenv("SEALSQL_TEST_MASTER", base64.StdEncoding.EncodeToString([]byte(masterText)))
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService {
		return openKMS(t, "env", `{"env":"SEALSQL_TEST_MASTER"}`)
	})
}

func TestFileKMSConforms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if err := builtin.GenerateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	options, err := json.Marshal(map[string]string{"file": path})
	if err != nil {
		t.Fatal(err)
	}
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService {
		return openKMS(t, "file", string(options))
	})
}

func openKMS(t *testing.T, name, options string) envelope.KeyManagementService {
	t.Helper()
	k, err := envelope.OpenKMS(context.Background(), name, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMemoryMetastoreConforms(t *testing.T) {
	conforms(t, func(*testing.T) envelope.Metastore { return builtin.NewMemory() })
}

func TestSQLiteMetastoreConforms(t *testing.T) {
	conforms(t, func(t *testing.T) envelope.Metastore {
		return openSQL(t, "sqlite", filepath.Join(t.TempDir(), "app.db.keys")+"?_pragma=busy_timeout(60000)", builtin.SQLite)
	})
}

func TestPostgresMetastoreConforms(t *testing.T) {
	for _, zone := range []string{"UTC", "Asia/Kolkata"} {
		t.Run(zone, func(t *testing.T) {
			dsn := testenv.Postgres(t)
			conforms(t, func(t *testing.T) envelope.Metastore {
				return initSQL(t, dial(t, "pgx", dsn), builtin.Postgres, "SET TIME ZONE '"+zone+"'")
			})
		})
	}
}

func TestMySQLMetastoreConforms(t *testing.T) {
	for _, zone := range []string{"+00:00", "-05:00"} {
		t.Run(zone, func(t *testing.T) {
			dsn := testenv.MySQL(t)
			conforms(t, func(t *testing.T) envelope.Metastore {
				return initSQL(t, dial(t, "mysql", dsn), builtin.MySQL, "SET time_zone = '"+zone+"'")
			})
		})
	}
}

// A table made for Asherah peers: JSONB, timestamptz.
func TestPostgresMetastoreAcceptsJSONBAndTimestamptz(t *testing.T) {
	dsn := testenv.Postgres(t)
	conforms(t, func(t *testing.T) envelope.Metastore {
		db := dial(t, "pgx", dsn)
		db.SetMaxOpenConns(1)
		for _, q := range []string{
			"SET TIME ZONE 'America/New_York'",
			"DROP TABLE IF EXISTS encryption_key",
			`CREATE TABLE encryption_key (id TEXT COLLATE "C", created TIMESTAMPTZ, key_record JSONB, PRIMARY KEY (id, created))`,
		} {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		return wrapSQL(t, db, builtin.Postgres)
	})
}

func TestMySQLMetastoreAcceptsJSON(t *testing.T) {
	dsn := testenv.MySQL(t)
	conforms(t, func(t *testing.T) envelope.Metastore {
		db := dial(t, "mysql", dsn)
		for _, q := range []string{
			"DROP TABLE IF EXISTS encryption_key",
			"CREATE TABLE encryption_key (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, created DATETIME, key_record JSON, PRIMARY KEY (id, created))",
		} {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		return wrapSQL(t, db, builtin.MySQL)
	})
}

func dial(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openSQL(t *testing.T, driver, dsn string, d builtin.Dialect) envelope.Metastore {
	t.Helper()
	return initSQL(t, dial(t, driver, dsn), d, "")
}

// initSQL creates the table; session is run first, on the only connection.
func initSQL(t *testing.T, db *sql.DB, d builtin.Dialect, session string) envelope.Metastore {
	t.Helper()
	if session != "" {
		db.SetMaxOpenConns(1)
		if _, err := db.Exec(session); err != nil {
			t.Fatal(err)
		}
	}
	// Every store of a test has a table of its own: databases are slow to make.
	m, err := builtin.OpenSQL(db, d, builtin.SQLOptions{Table: fmt.Sprintf("encryption_key_%d", tables.Add(1))})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Init(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

var tables atomic.Int32

func wrapSQL(t *testing.T, db *sql.DB, d builtin.Dialect) *builtin.SQL {
	t.Helper()
	m, err := builtin.OpenSQL(db, d, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMySQLTableThatCutsRecordsIsNoticed(t *testing.T) {
	db := dial(t, "mysql", testenv.MySQL(t))
	if _, err := db.Exec("CREATE TABLE encryption_key (id VARCHAR(255) COLLATE utf8mb4_bin, created DATETIME, key_record VARCHAR(40), PRIMARY KEY (id, created))"); err != nil {
		t.Fatal(err)
	}
	m := wrapSQL(t, db, builtin.MySQL)
	rec := &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: "a", Created: 1795310040}, Key: make([]byte, 60)}
	if ok, err := m.Store(context.Background(), rec); err == nil {
		t.Fatalf("Store = %t, nil: the record was cut", ok)
	}
}

func TestTableWithLooseCollationNeverGivesAnothersKey(t *testing.T) {
	db := dial(t, "mysql", testenv.MySQL(t))
	if _, err := db.Exec("CREATE TABLE encryption_key (id VARCHAR(255) COLLATE utf8mb4_general_ci, created DATETIME, key_record TEXT, PRIMARY KEY (id, created))"); err != nil {
		t.Fatal(err)
	}
	m := wrapSQL(t, db, builtin.MySQL)
	rec := &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: "Alice", Created: 1795310040}, Key: make([]byte, 60)}
	if ok, err := m.Store(context.Background(), rec); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, load := range []func() (*envelope.KeyRecord, error){
		func() (*envelope.KeyRecord, error) {
			return m.Load(context.Background(), envelope.KeyMeta{ID: "alice", Created: 1795310040})
		},
		func() (*envelope.KeyRecord, error) { return m.LoadLatest(context.Background(), "alice") },
	} {
		if got, err := load(); got != nil || !errors.Is(err, envelope.ErrKeyNotFound) {
			t.Fatalf("got %v, %v", got, err)
		}
	}
}

func TestTableNamesAreChecked(t *testing.T) {
	for _, name := range []string{`a"b`, "a;b", "a.b.c", "1a", "a b", strings.Repeat("x", 64)} {
		if _, err := builtin.OpenSQL(nil, builtin.SQLite, builtin.SQLOptions{Table: name}); err == nil {
			t.Errorf("table %q is accepted", name)
		}
	}
	m, err := builtin.OpenSQL(nil, builtin.Postgres, builtin.SQLOptions{Table: "keys.sealsql_keys"})
	if err != nil || !strings.Contains(m.DDL(), `"keys"."sealsql_keys"`) {
		t.Errorf("%v", err)
	}
	if _, err := builtin.OpenSQL(nil, "oracle", builtin.SQLOptions{}); err == nil {
		t.Error("unknown dialect is accepted")
	}
}

func TestBadMasterKeysAreRefusedWithoutQuotingThem(t *testing.T) {
	cases := map[string]string{
		"not insecure":           `{"key":"` + strings.Repeat("ab", 32) + `"}`,
		"published test key":     `{"key":"thisIsAStaticMasterKeyForTesting","insecure":true}`,
		"test key in hex":        `{"key":"` + hex.EncodeToString([]byte("thisIsAStaticMasterKeyForTesting")) + `","insecure":true}`,
		"zeros":                  `{"key":"` + strings.Repeat("00", 32) + `","insecure":true}`,
		"31 bytes":               `{"key":"` + strings.Repeat("ab", 31) + `","insecure":true}`,
		"33 bytes":               `{"key":"` + strings.Repeat("ab", 33) + `","insecure":true}`,
		"no key":                 `{"insecure":true}`,
		"unknown member":         `{"key":"` + strings.Repeat("ab", 32) + `","insecure":true,"secret":"SECRET"}`,
		"a number for a key":     `{"key":123456789,"insecure":true}`,
		"a word for a boolean":   `{"key":"SECRET","insecure":"yes"}`,
		"not JSON":               `SECRET`,
		"nothing":                ``,
		"neither hex nor base64": `{"key":"SECRET SECRET SECRET SECRET SECRET SECRET","insecure":true}`,
	}
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			k, err := envelope.OpenKMS(context.Background(), "static", json.RawMessage(options))
			if err == nil {
				k.Close()
				t.Fatal("accepted")
			}
			if s := err.Error(); strings.Contains(s, "SECRET") || strings.Contains(s, "abab") || strings.Contains(s, "thisIs") {
				t.Fatalf("the error quotes the key: %s", s)
			}
		})
	}
}

func TestEnvKeyMustBeSet(t *testing.T) {
	t.Setenv("SEALSQL_TEST_MASTER", "")
	for _, o := range []string{`{"env":"SEALSQL_TEST_MASTER"}`, `{"env":"SEALSQL_TEST_NO_SUCH_NAME"}`, `{"env":""}`} {
		if _, err := envelope.OpenKMS(context.Background(), "env", json.RawMessage(o)); err == nil {
			t.Errorf("%s is accepted", o)
		}
	}
	t.Setenv("SEALSQL_TEST_MASTER", "SECRET")
	_, err := envelope.OpenKMS(context.Background(), "env", json.RawMessage(`{"env":"SEALSQL_TEST_MASTER"}`))
	if err == nil || strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), "SEALSQL_TEST_MASTER") {
		t.Errorf("%v", err)
	}
}

func TestGenerateKeyFileNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	if err := builtin.GenerateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := builtin.GenerateKeyFile(path); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second call: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Fatalf("the key changed (%v)", err)
	}
}

func TestAnotherMasterKeyIsNamedAsTheCause(t *testing.T) {
	a, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := builtin.NewInsecureStatic([]byte("fedcba9876543210fedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	kc := envelope.KeyContext{Service: "s", Product: "p"}
	w, err := a.EncryptKey(context.Background(), kc, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.DecryptKey(context.Background(), kc, w)
	if err == nil || errors.Is(err, envelope.ErrTampered) || !strings.Contains(err.Error(), "another master key") {
		t.Fatalf("%v", err)
	}
	var e interface{ Hint() string }
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "kms_retiring") {
		t.Errorf("%v does not say what to do", err)
	}
}

// conforms runs both suites: every metastore of this package can keep keys.
func conforms(t *testing.T, open func(t *testing.T) envelope.Metastore) {
	metastore.Test(t, open)
	metastore.TestKeeper(t, func(t *testing.T) envelope.Keeper { return open(t).(envelope.Keeper) })
}
