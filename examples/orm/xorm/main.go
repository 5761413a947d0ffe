// Xorm runs the documentation tour of xorm.io/xorm on the encrypting driver:
// its Sync, conditions, joins, sessions, soft deletes and raw SQL.
//
//	go run ./xorm
package main

import (
	"context"
	"database/sql"
	"runtime"
	"strings"
	"time"

	"xorm.io/xorm"
	"xorm.io/xorm/core"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

func main() { tour.MainOn(shop, "xorm", app) }

// Customer is a model with what xorm knows of columns; nothing in it speaks of
// encryption.
type Customer struct {
	ID        int64             `xorm:"'id' pk autoincr"`
	Email     string            `xorm:"varchar(120) notnull unique"`
	Name      string            `xorm:"varchar(80) notnull index"`
	Phone     *string           `xorm:"varchar(40)"`
	Born      time.Time         `xorm:"date null"`
	Score     int               `xorm:"int"`
	Balance   string            `xorm:"decimal(10,2)"`
	LastSeen  time.Time         `xorm:"datetime"`
	Prefs     map[string]string `xorm:"json 'prefs'"`
	City      string            `xorm:"varchar(40) index"`
	Visits    int               `xorm:"int default 0"`
	Version   int               `xorm:"version"`
	CreatedAt time.Time         `xorm:"created"`
	DeletedAt time.Time         `xorm:"deleted"`
}

// TableName names the table.
func (Customer) TableName() string { return "customers" }

// Order belongs to a customer.
type Order struct {
	ID         int64     `xorm:"'id' pk autoincr"`
	CustomerID int64     `xorm:"'customer_id' index"`
	Item       string    `xorm:"varchar(60) notnull"`
	Code       *string   `xorm:"varchar(20) unique"`
	Price      string    `xorm:"decimal(10,2) notnull"`
	Quantity   int       `xorm:"int"`
	PlacedAt   time.Time `xorm:"datetime"`
	Status     string    `xorm:"varchar(20)"`
}

// TableName names the table.
func (Order) TableName() string { return "orders" }

// open is the switch: xorm picks its dialect by the name of a plain driver and
// the name of the database out of a data source name, and takes any *sql.DB
// beside them.
func open(db *sql.DB, e tour.Engine) (*xorm.Engine, error) {
	names := map[tour.Engine]string{tour.SQLite: "SELECT 'shop'", tour.Postgres: "SELECT current_database()", tour.MySQL: "SELECT DATABASE()"}
	var name string
	if err := db.QueryRow(names[e]).Scan(&name); err != nil {
		return nil, err
	}
	dsn := map[tour.Engine]string{tour.SQLite: name, tour.Postgres: "postgres://localhost/" + name, tour.MySQL: "tcp(localhost)/" + name}[e]
	x, err := xorm.NewEngineWithDB(e.Plain(), dsn, core.FromDB(db))
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(x, nil) // which would close the database, and that is the caller's
	x.SetTZLocation(time.UTC)
	x.SetTZDatabase(time.UTC)
	return x, nil
}

// shop is made by xorm's own Sync. Types are those of the columns that it makes
// on each engine.
var shop = tour.Schema{
	Config: func(e tour.Engine) string {
		types := map[tour.Engine][]string{
			tour.SQLite:   {"varchar(120)", "text", "varchar(80)", "text", "varchar(60)", "text", "varchar(40)", "text", "varchar(20)", "text", "{INT}", "integer", "{MONEY}", "numeric", "{DATE}", "datetime", "{TIME}", "datetime", "{JSON}", "text"},
			tour.Postgres: {"{INT}", "integer", "{MONEY}", "numeric(10,2)", "{DATE}", "date", "{TIME}", "timestamp", "{JSON}", "json"},
			tour.MySQL:    {"{INT}", "int", "{MONEY}", "decimal(10,2)", "{DATE}", "date", "{TIME}", "datetime", "{JSON}", "text"},
		}[e]
		return strings.NewReplacer(types...).Replace(`version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
tables:
  customers:
    columns:
      email: {type: "varchar(120)", search: {equality: {unique: exact, collation: binary}}}
      name: {type: "varchar(80)", search: {equality: {collation: binary}}}
      phone: {type: "varchar(40)", search: {equality: {collation: binary}}}
      born: {type: "{DATE}", search: equality}
      score: {type: "{INT}", search: equality}
      balance: {type: "{MONEY}", search: equality}
      last_seen: {type: "{TIME}", search: equality}
      prefs: {type: "{JSON}"}
  orders:
    columns:
      item: {type: "varchar(60)", search: {equality: {collation: binary}}}
      code: {type: "varchar(20)", search: {equality: {unique: exact, collation: binary}}}
      price: {type: "{MONEY}", search: equality}
      placed_at: {type: "{TIME}", search: equality}
`)
	},
	Create: func(ctx context.Context, db *sql.DB, e tour.Engine) error {
		x, err := open(db, e)
		if err != nil {
			return err
		}
		return x.Context(ctx).Sync(new(Customer), new(Order))
	},
	Stored: []string{
		"SELECT email, name, phone, born, score, balance, last_seen, prefs FROM customers",
		"SELECT item, code, price, placed_at FROM orders",
	},
	Words: append([]string{"dark", "Navy"}, tour.Shop.Words...),
}
