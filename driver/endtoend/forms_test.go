package endtoend_test

import (
	"crypto/fips140"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// formsConfig declares notes(id, v) with keys for the column.
func formsConfig(column string) string {
	return head + `metastore: {sql: same}
tables:
  ` + here + `notes:
    columns: {v: ` + column + `}
`
}

// openForms opens a kept pair whose table has the records of one configuration.
func openForms(t *testing.T, f flavour, column string) *keptPair {
	t.Helper()
	return openKeptWith(t, f, formsConfig(column), "CREATE TABLE notes (id int PRIMARY KEY, v text)")
}

// configure opens the same database under another configuration of the column.
func (k *keptPair) configure(t *testing.T, column string) *sql.DB {
	t.Helper()
	k.rewrite(t, column)
	return k.reopen(t)
}

func (k *keptPair) rewrite(t *testing.T, column string) {
	t.Helper()
	text := strings.ReplaceAll(formsConfig(column), here, k.database())
	if err := os.WriteFile(k.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *keptPair) write(t *testing.T, db *sql.DB, id int, v string) {
	t.Helper()
	if _, err := db.Exec("INSERT INTO notes (id, v) VALUES ("+k.mark(1)+", "+k.mark(2)+")", id, v); err != nil {
		t.Fatal(err)
	}
}

// record is what the database holds.
func (k *keptPair) record(t *testing.T, id int) []byte {
	t.Helper()
	var b []byte
	if err := k.raw.QueryRow("SELECT v FROM notes WHERE id = "+k.mark(1), id).Scan(&b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFormsOfRecordsAreWhatTheConfigurationSays(t *testing.T) {
	long := strings.Repeat("a value that compresses ", 50)
	eachEngine(t, func(t *testing.T, f flavour) {
		for i, tc := range []struct {
			column       string
			suite, flags byte
			text         string
			length       int // 0: any
		}{
			{"encrypted", 0x11, 0, canary, 70 + len(canary)},
			{"{data_key: wrapped}", 0x12, 0, canary, 118 + len(canary)},
			{"{algorithm: ChaCha20-Poly1305}", 0x13, 0, canary, 70 + len(canary)},
			{"{pad: 64}", 0x11, 8, canary, 70 + 64},
			{"{pad: padme}", 0x11, 8, "x", 70 + 32},
			{"{compress: 100}", 0x11, 4, long, 0},
			{"{compress: 100}", 0x11, 0, canary, 70 + len(canary)},
			{"{data_key: wrapped, compress: 100, pad: 256}", 0x12, 12, long, 118 + 256},
		} {
			if tc.suite == 0x13 && fips140.Enabled() {
				continue // TestChaCha20DoesNotOpenADatabaseInFIPSMode
			}
			t.Run(fmt.Sprintf("%d %s", i, tc.column), func(t *testing.T) {
				k := openForms(t, f, tc.column)
				k.write(t, k.sealed, 1, tc.text)
				rec := k.record(t, 1)
				if rec[3] != tc.suite || rec[4] != tc.flags || tc.length != 0 && len(rec) != tc.length {
					t.Errorf("suite %#x, flags %#x, %d bytes; want %#x, %#x, %d", rec[3], rec[4], len(rec), tc.suite, tc.flags, tc.length)
				}
				if got, err := k.read(t.Context(), k.sealed, 1); err != nil || got != tc.text {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	})
}

// Records that another configuration wrote do not open until they are named.
func TestFormsAreReadOnlyWhereTheConfigurationNamesThem(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openForms(t, f, "encrypted")
		k.write(t, k.sealed, 1, canary)
		wrapped := k.configure(t, "{data_key: wrapped, pad: 16}")
		if got, err := k.read(t.Context(), wrapped, 1); !errors.Is(err, envelope.ErrTampered) || got != "" {
			t.Errorf("%q, %v", got, err)
		}
		k.write(t, wrapped, 2, canary)
		both := k.configure(t, "{data_key: wrapped, pad: 16, read: [AES-256-GCM, unpadded]}")
		for id := 1; id <= 2; id++ {
			if got, err := k.read(t.Context(), both, id); err != nil || got != canary {
				t.Errorf("row %d: %q, %v", id, got, err)
			}
		}
		back := k.configure(t, "encrypted")
		if _, err := k.read(t.Context(), back, 2); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("the form of later under the configuration of before: %v", err)
		}
	})
}

func TestChaCha20DoesNotOpenADatabaseInFIPSMode(t *testing.T) {
	for _, column := range []string{"{algorithm: ChaCha20-Poly1305}", "{read: [ChaCha20-Poly1305]}"} {
		k := openForms(t, sqliteFlavour(), "encrypted")
		k.rewrite(t, column)
		db, err := sql.Open(k.flavour.sealed, k.configured())
		if errors.Is(err, envelope.ErrFIPS) != fips140.Enabled() {
			t.Errorf("FIPS mode %t: %v", fips140.Enabled(), err)
		}
		if err == nil {
			db.Close()
		}
	}
}
