package tour

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
	MySQL    Engine = "mysql"
)

// Plain and Sealed are the names under which the drivers register.
func (e Engine) Plain() string {
	if e == Postgres {
		return "pgx"
	}
	return string(e)
}

// Sealed is the name of the encrypting driver.
func (e Engine) Sealed() string { return "encrypted-" + string(e) }

// Schema is what an application finds in its database.
type Schema struct {
	// Config is the configuration of the encrypted database.
	Config func(Engine) string
	// Create makes the tables, through whatever driver.
	Create func(ctx context.Context, db *sql.DB, e Engine) error
	// Stored are queries of all encrypted columns, for the plain driver.
	Stored []string
	// Words are of every encrypted text that is stored.
	Words []string
}

// Shop is the schema of most applications here.
var Shop = Schema{
	Config: Engine.Config,
	Create: func(ctx context.Context, db *sql.DB, e Engine) error { return e.Create(ctx, db) },
	Stored: []string{
		"SELECT email, name, phone, born, score, balance, last_seen FROM customers",
		"SELECT item, code, price, placed_at FROM orders",
	},
	Words: []string{"ada@", "grace@", "alan@", "Lovelace", "Hopper", "Turing", "+44 20", "+1 202", "Engine", "Compiler", "Bombe", "A-100", "B-200", "C-300"},
}

// Config annotates two thirds of the shop's text, numeric and time columns, all
// of them searchable. Types are those of the columns in the shop's tables.
func (e Engine) Config() string {
	ts := map[Engine]string{SQLite: "datetime", Postgres: "timestamptz", MySQL: "datetime(6)"}[e]
	return strings.NewReplacer("{TS}", ts).Replace(`version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
tables:
  customers:
    columns:
      email: {type: varchar(120), search: {equality: {unique: exact, collation: binary}}}
      name: {type: varchar(80), search: {equality: {collation: binary}}}
      phone: {type: varchar(40), search: {equality: {collation: binary}}}
      born: {type: date, search: equality}
      score: {type: int, search: equality}
      balance: {type: "numeric(10,2)", search: equality}
      last_seen: {type: "{TS}", search: equality}
  orders:
    columns:
      item: {type: varchar(60), search: {equality: {collation: binary}}}
      code: {type: varchar(20), search: {equality: {unique: exact, collation: binary}}}
      price: {type: "numeric(10,2)", search: equality}
      placed_at: {type: "{TS}", search: equality}
`)
}

// Tables are the shop's CREATE TABLE statements, as they would be without
// encryption: the encrypting driver turns them into the physical form.
func (e Engine) Tables() []string {
	r := map[Engine]*strings.Replacer{
		SQLite:   strings.NewReplacer("{ID}", "INTEGER PRIMARY KEY AUTOINCREMENT", "{REF}", "INTEGER", "{TS}", "DATETIME"),
		Postgres: strings.NewReplacer("{ID}", "BIGSERIAL PRIMARY KEY", "{REF}", "BIGINT", "{TS}", "TIMESTAMPTZ"),
		MySQL:    strings.NewReplacer("{ID}", "BIGINT AUTO_INCREMENT PRIMARY KEY", "{REF}", "BIGINT", "{TS}", "DATETIME(6)"),
	}[e]
	return []string{
		r.Replace(`CREATE TABLE customers (
			id {ID}, email VARCHAR(120) NOT NULL UNIQUE, name VARCHAR(80) NOT NULL, phone VARCHAR(40), born DATE,
			score INT NOT NULL, balance NUMERIC(10,2), last_seen {TS}, city VARCHAR(40), visits INT NOT NULL DEFAULT 0,
			created_at {TS}, updated_at {TS}, deleted_at {TS})`),
		r.Replace(`CREATE TABLE orders (
			id {ID}, customer_id {REF} NOT NULL REFERENCES customers (id), item VARCHAR(60) NOT NULL, code VARCHAR(20) UNIQUE,
			price NUMERIC(10,2) NOT NULL, quantity INT NOT NULL, placed_at {TS} NOT NULL, status VARCHAR(20) NOT NULL)`),
	}
}

// Create makes the tables.
func (e Engine) Create(ctx context.Context, db *sql.DB) error {
	for _, s := range e.Tables() {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(s)[2], err)
		}
	}
	return nil
}

// Read returns what the plain driver reads of all encrypted columns, as text:
// nothing of the application's words may be in it.
func (s Schema) Read(ctx context.Context, plain *sql.DB) (string, error) {
	var b strings.Builder
	for _, q := range s.Stored {
		rows, err := plain.QueryContext(ctx, q)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		names, _ := rows.Columns()
		for rows.Next() {
			cells, refs := make([]sql.RawBytes, len(names)), make([]any, len(names))
			for i := range cells {
				refs[i] = &cells[i]
			}
			if err := rows.Scan(refs...); err != nil {
				return "", err
			}
			for _, c := range cells {
				b.Write(c)
				b.WriteByte('\n')
			}
		}
		if err := rows.Err(); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
