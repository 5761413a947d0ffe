package builtin_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
)

// What Asherah for Go wrote with a static master key, a record and its key rows.
const (
	asherahMaster = "thisIsTheDevelopersStaticKey-32b"
	asherahRecord = `{"Key":{"Created":1795310797,"Key":"pQm9lp9w1PIMq9OCjifU5jqH42g9DVOAzEerlM0tVQwgt4GpXvLm0RFzqkC68O+kVYpT5rqjelhX/KVV","ParentKeyMeta":{"KeyId":"_IK_customer-1_orders_shopdb","Created":1795310760}},"Data":"ykTBG8U32C6Cavnb9wRIYW7AIdlGuliXZGn15K0WfJKHnkPAtlxwEg=="}`
	asherahText   = "hello, world"
	asherahTime   = 1795310760
)

var asherahRows = map[string]string{
	"_IK_customer-1_orders_shopdb": `{"Created":1795310760,"Key":"dDlKmJaOOQjJckUe7+eX/7Z0JN1YaL9NOifojfrCa9HKHOmFlcoW2TqZIE6lOB/oE+FZp5NhFGCN2Qb1","ParentKeyMeta":{"KeyId":"_SK_orders_shopdb","Created":1795310760}}`,
	"_SK_orders_shopdb":            `{"Created":1795310760,"Key":"LmQ7eVEc4r5D/cJY/TgYOzYEIVsPIUvNHQ5CQh+AbO6qhv0RPUbTMdfBg9K3ml8E0gn73qOXqizpVngw"}`,
}

// asherahTables are key tables of Asherah's definition, in the forms that are in
// use.
var asherahTables = map[builtin.Dialect]map[string]string{
	builtin.Postgres: {
		"TEXT":  `CREATE TABLE encryption_key (id VARCHAR(255) NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, key_record TEXT NOT NULL, PRIMARY KEY (id, created))`,
		"JSON":  `CREATE TABLE encryption_key (id TEXT NOT NULL, created TIMESTAMP NOT NULL, key_record JSON NOT NULL, PRIMARY KEY (id, created))`,
		"JSONB": `CREATE TABLE encryption_key (id TEXT NOT NULL, created TIMESTAMP NOT NULL, key_record JSONB NOT NULL, PRIMARY KEY (id, created))`,
		"zone":  `CREATE TABLE encryption_key (id TEXT NOT NULL, created TIMESTAMPTZ NOT NULL, key_record JSONB NOT NULL, PRIMARY KEY (id, created))`,
	},
	builtin.MySQL: {
		"TEXT": `CREATE TABLE encryption_key (id VARCHAR(255) NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, key_record TEXT NOT NULL, PRIMARY KEY (id, created), INDEX (created))`,
		"JSON": `CREATE TABLE encryption_key (id VARCHAR(255) NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, key_record JSON NOT NULL, PRIMARY KEY (id, created), INDEX (created))`,
	},
	builtin.SQLite: {
		"TEXT": `CREATE TABLE encryption_key (id TEXT NOT NULL, created TIMESTAMP NOT NULL, key_record TEXT NOT NULL, PRIMARY KEY (id, created))`,
	},
}

// Rows that Asherah wrote serve here, and rows that were written here are found
// by Asherah's query, in its tables on every engine.
func TestAsherahsKeyTablesAreReadAndWritten(t *testing.T) {
	engines := map[builtin.Dialect]struct {
		driver string
		dsn    func(t *testing.T) string
		mark   string // placeholders
	}{
		builtin.Postgres: {"pgx", func(t *testing.T) string { return testenv.Postgres(t) }, "$1 $2 $3"},
		builtin.MySQL:    {"mysql", func(t *testing.T) string { return testenv.MySQL(t) }, "? ? ?"},
		builtin.SQLite:   {"sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "k.db") + "?_time_format=sqlite" }, "? ? ?"},
	}
	for d, forms := range asherahTables {
		for form, create := range forms {
			t.Run(string(d)+"/"+form, func(t *testing.T) {
				e := engines[d]
				db := dial(t, e.driver, e.dsn(t))
				mark := strings.Fields(e.mark)
				for _, q := range []string{"DROP TABLE IF EXISTS encryption_key", create} {
					if _, err := db.Exec(q); err != nil {
						t.Fatal(err)
					}
				}
				at := any(time.Unix(asherahTime, 0).UTC())
				if d == builtin.SQLite { // Asherah has no SQLite; other ports write this text
					at = "2026-11-22 01:26:00"
				}
				for id, record := range asherahRows {
					if _, err := db.Exec("INSERT INTO encryption_key (id, created, key_record) VALUES ("+mark[0]+", "+mark[1]+", "+mark[2]+")", id, at, record); err != nil {
						t.Fatal(err)
					}
				}
				opensAndSeals(t, db, d, "SELECT key_record FROM encryption_key WHERE id = "+mark[0]+" AND created = "+mark[1])
			})
		}
	}
}

func opensAndSeals(t *testing.T, db *sql.DB, d builtin.Dialect, query string) {
	ctx := context.Background()
	kms, err := builtin.NewInsecureStatic([]byte(asherahMaster))
	if err != nil {
		t.Fatal(err)
	}
	s, err := envelope.New(ctx, envelope.Config{
		Service: "orders", Product: "shopdb", KMS: kms, Metastore: wrapSQL(t, db, d),
		Now: func() time.Time { return time.Unix(asherahTime+60, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Partition("customer-1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Open(ctx, nil, []byte(asherahRecord)); err != nil || string(got) != asherahText {
		t.Fatalf("Open = %q, %v", got, err)
	}
	rec, err := p.Encrypt(ctx, []byte("v"))
	if err != nil || rec.Key.ParentKeyMeta.Created != asherahTime {
		t.Fatalf("Encrypt: %v; a key was made although there is one", err)
	}
	q, err := a.Partition("customer-2")
	if err != nil {
		t.Fatal(err)
	}
	if rec, err = q.Encrypt(ctx, []byte("v")); err != nil {
		t.Fatal(err)
	}
	m := rec.Key.ParentKeyMeta
	at := any(time.Unix(m.Created, 0).UTC())
	if d == builtin.SQLite {
		at = time.Unix(m.Created, 0).UTC().Format("2006-01-02 15:04:05")
	}
	var text []byte
	if err := db.QueryRow(query, m.ID, at).Scan(&text); err != nil {
		t.Fatalf("Asherah's query: %v", err)
	}
	var row struct {
		Created       int64
		Key           []byte
		ParentKeyMeta struct {
			KeyID string `json:"KeyId"`
		}
	}
	if err := json.Unmarshal(text, &row); err != nil || row.Created != m.Created || len(row.Key) != 60 || row.ParentKeyMeta.KeyID != "_SK_orders_shopdb" {
		t.Fatalf("row %s, %v", text, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The format is Asherah's: ciphertext, tag, nonce under the master key itself.
func TestLocalServicesWrapAsAsherahsStaticServiceDoes(t *testing.T) {
	if fips140.Enforced() {
		t.Log("left out: crypto/cipher refuses nonces of its caller in this mode")
		return
	}
	k, err := builtin.NewInsecureStatic([]byte(asherahMaster))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	key := []byte("thirty-two bytes of a system key")
	box, err := k.(envelope.AsherahKMS).EncryptAsherahKey(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher([]byte(asherahMaster))
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	end := len(box) - 12
	if got, err := g.Open(nil, box[end:], box[:end], nil); err != nil || string(got) != string(key) {
		t.Fatalf("%q, %v", got, err)
	}
}
