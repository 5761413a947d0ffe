package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"xorm.io/builder"
	"xorm.io/xorm"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

type store struct {
	x *xorm.Engine
	e tour.Engine
}

var seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	x, err := open(db, e)
	if err != nil {
		return nil, err
	}
	s := &store{x, e}
	return append(s.writes(), append(s.reads(), s.changes()...)...), nil
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func ptr[T any](v T) *T { return &v }

// all reads the customers without the times that xorm takes from the clock.
func (s *store) all(ctx context.Context) (any, error) {
	var all []Customer
	err := s.x.Context(ctx).Omit("created_at", "deleted_at").Asc("id").Find(&all)
	return all, err
}

func (s *store) writes() []tour.Step {
	return []tour.Step{
		{Name: "Insert of a bean", Do: func(ctx context.Context) (any, error) {
			c := &Customer{
				Email: "ada@example.org", Name: "Ada Lovelace", Phone: ptr("+44 20 7946 0001"), Born: day(1815, 12, 10), Score: 10, Balance: "100.50",
				LastSeen: seen, Prefs: map[string]string{"theme": "dark"}, City: "London",
			}
			n, err := s.x.Context(ctx).Insert(c)
			return []any{n, c.ID, c.Version}, err
		}},
		{Name: "Insert of a slice", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Insert([]Customer{
				{Email: "grace@example.org", Name: "Grace Hopper", Born: day(1906, 12, 9), Score: 20, Balance: "0.00", LastSeen: seen, City: "New York", Prefs: map[string]string{"theme": "Navy"}},
				{Email: "alan@example.org", Name: "Alan Turing", Born: day(1912, 6, 23), Score: 30, Balance: "3.00", LastSeen: seen},
			})
		}},
		{Name: "Insert of several beans", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Insert(
				&Order{CustomerID: 1, Item: "Engine", Code: ptr("A-100"), Price: "10.00", Quantity: 1, PlacedAt: seen, Status: "new"},
				&[]Order{{CustomerID: 1, Item: "Compiler", Code: ptr("B-200"), Price: "20.00", Quantity: 2, PlacedAt: seen, Status: "paid"}},
			)
		}},
		{Name: "Insert of maps", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Table("orders").Insert([]map[string]any{
				{"customer_id": 2, "item": "Compiler", "code": "C-300", "price": "20.00", "quantity": 3, "placed_at": seen, "status": "new"},
				{"customer_id": 2, "item": "Bombe", "code": nil, "price": "30.00", "quantity": 1, "placed_at": seen, "status": "new"},
			})
		}},
		{Name: "a duplicate is an error", Do: func(ctx context.Context) (any, error) {
			_, err := s.x.Context(ctx).Insert(&Customer{Email: "ada@example.org", Name: "Other", Born: day(1900, 1, 1), Balance: "0", LastSeen: seen})
			return err != nil, nil
		}},
	}
}

func (s *store) reads() []tour.Step {
	return []tour.Step{
		{Name: "Find of all", Do: s.all},
		{Name: "Get by a bean", Do: func(ctx context.Context) (any, error) {
			c := &Customer{Email: "ada@example.org"}
			has, err := s.x.Context(ctx).Omit("created_at", "deleted_at").Get(c)
			c.CreatedAt = time.Time{}
			return []any{has, c}, err
		}},
		{Name: "Get by ID, of columns, into variables", Do: func(ctx context.Context) (any, error) {
			var name string
			var born time.Time
			var score int
			has, err := s.x.Context(ctx).Table(new(Customer)).ID(1).Cols("name", "score", "born").Get(&name, &score, &born)
			return []any{has, name, score, born}, err
		}},
		{Name: "Get into a map", Do: func(ctx context.Context) (any, error) {
			m := map[string]string{}
			has, err := s.x.Context(ctx).Table("orders").Where("code = ?", "A-100").Cols("item", "price", "quantity").Get(&m)
			return []any{has, m}, err
		}},
		{Name: "Exist", Do: func(ctx context.Context) (any, error) {
			a, err1 := s.x.Context(ctx).Exist(&Customer{Name: "Grace Hopper", Score: 20})
			b, err2 := s.x.Context(ctx).Table("orders").Where("price = ?", "20.00").Exist()
			c, err3 := s.x.Context(ctx).SQL("select * from customers where phone = ?", "0").Exist()
			return []any{a, b, c}, errors.Join(err1, err2, err3)
		}},
		{Name: "Where, And, Or, In, NotIn", Do: func(ctx context.Context) (any, error) {
			var ids []int64
			err := s.x.Context(ctx).Table(new(Customer)).Cols("id").Where("name = ?", "Ada Lovelace").And("visits >= ?", 0).Or("balance = ?", "3.00").
				Asc("id").Find(&ids)
			var more []int64
			err2 := s.x.Context(ctx).Table(new(Customer)).Cols("id").In("email", "ada@example.org", "grace@example.org").NotIn("score", 20, 30).Find(&more)
			return []any{ids, more}, errors.Join(err, err2)
		}},
		{Name: "dates and times", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Where("born = ?", "1815-12-10").And("last_seen = ?", seen).Count(new(Customer))
		}},
		{Name: "builder: Eq, Neq, In of a query", Do: func(ctx context.Context) (any, error) {
			var names []string
			err := s.x.Context(ctx).Table("customers").Cols("name").Where(builder.Eq{"name": []string{"Ada Lovelace", "Grace Hopper"}}.And(builder.Neq{"email": "x"}).
				And(builder.In("id", builder.Select("customer_id").From("orders").Where(builder.Eq{"item": "Compiler"})))).Asc("id").Find(&names)
			return names, err
		}},
		{Name: "Find into a map by key", Do: func(ctx context.Context) (any, error) {
			m := map[int64]Order{}
			err := s.x.Context(ctx).Where("item = ?", "Compiler").Find(&m)
			return m, err
		}},
		{Name: "Join with extends", Do: func(ctx context.Context) (any, error) {
			var all []struct {
				Order    `xorm:"extends"`
				Customer struct {
					Name, Email string
				} `xorm:"extends"`
			}
			err := s.x.Context(ctx).Table("orders").Select("orders.*, customers.name, customers.email").Join("INNER", "customers", "customers.id = orders.customer_id").
				Where("customers.name = ?", "Ada Lovelace").And("orders.price = ?", "20.00").Asc("orders.id").Find(&all)
			return all, err
		}},
		{Name: "Limit, Desc, FindAndCount", Do: func(ctx context.Context) (any, error) {
			var all []Order
			n, err := s.x.Context(ctx).Where("status = ?", "new").Desc("id").Limit(1, 1).FindAndCount(&all)
			return []any{n, all}, err
		}},
		{Name: "Iterate and Rows", Do: func(ctx context.Context) (any, error) {
			var items []string
			err := s.x.Context(ctx).Asc("id").Iterate(new(Order), func(_ int, bean any) error {
				items = append(items, bean.(*Order).Item)
				return nil
			})
			if err != nil {
				return nil, err
			}
			rows, err := s.x.Context(ctx).Where("item = ?", "Bombe").Rows(new(Order))
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				var o Order
				if err := rows.Scan(&o); err != nil {
					return nil, err
				}
				items = append(items, o.Price)
			}
			return items, rows.Err()
		}},
		{Name: "Distinct and GroupBy", Do: func(ctx context.Context) (any, error) {
			var items []string
			err := s.x.Context(ctx).Table("orders").Distinct("item").Find(&items)
			var groups []struct {
				Item string
				N    int
			}
			err2 := s.x.Context(ctx).Table("orders").Select("item, count(*) as n").GroupBy("item").OrderBy("min(id)").Find(&groups)
			return []any{len(items), groups}, errors.Join(err, err2)
		}},
		{Name: "Query, QueryString, QueryInterface", Do: func(ctx context.Context) (any, error) {
			a, err1 := s.x.Context(ctx).Query("select id, name from customers where email = ?", "ada@example.org")
			b, err2 := s.x.Context(ctx).QueryString("select item, quantity from orders where code = ?", "B-200")
			c, err3 := s.x.Context(ctx).Table("orders").Cols("item").Where("code is null").QueryInterface()
			return []any{a, b, c}, errors.Join(err1, err2, err3)
		}},
		{Name: "Count and SumInt of clear columns", Do: func(ctx context.Context) (any, error) {
			n, err1 := s.x.Context(ctx).Where("item = ?", "Compiler").Count(new(Order))
			sum, err2 := s.x.Context(ctx).Where("item = ?", "Compiler").SumInt(new(Order), "quantity")
			return []any{n, sum}, errors.Join(err1, err2)
		}},
		{Name: "order by an encrypted column", Refused: "no index for order", Do: func(ctx context.Context) (any, error) {
			var ids []int64
			err := s.x.Context(ctx).Table("customers").Cols("id").Asc("name").Find(&ids)
			return ids, err
		}},
		{Name: "LIKE", Do: func(ctx context.Context) (any, error) {
			var ids []int64
			err := s.x.Context(ctx).Table("customers").Cols("id").Where(builder.Like{"name", "Ada"}).Find(&ids)
			return ids, err
		}},
		{Name: "Sum of an encrypted column", Refused: "computed by the database", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Sum(new(Order), "price")
		}},
	}
}

func (s *store) changes() []tour.Step {
	return []tour.Step{
		{Name: "Update of a bean, with its version", Do: func(ctx context.Context) (any, error) {
			var c Customer
			if _, err := s.x.Context(ctx).ID(2).Get(&c); err != nil {
				return nil, err
			}
			c.Name, c.Phone, c.City = "Grace B. Hopper", ptr("+1 202 555 0100"), "Arlington"
			n, err := s.x.Context(ctx).ID(2).Update(&c)
			return []any{n, c.Version}, err
		}},
		{Name: "Update of columns by a condition", Do: func(ctx context.Context) (any, error) {
			if _, err := s.x.Context(ctx).Cols("score", "balance").Update(&Customer{Score: 11, Balance: "7.70", Version: 1}, &Customer{Email: "ada@example.org"}); err != nil {
				return nil, err
			}
			return s.all(ctx)
		}},
		{Name: "Update by a map, Incr of a clear column", Do: func(ctx context.Context) (any, error) {
			n, err := s.x.Context(ctx).Table("customers").Incr("visits", 2).Where("name = ?", "Alan Turing").Update(map[string]any{"phone": "+44 20 7946 0002", "city": nil})
			if err != nil {
				return nil, err
			}
			all, err := s.all(ctx)
			return []any{n, all}, err
		}},
		{Name: "SetExpr of a value", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Where("code = ?", "C-300").SetExpr("quantity", "quantity + 1").Cols("item").Update(&Order{Item: "Compiler 2"})
		}},
		{Name: "Incr of an encrypted column", Refused: "computed by the database", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Table("customers").Where("id = ?", 99).Incr("score", 1).Update(map[string]any{"city": "Paris"})
		}},
		{Name: "Transaction, rolled back", Do: func(ctx context.Context) (any, error) {
			stop := errors.New("stop")
			_, err := s.x.Transaction(func(session *xorm.Session) (any, error) {
				if _, err := session.Where("code = ?", "A-100").Delete(new(Order)); err != nil {
					return nil, err
				}
				return nil, stop
			})
			if !errors.Is(err, stop) {
				return nil, err
			}
			return s.x.Context(ctx).Where("code = ?", "A-100").Count(new(Order))
		}},
		{Name: "a session with Begin and Commit", Do: func(ctx context.Context) (any, error) {
			session := s.x.NewSession().Context(ctx)
			defer session.Close()
			if err := session.Begin(); err != nil {
				return nil, err
			}
			if _, err := session.Exec("update orders set price = ? where code = ?", "11.00", "A-100"); err != nil {
				return nil, err
			}
			if _, err := session.Where("item = ?", "Bombe").Delete(new(Order)); err != nil {
				return nil, err
			}
			if err := session.Commit(); err != nil {
				return nil, err
			}
			var all []Order
			err := s.x.Context(ctx).Asc("id").Find(&all)
			return all, err
		}},
		{Name: "soft Delete, Unscoped", Do: func(ctx context.Context) (any, error) {
			if _, err := s.x.Context(ctx).Where("email = ?", "alan@example.org").Delete(new(Customer)); err != nil {
				return nil, err
			}
			left, err1 := s.x.Context(ctx).Count(new(Customer))
			all, err2 := s.x.Context(ctx).Unscoped().Where("name = ?", "Alan Turing").Count(new(Customer))
			return []any{left, all}, errors.Join(err1, err2)
		}},
		{Name: "Unscoped Delete", Do: func(ctx context.Context) (any, error) {
			return s.x.Context(ctx).Unscoped().Delete(&Customer{Name: "Alan Turing"})
		}},
		{Name: "Sync once more changes nothing", Do: func(ctx context.Context) (any, error) {
			if err := s.x.Context(ctx).Sync(new(Customer), new(Order)); err != nil {
				return nil, err
			}
			return s.all(ctx)
		}},
	}
}
