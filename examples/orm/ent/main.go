// Ent runs the documentation tour of entgo.io/ent on the encrypting driver:
// its own migration, builders, edges, eager loading, hooks, upserts and
// transactions. The code in ./ent is what ent generates from ./ent/schema.
//
//	go run ./ent
package main

import (
	"context"
	"database/sql"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/sealsql/sealsql/examples/orm/ent/ent"
	_ "github.com/sealsql/sealsql/examples/orm/ent/ent/runtime" // hooks of the schema
	"github.com/sealsql/sealsql/examples/orm/tour"
)

func main() { tour.MainOn(shop, "ent", app) }

// open is the switch: entsql.Open takes the dialect for the driver's name, so
// the database is opened first and the dialect named beside it.
func open(db *sql.DB, e tour.Engine) *ent.Client {
	name := map[tour.Engine]string{tour.SQLite: dialect.SQLite, tour.Postgres: dialect.Postgres, tour.MySQL: dialect.MySQL}[e]
	return ent.NewClient(ent.Driver(entsql.OpenDB(name, db)))
}

// shop is made by ent's own migration. Types are those of the columns that it
// makes on each engine.
var shop = tour.Schema{
	Config: func(e tour.Engine) string {
		types := map[tour.Engine][]string{
			tour.SQLite:   {"{S120}", "text", "{S80}", "text", "{S60}", "text", "{S40}", "text", "{S20}", "text", "{INT}", "integer", "{MONEY}", "numeric(10,2)", "{TIME}", "datetime", "{JSON}", "json"},
			tour.Postgres: {"{S120}", "varchar", "{S80}", "varchar", "{S60}", "varchar", "{S40}", "varchar", "{S20}", "varchar", "{INT}", "bigint", "{MONEY}", "numeric(10,2)", "{TIME}", "timestamptz", "{JSON}", "jsonb"},
			tour.MySQL:    {"{S120}", "varchar(120)", "{S80}", "varchar(80)", "{S60}", "varchar(60)", "{S40}", "varchar(40)", "{S20}", "varchar(20)", "{INT}", "bigint", "{MONEY}", "decimal(10,2)", "{TIME}", "timestamp", "{JSON}", "json"},
		}[e]
		return strings.NewReplacer(types...).Replace(`version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
tables:
  customers:
    columns:
      email: {type: "{S120}", search: {equality: {unique: exact, collation: binary}}}
      name: {type: "{S80}", search: {equality: {collation: binary}}}
      phone: {type: "{S40}", search: {equality: {collation: binary}}}
      born: {type: date, search: equality}
      score: {type: "{INT}", search: equality}
      balance: {type: "{MONEY}", search: equality}
      last_seen: {type: "{TIME}", search: equality}
      prefs: {type: "{JSON}"}
  orders:
    columns:
      item: {type: "{S60}", search: {equality: {collation: binary}}}
      code: {type: "{S20}", search: {equality: {unique: exact, collation: binary}}}
      price: {type: "{MONEY}", search: equality}
      placed_at: {type: "{TIME}", search: equality}
  groups:
    columns:
      name: {type: "{S60}", search: {equality: {unique: exact, collation: binary}}}
`)
	},
	Create: func(ctx context.Context, db *sql.DB, e tour.Engine) error { return open(db, e).Schema.Create(ctx) },
	Stored: []string{
		"SELECT email, name, phone, born, score, balance, last_seen, prefs FROM customers",
		"SELECT item, code, price, placed_at FROM orders",
	},
	Words: append([]string{"dark", "Navy"}, tour.Shop.Words...),
}
