// Session shows envelope encryption without a driver: the program stores the
// records itself, as with GoDaddy's Asherah, whose format this is.
//
//	CGO_ENABLED=0 go run ./examples/session
//
// It makes a master key in a file and a key table in a SQLite file, encrypts
// and decrypts a record, stores and loads one through functions, and then lets
// 91 days pass: a new key is made, and the old record still opens.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite", for keys and records

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/session"
)

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "sealsql-session-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), os.Stdout, dir)
	os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
}

// clock is the program's: days pass at will.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func run(ctx context.Context, out io.Writer, dir string) error {
	kms, err := masterKey(dir)
	if err != nil {
		return err
	}
	defer kms.Close()
	db, store, err := tables(ctx, dir)
	if err != nil {
		return err
	}
	defer store.Close() // closes db as well

	clk := &clock{time.Now()}
	policy := session.NewCryptoPolicy(session.WithSessionCache())
	factory, err := session.NewSessionFactory(
		&session.Config{Service: "shop", Product: "orders", Policy: policy},
		store, kms, session.WithClock(clk.now))
	if err != nil {
		return err
	}
	defer factory.Close()
	s, err := factory.GetSession("customer-1")
	if err != nil {
		return err
	}
	defer s.Close()

	if err := encryptAndDecrypt(ctx, out, s); err != nil {
		return err
	}
	key, err := storeAndLoad(ctx, out, s, db)
	if err != nil {
		return err
	}
	return rotate(ctx, out, s, db, key, clk)
}

// masterKey makes a master key in a file and opens it.
func masterKey(dir string) (envelope.KeyManagementService, error) {
	path := filepath.Join(dir, "master.key")
	if err := builtin.GenerateKeyFile(path); err != nil {
		return nil, err
	}
	return builtin.NewFile(path)
}

// tables makes the key table and one for records.
func tables(ctx context.Context, dir string) (*sql.DB, *builtin.SQL, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "shop.db"))
	if err != nil {
		return nil, nil, err
	}
	store, err := builtin.OpenSQL(db, builtin.SQLite, builtin.SQLOptions{})
	if err != nil {
		return nil, nil, err
	}
	if err := store.Init(ctx); err != nil {
		return nil, nil, err
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE cards (id INTEGER PRIMARY KEY, record TEXT NOT NULL)")
	return db, store, err
}

func encryptAndDecrypt(ctx context.Context, out io.Writer, s *session.Session) error {
	record, err := s.Encrypt(ctx, []byte("4111 1111 1111 1111"))
	if err != nil {
		return err
	}
	payload, err := s.Decrypt(ctx, *record)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "encrypted under %s, decrypted: %s\n", record.Key.ParentKeyMeta.ID, payload)
	return nil
}

// cards keeps records in a table, as JSON.
type cards struct{ db *sql.DB }

func (c cards) Store(ctx context.Context, r session.DataRowRecord) (any, error) {
	text, err := json.Marshal(&r)
	if err != nil {
		return nil, err
	}
	res, err := c.db.ExecContext(ctx, "INSERT INTO cards (record) VALUES (?)", string(text))
	if err != nil {
		return nil, err
	}
	return res.LastInsertId()
}

func (c cards) Load(ctx context.Context, key any) (*session.DataRowRecord, error) {
	var text []byte
	if err := c.db.QueryRowContext(ctx, "SELECT record FROM cards WHERE id = ?", key).Scan(&text); err != nil {
		return nil, err
	}
	var r session.DataRowRecord
	return &r, json.Unmarshal(text, &r)
}

func storeAndLoad(ctx context.Context, out io.Writer, s *session.Session, db *sql.DB) (key any, err error) {
	key, err = s.Store(ctx, []byte("5500 0000 0000 0004"), cards{db})
	if err != nil {
		return nil, err
	}
	payload, err := s.Load(ctx, key, cards{db})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "stored as row %v, loaded: %s\n", key, payload)
	return key, nil
}

// rotate lets the key expire: the next record has a new one.
func rotate(ctx context.Context, out io.Writer, s *session.Session, db *sql.DB, key any, clk *clock) error {
	old, err := cards{db}.Load(ctx, key)
	if err != nil {
		return err
	}
	clk.t = clk.t.Add(91 * 24 * time.Hour)
	fresh, err := s.Encrypt(ctx, []byte("3400 000000 00009"))
	if err != nil {
		return err
	}
	if fresh.Key.ParentKeyMeta.Created == old.Key.ParentKeyMeta.Created {
		return fmt.Errorf("the key of %s was not replaced after 91 days", fresh.Key.ParentKeyMeta.ID)
	}
	payload, err := s.Load(ctx, key, cards{db})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "91 days later there is a new key, and row %v still opens: %s\n", key, payload)
	return nil
}
