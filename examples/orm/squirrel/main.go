// Squirrel runs the documentation tour of github.com/Masterminds/squirrel on the
// encrypting driver: builders of all statements, nested expressions, a cache of
// prepared statements. Squirrel knows nothing of drivers but the placeholder.
//
//	go run ./squirrel
package main

import (
	"context"
	"database/sql"
	"time"

	sq "github.com/Masterminds/squirrel"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

func main() { tour.Main("squirrel", app) }

type shop struct {
	db *sql.DB
	b  sq.StatementBuilderType
	e  tour.Engine
}

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	b := sq.StatementBuilder.RunWith(sq.NewStmtCache(db)) // prepares each text once
	if e == tour.Postgres {
		b = b.PlaceholderFormat(sq.Dollar)
	}
	s := &shop{db, b, e}
	return append(s.writes(), append(s.reads(), s.changes()...)...), nil
}

func affected(r sql.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r.RowsAffected()
}

// all reads every row as text, NULL as nil.
func all(q sq.SelectBuilder) (any, error) {
	rows, err := q.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	out := [][]*string{}
	for rows.Next() {
		cells, refs := make([]*string, len(names)), make([]any, len(names))
		for i := range cells {
			refs[i] = &cells[i]
		}
		if err := rows.Scan(refs...); err != nil {
			return nil, err
		}
		out = append(out, cells)
	}
	return out, rows.Err()
}

var seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (s *shop) writes() []tour.Step {
	return []tour.Step{
		{Name: "Insert with Columns and many Values", Do: func(context.Context) (any, error) {
			return affected(s.b.Insert("customers").Columns("email", "name", "phone", "born", "score", "balance", "last_seen", "city").
				Values("ada@example.org", "Ada Lovelace", "+44 20 7946 0001", "1815-12-10", 10, "100.50", seen, "London").
				Values("grace@example.org", "Grace Hopper", nil, nil, 20, "0.00", nil, "New York").
				Values("alan@example.org", "Alan Turing", nil, "1912-06-23", 30, nil, seen, nil).Exec())
		}},
		{Name: "Insert with SetMap", Do: func(context.Context) (any, error) {
			return affected(s.b.Insert("orders").SetMap(map[string]any{
				"customer_id": 1, "item": "Engine", "code": "A-100", "price": "10.00", "quantity": 1, "placed_at": seen, "status": "new",
			}).Exec())
		}},
		{Name: "Insert from a Select", Do: func(context.Context) (any, error) {
			sel := sq.Select("id", "'Compiler'", "'B-200'", "'20.00'", "visits + 2").Column(sq.Expr("?", seen)).Column("'paid'").
				From("customers").Where(sq.Eq{"email": "grace@example.org"})
			return affected(s.b.Insert("orders").Columns("customer_id", "item", "code", "price", "quantity", "placed_at", "status").Select(sel).Exec())
		}},
		{Name: "Insert with a Suffix", Do: func(context.Context) (any, error) {
			q := s.b.Insert("customers").Columns("email", "name", "score").Values("ada@example.org", "Ada King", 11)
			if s.e == tour.MySQL {
				q = q.Suffix("ON DUPLICATE KEY UPDATE name = VALUES(name), score = VALUES(score)")
			} else {
				q = q.Suffix("ON CONFLICT (email) DO UPDATE SET name = excluded.name, score = excluded.score")
			}
			if _, err := q.Exec(); err != nil {
				return nil, err
			}
			return all(s.b.Select("name", "score").From("customers").Where(sq.Eq{"email": "ada@example.org"}))
		}},
	}
}

func (s *shop) reads() []tour.Step {
	customers := s.b.Select("id", "email", "name", "phone", "score", "balance", "city").From("customers").OrderBy("id")
	return []tour.Step{
		{Name: "Where with Eq", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.Eq{"email": "ada@example.org", "score": 11}))
		}},
		{Name: "Where with Eq of a slice (IN)", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.Eq{"email": []string{"ada@example.org", "alan@example.org"}}))
		}},
		{Name: "Where with Eq of nil (IS NULL)", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.Eq{"phone": nil}))
		}},
		{Name: "Where with NotEq", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.NotEq{"name": "Grace Hopper"}).Where(sq.NotEq{"balance": nil}))
		}},
		{Name: "And, Or and Expr nested", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.And{
				sq.Or{sq.Eq{"score": 20}, sq.Expr("balance = ?", "100.50")},
				sq.Expr("visits >= ? AND (phone IS NOT NULL OR city = ?)", 0, "New York"),
			}))
		}},
		{Name: "a join", Do: func(context.Context) (any, error) {
			return all(s.b.Select("c.name", "o.item", "o.price").From("customers c").Join("orders o ON o.customer_id = c.id").
				LeftJoin("orders p ON p.customer_id = c.id AND p.code = ?", "none").Where(sq.Eq{"o.item": "Engine"}).OrderBy("o.id"))
		}},
		{Name: "FromSelect with a condition inside", Do: func(context.Context) (any, error) {
			inner := sq.Select("id", "name", "score").From("customers").Where(sq.Eq{"name": "Alan Turing"})
			return all(s.b.Select("d.name", "d.score").FromSelect(inner, "d"))
		}},
		{Name: "a subquery in a condition", Do: func(context.Context) (any, error) {
			inner := sq.Select("customer_id").From("orders").Where(sq.Eq{"code": "B-200"})
			return all(customers.Where(sq.Expr("id IN (?)", inner)))
		}},
		{Name: "a report: GroupBy and Having on clear columns", Do: func(context.Context) (any, error) {
			return all(s.b.Select("status", "COUNT(*)", "SUM(quantity)").From("orders").GroupBy("status").Having("COUNT(code) > ?", 0).OrderBy("status"))
		}},
		{Name: "Distinct, Limit and Offset", Do: func(context.Context) (any, error) {
			return all(s.b.Select("status").Distinct().From("orders").OrderBy("status").Limit(1).Offset(1))
		}},
		{Name: "Case over encrypted values", Do: func(context.Context) (any, error) {
			c := sq.Case().When(sq.Eq{"name": "Ada King"}, "1").Else("0")
			return all(s.b.Select("id").Column(c).From("customers").OrderBy("id"))
		}},
		{Name: "a prepared statement of the cache, used again", Do: func(context.Context) (any, error) {
			q := s.b.Select("id").From("customers").Where(sq.Eq{"name": "Alan Turing"})
			first, err := all(q)
			if err != nil {
				return nil, err
			}
			second, err := all(s.b.Select("id").From("customers").Where(sq.Eq{"name": "Grace Hopper"}))
			return []any{first, second}, err
		}},
		{Name: "OrderBy an encrypted column", Refused: "no index for order", Do: func(context.Context) (any, error) {
			return all(s.b.Select("name").From("customers").OrderBy("name DESC"))
		}},
		{Name: "Gt on an encrypted column", Refused: "no index for ranges", Do: func(context.Context) (any, error) {
			return all(customers.Where(sq.Gt{"score": 10}))
		}},
	}
}

func (s *shop) changes() []tour.Step {
	return []tour.Step{
		{Name: "Update with Set and Where", Do: func(context.Context) (any, error) {
			return affected(s.b.Update("customers").Set("phone", "+1 202 555 0100").Set("visits", sq.Expr("visits + ?", 1)).Where(sq.Eq{"email": "grace@example.org"}).Exec())
		}},
		{Name: "Update with SetMap", Do: func(context.Context) (any, error) {
			if _, err := s.b.Update("customers").SetMap(map[string]any{"balance": nil, "city": "Paris", "score": 12}).Where("name = ?", "Ada King").Exec(); err != nil {
				return nil, err
			}
			return all(s.b.Select("email", "balance", "score").From("customers").Where(sq.Eq{"city": "Paris"}))
		}},
		{Name: "Update with a Case of values", Do: func(context.Context) (any, error) {
			name := sq.Case("id").When("1", sq.Expr("?", "Ada Lovelace")).Else(sq.Expr("?", "Grace Brewster Hopper"))
			if _, err := s.b.Update("customers").Set("name", name).Where(sq.Lt{"id": 3}).Exec(); err != nil {
				return nil, err
			}
			return all(s.b.Select("name").From("customers").Where(sq.Eq{"name": "Grace Brewster Hopper"}))
		}},
		{Name: "arithmetic on an encrypted column", Refused: "computed by the database", Do: func(context.Context) (any, error) {
			return affected(s.b.Update("customers").Set("score", sq.Expr("score + 1")).Exec())
		}},
		{Name: "Delete", Do: func(context.Context) (any, error) {
			return affected(s.b.Delete("orders").Where(sq.Eq{"code": []string{"A-100", "C-300"}}).Exec())
		}},
	}
}
