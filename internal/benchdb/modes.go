package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const masterKey = "SEALSQL_BENCH_KEY"

const configuration = `version: 1
service: bench
product: bench
kms: {env: ` + masterKey + `}
metastore: memory
guards: off
tables:
  users:
    columns: {email: {search: EQUALITY}, ssn: {pad: 32}, phone: {pad: 32}, address: encrypted, notes: encrypted}
`

// columns are the encrypted ones, with the mean length of their values in bytes.
var columns = []struct {
	name  string
	bytes int
}{{"email", 36}, {"ssn", 20}, {"phone", 22}, {"address", 166}, {"notes", 1024}}

// seeded is the number of rows that every table begins with.
const seeded = 1000

// modes are the names of an engine's modes.
func (e *engine) modes() []string {
	names := []string{"plain", "A/A", "aesgcm", "sealsql", "guarded"}
	if e.domain != "" {
		names = append(names, "domain")
	}
	return names
}

// sealsql is the place of that mode.
const sealsql = 3

// mode is one way of running the operations.
type mode struct {
	*engine
	name string
	db   *sql.DB // holds users
	// shared is the database that all modes read for statements that touch
	// nothing encrypted: the same pages for all.
	shared *sql.DB
	// aeads is nil unless values are encrypted by hand; hash is then the key of
	// the hashes by which e-mails are looked up.
	aeads []cipher.AEAD
	hash  []byte
	// turn counts operations, inserted rows.
	turn, inserted atomic.Int64
	clients        int
	batch          func() string // the text of batch100
}

type modes struct {
	list []*mode
	drop []func() error
	// server reads the CPU time of the server; nil where there is none.
	server func() (time.Duration, error)
}

func (ms *modes) close() error {
	var err error
	for _, m := range ms.list {
		if m.db != nil {
			m.db.Close()
		}
		if m.shared != nil {
			m.shared.Close()
		}
	}
	for _, drop := range ms.drop {
		err = errors.Join(err, drop())
	}
	return err
}

// openModes makes one database a mode. The encrypted table of the mode without
// guards is made past the driver, which would write them.
func openModes(e *engine, dir string, clients int) (ms *modes, err error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.Setenv(masterKey, hex.EncodeToString(key)); err != nil {
		return nil, err
	}
	cfg := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(cfg, []byte(strings.Replace(configuration, "EQUALITY", e.equality, 1)), 0o600); err != nil {
		return nil, err
	}
	ms = &modes{}
	defer func() {
		if err != nil {
			err = errors.Join(err, ms.close())
		}
	}()
	shared, err := ms.place(e, dir, "shared")
	if err != nil {
		return ms, err
	}
	for i, name := range e.modes() {
		m := &mode{engine: e, name: name, clients: max(1, clients)}
		m.batch = sync.OnceValue(m.batchText)
		ms.list = append(ms.list, m)
		if err := ms.open(m, dir, i, shared, cfg); err != nil {
			return ms, fmt.Errorf("%s: %w", name, err)
		}
	}
	if e.server != nil {
		ms.server, err = e.server(ms.list[0].db)
	}
	return ms, err
}

func (ms *modes) place(e *engine, dir, name string) (string, error) {
	dsn, drop, err := e.place(dir, name)
	if err == nil && drop != nil {
		ms.drop = append(ms.drop, drop)
	}
	return dsn, err
}

func (ms *modes) open(m *mode, dir string, i int, shared, cfg string) error {
	own, err := ms.place(m.engine, dir, fmt.Sprintf("mode%d", i))
	if err != nil {
		return err
	}
	driver, plain := m.plain, own
	if i >= sealsql {
		driver, own, shared = m.encrypted, encryptedDSN(own, cfg), encryptedDSN(shared, cfg)
	}
	if m.db, err = open(driver, own); err != nil {
		return err
	}
	if m.shared, err = open(driver, shared); err != nil {
		return err
	}
	for _, db := range []*sql.DB{m.db, m.shared} {
		db.SetMaxOpenConns(m.clients)
		db.SetMaxIdleConns(m.clients)
	}
	if m.name == "aesgcm" {
		if err := m.cipher(); err != nil {
			return err
		}
	}
	made := i == sealsql
	if made {
		if err := m.unguarded(plain); err != nil {
			return err
		}
	}
	if m.name == "domain" {
		if err := admin(m.plain, plain, m.domain); err != nil {
			return err
		}
	}
	return m.seed(i == 0, made)
}

func open(driver, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// cipher makes the keys of the mode that encrypts by hand.
func (m *mode) cipher() (err error) {
	m.hash = make([]byte, 32)
	rand.Read(m.hash)
	m.aeads, err = aeads()
	return err
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
func (m *mode) unguarded(dsn string) error {
	db, err := open(m.plain, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err = db.Exec(m.create(m.binary, m.binary, ", email_bidx "+m.hash16())); err != nil {
		return err
	}
	_, err = db.Exec("CREATE INDEX users_email ON users (email_bidx)")
	return err
}

// hash16 is the type of a blind index of 128 bits.
func (m *mode) hash16() string { return strings.Replace(m.engine.hash, "32", "16", 1) }

func (m *mode) create(short, long, more string) string {
	q := "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(40)"
	for i, c := range columns {
		kind := long
		if i == 0 {
			kind = short
		}
		q += ", " + c.name + " " + kind
	}
	return q + more + ")"
}

// define makes the table and the index by which e-mails are found.
func (m *mode) define() error {
	text, index := m.create(m.short, "TEXT", ""), "email"
	if m.aeads != nil {
		text, index = m.create(m.binary, m.binary, ", email_bidx "+m.engine.hash), "email_bidx"
	}
	if _, err := m.db.Exec(text); err != nil {
		return err
	}
	_, err := m.db.Exec("CREATE INDEX users_email ON users (" + index + ")")
	return err
}

func (m *mode) seed(first, made bool) error {
	if !made {
		if err := m.define(); err != nil {
			return err
		}
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
	if _, err := m.shared.Exec("CREATE TABLE visits (id INTEGER PRIMARY KEY, page VARCHAR(40), hits INTEGER)"); err != nil {
		return err
	}
	for i := range seeded {
		if _, err := m.shared.Exec("INSERT INTO visits (id, page, hits) VALUES "+m.list(1, 3), i+1, fmt.Sprintf("/page/%d", i), i); err != nil {
			return err
		}
	}
	return nil
}

// texts are the values of a column; a program has many different ones, of different
// lengths.
const variants = 64

var texts = func() [][]string {
	out := make([][]string, len(columns))
	for c := range columns {
		for i := range variants {
			s := fmt.Sprintf("%s %d ", columns[c].name, i)
			length := columns[c].bytes*3/4 + columns[c].bytes*(i*29%variants)/(variants-1)/2
			out[c] = append(out[c], (s + strings.Repeat("abcdefghij", 160))[:length])
		}
	}
	return out
}()

func text(c, i int) string {
	if c == 0 {
		return email(i)
	}
	return texts[c][i%variants]
}

// email is that of row i.
func email(i int) string {
	return fmt.Sprintf("user%09d.of.the.benchmark@example", i)[:columns[0].bytes]
}

// hashed is by what the mode finds an e-mail.
func (m *mode) hashed(s string) any {
	if m.aeads == nil {
		return s
	}
	mac := hmac.New(sha256.New, m.hash)
	mac.Write([]byte(s))
	return mac.Sum(nil)
}

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
