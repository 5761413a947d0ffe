// Sqlx runs the documentation tour of github.com/jmoiron/sqlx on the encrypting
// driver: named parameters, structs, IN lists, prepared named statements,
// transactions. sqlx must be told the placeholder of a driver name that it does
// not know: sqlx.BindDriver.
//
//	go run ./sqlx
package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

func init() {
	sqlx.BindDriver("encrypted-postgres", sqlx.DOLLAR)
	sqlx.BindDriver("encrypted-mysql", sqlx.QUESTION)
	sqlx.BindDriver("encrypted-sqlite", sqlx.QUESTION)
}

// Customer is a row; nothing in it speaks of encryption.
type Customer struct {
	ID       int64
	Email    string
	Name     string
	Phone    sql.NullString
	Born     sql.NullTime
	Score    int
	Balance  sql.NullString
	LastSeen sql.NullTime `db:"last_seen"`
	City     *string
	Visits   int
}

// Order is a row of the other table.
type Order struct {
	ID         int64
	CustomerID int64 `db:"customer_id"`
	Item       string
	Code       sql.NullString
	Price      string
	Quantity   int
	PlacedAt   time.Time `db:"placed_at"`
	Status     string
}

const columns = "id, email, name, phone, born, score, balance, last_seen, city, visits"

type shop struct {
	db *sqlx.DB
	e  tour.Engine
}

func main() { tour.Main("sqlx", app) }

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	// Bind types go by the driver's name: pgx and encrypted-postgres are $1.
	s := &shop{sqlx.NewDb(db, e.Sealed()), e}
	var steps []tour.Step
	steps = append(steps, s.writes()...)
	steps = append(steps, s.reads()...)
	steps = append(steps, s.changes()...)
	return steps, nil
}

func day(y, m, d int) time.Time {
	return time.Date(y, time.Month(m), d, 12, 30, 15, 0, time.UTC)
}

func null[T any](v T) sql.Null[T] { return sql.Null[T]{V: v, Valid: true} }

func (s *shop) writes() []tour.Step {
	insert := `INSERT INTO customers (email, name, phone, born, score, balance, last_seen, city)
		VALUES (:email, :name, :phone, :born, :score, :balance, :last_seen, :city)`
	return []tour.Step{
		{Name: "NamedExec with a map", Do: func(ctx context.Context) (any, error) {
			r, err := s.db.NamedExecContext(ctx, insert, map[string]any{
				"email": "ada@example.org", "name": "Ada Lovelace", "phone": "+44 20 7946 0001", "born": "1815-12-10",
				"score": 10, "balance": "100.50", "last_seen": day(2026, 1, 2), "city": "London",
			})
			if err != nil {
				return nil, err
			}
			return r.RowsAffected()
		}},
		{Name: "NamedExec with a struct", Do: func(ctx context.Context) (any, error) {
			city := "New York"
			r, err := s.db.NamedExecContext(ctx, insert, Customer{
				Email: "grace@example.org", Name: "Grace Hopper", Score: 20,
				Balance: sql.NullString{String: "0.00", Valid: true}, City: &city,
			})
			if err != nil {
				return nil, err
			}
			return r.RowsAffected()
		}},
		{Name: "NamedExec with a slice: one INSERT of many rows", Do: func(ctx context.Context) (any, error) {
			r, err := s.db.NamedExecContext(ctx, `INSERT INTO orders (customer_id, item, code, price, quantity, placed_at, status)
				VALUES (:customer_id, :item, :code, :price, :quantity, :placed_at, :status)`, []Order{
				{CustomerID: 1, Item: "Engine", Code: sql.NullString{String: "A-100", Valid: true}, Price: "10.00", Quantity: 1, PlacedAt: day(2026, 2, 1), Status: "new"},
				{CustomerID: 1, Item: "Compiler", Code: sql.NullString{String: "B-200", Valid: true}, Price: "20.00", Quantity: 2, PlacedAt: day(2026, 2, 2), Status: "paid"},
				{CustomerID: 2, Item: "Compiler", Price: "20.00", Quantity: 3, PlacedAt: day(2026, 2, 3), Status: "new"},
			})
			if err != nil {
				return nil, err
			}
			return r.RowsAffected()
		}},
		{Name: "MustExec with Rebind", Do: func(ctx context.Context) (any, error) {
			r := s.db.MustExecContext(ctx, s.db.Rebind("INSERT INTO customers (email, name, score, visits) VALUES (?, ?, ?, ?)"), "alan@example.org", "Alan Turing", 30, 7)
			return r.RowsAffected()
		}},
		{Name: "a duplicate of a unique value is an error", Do: func(ctx context.Context) (any, error) {
			_, err := s.db.ExecContext(ctx, s.db.Rebind("INSERT INTO customers (email, name, score) VALUES (?, ?, ?)"), "ada@example.org", "Another", 1)
			return err != nil, nil
		}},
	}
}

func (s *shop) reads() []tour.Step {
	return []tour.Step{
		{Name: "Get by an encrypted column", Do: func(ctx context.Context) (any, error) {
			var c Customer
			err := s.db.GetContext(ctx, &c, s.db.Rebind("SELECT "+columns+" FROM customers WHERE email = ?"), "ada@example.org")
			return c, err
		}},
		{Name: "Get by a date", Do: func(ctx context.Context) (any, error) {
			var name string
			err := s.db.GetContext(ctx, &name, s.db.Rebind("SELECT name FROM customers WHERE born = ?"), "1815-12-10")
			return name, err
		}},
		{Name: "Get of nothing is sql.ErrNoRows", Do: func(ctx context.Context) (any, error) {
			var c Customer
			err := s.db.GetContext(ctx, &c, s.db.Rebind("SELECT "+columns+" FROM customers WHERE name = ?"), "nobody")
			return err == sql.ErrNoRows, nil
		}},
		{Name: "Select of all", Do: func(ctx context.Context) (any, error) {
			var all []Customer
			err := s.db.SelectContext(ctx, &all, "SELECT "+columns+" FROM customers ORDER BY id")
			return all, err
		}},
		{Name: "Select *, with sqlx.Unsafe", Do: func(ctx context.Context) (any, error) {
			var all []Order
			err := s.db.Unsafe().SelectContext(ctx, &all, "SELECT * FROM orders ORDER BY id")
			return all, err
		}},
		{Name: "sqlx.In on an encrypted column", Do: func(ctx context.Context) (any, error) {
			q, args, err := sqlx.In("SELECT name FROM customers WHERE email IN (?) AND score IN (?) ORDER BY id", []string{"ada@example.org", "alan@example.org", "x"}, []int{10, 30})
			if err != nil {
				return nil, err
			}
			var names []string
			err = s.db.SelectContext(ctx, &names, s.db.Rebind(q), args...)
			return names, err
		}},
		{Name: "NamedQuery and StructScan", Do: func(ctx context.Context) (any, error) {
			rows, err := s.db.NamedQueryContext(ctx, "SELECT "+columns+" FROM customers WHERE name = :name OR phone = :phone", map[string]any{"name": "Grace Hopper", "phone": "+44 20 7946 0001"})
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				var c Customer
				if err := rows.StructScan(&c); err != nil {
					return nil, err
				}
				n += c.Score
			}
			return n, rows.Err()
		}},
		{Name: "MapScan", Do: func(ctx context.Context) (any, error) {
			m := map[string]any{}
			err := s.db.QueryRowxContext(ctx, "SELECT name, score, born, phone FROM customers ORDER BY id").MapScan(m)
			return m, err
		}},
		{Name: "SliceScan", Do: func(ctx context.Context) (any, error) {
			return s.db.QueryRowxContext(ctx, "SELECT * FROM orders ORDER BY id DESC").SliceScan()
		}},
		{Name: "a join into a nested struct", Do: func(ctx context.Context) (any, error) {
			var all []struct {
				Order
				Customer Customer `db:"c"`
			}
			err := s.db.SelectContext(ctx, &all, `SELECT o.id, o.item, o.price, o.placed_at, c.id "c.id", c.name "c.name", c.email "c.email"
				FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.item = 'Compiler' ORDER BY o.id`)
			return all, err
		}},
		{Name: "a report by a clear column", Do: func(ctx context.Context) (any, error) {
			var all []struct {
				Status string
				N      int
			}
			err := s.db.SelectContext(ctx, &all, "SELECT status, COUNT(code) AS n FROM orders GROUP BY status ORDER BY status")
			return all, err
		}},
		{Name: "Preparex, executed again", Do: func(ctx context.Context) (any, error) {
			st, err := s.db.PreparexContext(ctx, s.db.Rebind("SELECT id FROM customers WHERE name = ?"))
			if err != nil {
				return nil, err
			}
			defer st.Close()
			var ids [2]int64
			if err = st.GetContext(ctx, &ids[0], "Ada Lovelace"); err == nil {
				err = st.GetContext(ctx, &ids[1], "Alan Turing")
			}
			return ids, err
		}},
		{Name: "PrepareNamed", Do: func(ctx context.Context) (any, error) {
			st, err := s.db.PrepareNamedContext(ctx, "SELECT "+columns+" FROM customers WHERE score = :score AND city = :city")
			if err != nil {
				return nil, err
			}
			defer st.Close()
			var c Customer
			err = st.GetContext(ctx, &c, map[string]any{"score": 20, "city": "New York"})
			return c, err
		}},
		{Name: "ORDER BY an encrypted column", Refused: "no index for order", Do: func(ctx context.Context) (any, error) {
			var names []string
			err := s.db.SelectContext(ctx, &names, "SELECT name FROM customers ORDER BY name")
			return names, err
		}},
		{Name: "SUM of an encrypted column", Refused: "computed by the database", Do: func(ctx context.Context) (any, error) {
			var sum string
			err := s.db.GetContext(ctx, &sum, "SELECT SUM(price) FROM orders")
			return sum, err
		}},
	}
}

func (s *shop) changes() []tour.Step {
	return []tour.Step{
		{Name: "NamedExec UPDATE", Do: func(ctx context.Context) (any, error) {
			if _, err := s.db.NamedExecContext(ctx, "UPDATE customers SET phone = :phone, balance = :balance, city = :city WHERE email = :email",
				map[string]any{"email": "grace@example.org", "phone": "+1 202 555 0100", "balance": "12.30", "city": "Arlington"}); err != nil {
				return nil, err
			}
			var c Customer
			err := s.db.GetContext(ctx, &c, s.db.Rebind("SELECT "+columns+" FROM customers WHERE phone = ?"), "+1 202 555 0100")
			return c, err
		}},
		{Name: "upsert", Do: func(ctx context.Context) (any, error) {
			q := "INSERT INTO customers (email, name, score) VALUES (?, ?, ?) ON CONFLICT (email) DO UPDATE SET name = excluded.name, score = excluded.score"
			if s.e == tour.MySQL {
				q = "INSERT INTO customers (email, name, score) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name), score = VALUES(score)"
			}
			if _, err := s.db.ExecContext(ctx, s.db.Rebind(q), "alan@example.org", "Alan M. Turing", 31); err != nil {
				return nil, err
			}
			var c Customer
			err := s.db.GetContext(ctx, &c, s.db.Rebind("SELECT "+columns+" FROM customers WHERE email = ?"), "alan@example.org")
			return c, err
		}},
		{Name: "Beginx, rolled back", Do: func(ctx context.Context) (any, error) {
			tx, err := s.db.BeginTxx(ctx, nil)
			if err != nil {
				return nil, err
			}
			if _, err := tx.NamedExecContext(ctx, "DELETE FROM orders WHERE code = :code", map[string]any{"code": "A-100"}); err != nil {
				return nil, err
			}
			if err := tx.Rollback(); err != nil {
				return nil, err
			}
			var n int
			err = s.db.GetContext(ctx, &n, s.db.Rebind("SELECT COUNT(*) FROM orders WHERE code = ?"), "A-100")
			return n, err
		}},
		{Name: "Beginx, committed", Do: func(ctx context.Context) (any, error) {
			tx, err := s.db.BeginTxx(ctx, nil)
			if err != nil {
				return nil, err
			}
			defer tx.Rollback()
			st, err := tx.PrepareNamedContext(ctx, "UPDATE orders SET code = :code WHERE id = :id")
			if err != nil {
				return nil, err
			}
			if _, err := st.ExecContext(ctx, map[string]any{"id": 3, "code": "C-300"}); err != nil {
				return nil, err
			}
			if err := tx.Commit(); err != nil {
				return nil, err
			}
			var codes []sql.Null[string]
			err = s.db.SelectContext(ctx, &codes, "SELECT code FROM orders ORDER BY id")
			return codes, err
		}},
		{Name: "DELETE by an encrypted column", Do: func(ctx context.Context) (any, error) {
			r, err := s.db.NamedExecContext(ctx, "DELETE FROM orders WHERE code = :code AND price = :price", map[string]any{"code": null("A-100"), "price": "10.00"})
			if err != nil {
				return nil, err
			}
			return r.RowsAffected()
		}},
	}
}
