package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the plain driver "sqlite"

	_ "github.com/sealsql/sealsql/driver/sqlite"
)

const masterKey = "SEALSQL_BENCH_KEY"

const configuration = `version: 1
service: bench
product: bench
kms: {env: ` + masterKey + `}
metastore: {sql: same}
guards: off
tables:
  users:
    columns: {email: encrypted, ssn: encrypted, phone: encrypted, address: encrypted, notes: encrypted}
`

// columns are the encrypted ones, with the length of their values in bytes.
var columns = []struct {
	name  string
	bytes int
}{{"email", 36}, {"ssn", 20}, {"phone", 22}, {"address", 166}, {"notes", 1024}}

// seeded is the number of rows that every table begins with.
const seeded = 1000

var modeNames = []string{"plain", "A/A", "aesgcm", "sealsql"}

// mode is one way of running the operations.
type mode struct {
	name string
	db   *sql.DB // holds users
	// shared is the database that all modes read for statements that touch
	// nothing encrypted: the same pages for all.
	shared *sql.DB
	// aeads is nil unless values are encrypted by hand.
	aeads []cipher.AEAD
	// turn counts operations, inserted rows.
	turn, inserted int
}

type modes struct{ list []*mode }

func (ms *modes) close() {
	for _, m := range ms.list {
		m.db.Close()
		m.shared.Close()
	}
}

// openModes makes one database a mode. Without guards the encrypted table is
// made past the driver, which would write them.
func openModes(dir string, guards bool) (*modes, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.Setenv(masterKey, hex.EncodeToString(key)); err != nil {
		return nil, err
	}
	cfg := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(cfg, []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	ms := &modes{}
	for i, name := range modeNames {
		m := &mode{name: name}
		driver, suffix := "sqlite", ""
		if name == "sealsql" {
			driver, suffix = "encrypted-sqlite", "&sealsql_config="+url.QueryEscape(cfg)
		}
		var err error
		if m.db, err = open(driver, filepath.Join(dir, fmt.Sprintf("mode%d.db", i)), suffix); err != nil {
			return nil, err
		}
		if m.shared, err = open(driver, filepath.Join(dir, "shared.db"), suffix); err != nil {
			return nil, err
		}
		if name == "aesgcm" {
			if m.aeads, err = aeads(); err != nil {
				return nil, err
			}
		}
		ms.list = append(ms.list, m)
		if suffix != "" && !guards {
			if err := unguarded(filepath.Join(dir, fmt.Sprintf("mode%d.db", i))); err != nil {
				return nil, err
			}
		}
		if err := m.seed(i == 0); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return ms, nil
}

func open(driver, path, suffix string) (*sql.DB, error) {
	db, err := sql.Open(driver, "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)"+suffix)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// aeads makes one cipher a column.
func aeads() ([]cipher.AEAD, error) {
	var out []cipher.AEAD
	for range columns {
		key := make([]byte, 32)
		rand.Read(key)
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		out = append(out, aead)
	}
	return out, nil
}

// unguarded makes the encrypted table through the plain driver.
func unguarded(path string) error {
	db, err := open("sqlite", path, "")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(create("BLOB"))
	return err
}

func create(kind string) string {
	q := "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT"
	for _, c := range columns {
		q += ", " + c.name + " " + kind
	}
	return q + ")"
}

func (m *mode) seed(first bool) error {
	kind := "TEXT"
	if m.aeads != nil {
		kind = "BLOB"
	}
	if _, err := m.db.Exec(create(kind)); err != nil {
		return err
	}
	tx, err := m.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range seeded {
		if err := m.insert(tx); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil || !first {
		return err
	}
	return m.seedShared()
}

func (m *mode) seedShared() error {
	if _, err := m.shared.Exec("CREATE TABLE visits (id INTEGER PRIMARY KEY, page TEXT, hits INTEGER)"); err != nil {
		return err
	}
	for i := range seeded {
		if _, err := m.shared.Exec("INSERT INTO visits (id, page, hits) VALUES (?, ?, ?)", i+1, fmt.Sprintf("/page/%d", i), i); err != nil {
			return err
		}
	}
	return nil
}

// texts are the values of a column; a program has many different ones.
var texts = func() [][]string {
	out := make([][]string, len(columns))
	for c := range columns {
		for i := range 64 {
			s := fmt.Sprintf("%s %d ", columns[c].name, i)
			out[c] = append(out[c], (s + strings.Repeat("abcdefghij", 110))[:columns[c].bytes])
		}
	}
	return out
}()

func text(c, i int) string { return texts[c][i%64] }

// outgoing is what a program hands to the driver for column c.
func (m *mode) outgoing(c int, s string) any {
	if m.aeads == nil {
		return s
	}
	nonce := make([]byte, 12, 12+len(s)+16)
	rand.Read(nonce)
	return m.aeads[c].Seal(nonce, nonce, []byte(s), []byte(columns[c].name))
}

// incoming turns what was scanned into the value.
func (m *mode) incoming(c int, b []byte) (string, error) {
	if len(b) < 12 {
		return "", errors.New("short")
	}
	out, err := m.aeads[c].Open(b[12:12], b[:12], b[12:], []byte(columns[c].name))
	return string(out), err
}
