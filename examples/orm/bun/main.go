// Bun runs the documentation tour of github.com/uptrace/bun on the encrypting
// driver. Bun writes every value into the text of its statements, so that the
// driver sees literals and no arguments: they are sealed like arguments.
//
//	go run ./bun
package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

// Customer is a model with soft delete, hooks and relations; nothing in it
// speaks of encryption.
type Customer struct {
	bun.BaseModel `bun:"table:customers,alias:c"`

	ID        int64 `bun:",pk,autoincrement"`
	Email     string
	Name      string
	Phone     *string
	Born      *string
	Score     int
	Balance   sql.NullString
	LastSeen  bun.NullTime
	City      string `bun:",nullzero"`
	Visits    int
	CreatedAt time.Time `bun:",nullzero"`
	UpdatedAt time.Time `bun:",nullzero"`
	DeletedAt time.Time `bun:",soft_delete,nullzero"`
	Orders    []*Order  `bun:"rel:has-many,join:id=customer_id"`
}

var _ bun.BeforeAppendModelHook = (*Customer)(nil)

// BeforeAppendModel stamps the rows.
func (c *Customer) BeforeAppendModel(_ context.Context, q bun.Query) error {
	switch q.(type) {
	case *bun.InsertQuery:
		c.CreatedAt = seen
	case *bun.UpdateQuery:
		c.UpdatedAt = seen
	}
	return nil
}

// Order belongs to a customer.
type Order struct {
	bun.BaseModel `bun:"table:orders,alias:o"`

	ID         int64 `bun:",pk,autoincrement"`
	CustomerID int64
	Item       string
	Code       *string
	Price      string
	Quantity   int
	PlacedAt   time.Time
	Status     string
	Customer   *Customer `bun:"rel:belongs-to,join:customer_id=id"`
}

var seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func main() { tour.Main("bun", app) }

type shop struct {
	db *bun.DB
	e  tour.Engine
}

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	// The dialect is given to bun, so that it does not look at driver names.
	d := map[tour.Engine]func() schema.Dialect{
		tour.SQLite:   func() schema.Dialect { return sqlitedialect.New() },
		tour.Postgres: func() schema.Dialect { return pgdialect.New() },
		tour.MySQL:    func() schema.Dialect { return mysqldialect.New() },
	}[e]()
	s := &shop{bun.NewDB(db, d), e}
	return append(s.writes(), append(s.reads(), s.changes()...)...), nil
}

func ptr[T any](v T) *T { return &v }

// rows is the number that a statement reports.
func rows(r sql.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r.RowsAffected()
}

// customers reads all, without times of the server.
func (s *shop) customers(ctx context.Context) (any, error) {
	var all []Customer
	err := s.db.NewSelect().Model(&all).OrderExpr("c.id").Scan(ctx)
	return all, err
}

func (s *shop) writes() []tour.Step {
	return []tour.Step{
		{Name: "NewInsert of a model", Do: func(ctx context.Context) (any, error) {
			c := &Customer{
				Email: "ada@example.org", Name: "Ada Lovelace", Phone: ptr("+44 20 7946 0001"), Born: ptr("1815-12-10"), Score: 10,
				Balance: sql.NullString{String: "100.50", Valid: true}, LastSeen: bun.NullTime{Time: seen}, City: "London",
			}
			_, err := s.db.NewInsert().Model(c).Exec(ctx)
			return c.ID, err
		}},
		{Name: "NewInsert of a slice", Do: func(ctx context.Context) (any, error) {
			all := []Customer{
				{Email: "grace@example.org", Name: "Grace Hopper", Score: 20, City: "New York"},
				{Email: "alan@example.org", Name: "Alan Turing", Score: 30, Born: ptr("1912-06-23")},
			}
			return rows(s.db.NewInsert().Model(&all).Exec(ctx))
		}},
		{Name: "NewInsert of a map", Do: func(ctx context.Context) (any, error) {
			m := map[string]any{"customer_id": 1, "item": "Engine", "code": "A-100", "price": "10.00", "quantity": 1, "placed_at": seen, "status": "new"}
			return rows(s.db.NewInsert().Model(&m).TableExpr("orders").Exec(ctx))
		}},
		{Name: "NewInsert of quotes and backslashes", Do: func(ctx context.Context) (any, error) {
			o := &Order{CustomerID: 2, Item: `Compiler 'A' "B" \ ?`, Code: ptr("B-200"), Price: "20.00", Quantity: 2, PlacedAt: seen, Status: "paid"}
			if _, err := s.db.NewInsert().Model(o).Exec(ctx); err != nil {
				return nil, err
			}
			var item string
			err := s.db.NewSelect().Model((*Order)(nil)).Column("item").Where("item = ?", `Compiler 'A' "B" \ ?`).Scan(ctx, &item)
			return item, err
		}},
		{Name: "upsert", Do: func(ctx context.Context) (any, error) {
			q := s.db.NewInsert().Model(&Customer{Email: "alan@example.org", Name: "Alan M. Turing", Score: 31})
			if s.e == tour.MySQL {
				q = q.On("DUPLICATE KEY UPDATE").Set("name = VALUES(name), score = VALUES(score)")
			} else {
				q = q.On("CONFLICT (email) DO UPDATE").Set("name = EXCLUDED.name").Set("score = EXCLUDED.score")
			}
			if _, err := q.Exec(ctx); err != nil {
				return nil, err
			}
			var names []string
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").OrderExpr("id").Scan(ctx, &names)
			return names, err
		}},
		{Name: "Ignore of a duplicate", Do: func(ctx context.Context) (any, error) {
			return rows(s.db.NewInsert().Model(&Customer{Email: "ada@example.org", Name: "Other", Score: 1}).Ignore().Exec(ctx))
		}},
	}
}

func (s *shop) reads() []tour.Step {
	return []tour.Step{
		{Name: "NewSelect of all", Do: s.customers},
		{Name: "WherePK", Do: func(ctx context.Context) (any, error) {
			c := &Customer{ID: 1}
			err := s.db.NewSelect().Model(c).WherePK().Scan(ctx)
			return c, err
		}},
		{Name: "WherePK of an encrypted column", Do: func(ctx context.Context) (any, error) {
			c := &Customer{Email: "ada@example.org"}
			err := s.db.NewSelect().Model(c).WherePK("email").Scan(ctx)
			return c.ID, err
		}},
		{Name: "Where, WhereOr and WhereGroup", Do: func(ctx context.Context) (any, error) {
			var ids []int64
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("id").Where("visits >= ?", 0).
				WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
					return q.Where("name = ?", "Grace Hopper").WhereOr("balance = ?", "100.50")
				}).OrderExpr("id").Scan(ctx, &ids)
			return ids, err
		}},
		{Name: "Where IN with bun.List", Do: func(ctx context.Context) (any, error) {
			var ids []int64
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("id").Where("email IN (?)", bun.List([]string{"ada@example.org", "grace@example.org"})).OrderExpr("id").Scan(ctx, &ids)
			return ids, err
		}},
		{Name: "Relation: belongs to", Do: func(ctx context.Context) (any, error) {
			var all []Order
			err := s.db.NewSelect().Model(&all).Relation("Customer").Where("customer.name = ?", "Ada Lovelace").OrderExpr("o.id").Scan(ctx)
			return all, err
		}},
		{Name: "Relation: has many", Do: func(ctx context.Context) (any, error) {
			var all []Customer
			err := s.db.NewSelect().Model(&all).Relation("Orders").OrderExpr("c.id").Scan(ctx)
			return all, err
		}},
		{Name: "Join written by hand", Do: func(ctx context.Context) (any, error) {
			var all []struct{ Name, Item string }
			err := s.db.NewSelect().ColumnExpr("c.name, o.item").TableExpr("customers AS c").Join("JOIN orders AS o").JoinOn("o.customer_id = c.id").JoinOn("o.code = ?", "A-100").Scan(ctx, &all)
			return all, err
		}},
		{Name: "With: a CTE", Do: func(ctx context.Context) (any, error) {
			sub := s.db.NewSelect().Model((*Order)(nil)).Column("customer_id", "item").Where("item = ?", "Engine")
			var all []struct{ Name, Item string }
			err := s.db.NewSelect().With("bought", sub).ColumnExpr("c.name, bought.item").TableExpr("bought").Join("JOIN customers AS c ON c.id = bought.customer_id").Scan(ctx, &all)
			return all, err
		}},
		{Name: "a subquery in Where", Do: func(ctx context.Context) (any, error) {
			sub := s.db.NewSelect().Model((*Order)(nil)).Column("customer_id").Where("code = ?", "B-200")
			var names []string
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").Where("id IN (?)", sub).Scan(ctx, &names)
			return names, err
		}},
		{Name: "Count and ScanAndCount", Do: func(ctx context.Context) (any, error) {
			var all []Customer
			n, err := s.db.NewSelect().Model(&all).Where("born IS NOT NULL").OrderExpr("id").Limit(1).ScanAndCount(ctx)
			return []any{n, len(all)}, err
		}},
		{Name: "Exists", Do: func(ctx context.Context) (any, error) {
			return s.db.NewSelect().Model((*Customer)(nil)).Where("phone = ?", "+44 20 7946 0001").Exists(ctx)
		}},
		{Name: "a report into maps", Do: func(ctx context.Context) (any, error) {
			var m []map[string]any
			err := s.db.NewSelect().Model((*Order)(nil)).Column("status").ColumnExpr("COUNT(code) AS n").Group("status").OrderExpr("status").Scan(ctx, &m)
			return len(m), err
		}},
		{Name: "Group by an encrypted column", Do: func(ctx context.Context) (any, error) {
			var m []struct {
				Name string
				N    int
			}
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").ColumnExpr("COUNT(*) AS n").Group("name").OrderExpr("MIN(id)").Scan(ctx, &m)
			return m, err
		}},
		{Name: "Distinct of an encrypted column", Do: func(ctx context.Context) (any, error) {
			var scores []int
			err := s.db.NewSelect().Model((*Customer)(nil)).Distinct().Column("score").Scan(ctx, &scores)
			return len(scores), err
		}},
		{Name: "UnionAll", Do: func(ctx context.Context) (any, error) {
			var names []string
			other := s.db.NewSelect().Model((*Customer)(nil)).Column("name").Where("email = ?", "ada@example.org")
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").Where("email = ?", "grace@example.org").UnionAll(other).Scan(ctx, &names)
			return names, err
		}},
		{Name: "raw SQL", Do: func(ctx context.Context) (any, error) {
			var all []Order
			err := s.db.NewRaw("SELECT id, item, price FROM orders WHERE price = ? AND quantity < ?", "20.00", 10).Scan(ctx, &all)
			return all, err
		}},
		{Name: "Order by an encrypted column", Refused: "no index for order", Do: func(ctx context.Context) (any, error) {
			var names []string
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").Order("name").Scan(ctx, &names)
			return names, err
		}},
		{Name: "Where LIKE", Do: func(ctx context.Context) (any, error) {
			var names []string
			err := s.db.NewSelect().Model((*Customer)(nil)).Column("name").Where("name LIKE ?", "Ada%").Scan(ctx, &names)
			return names, err
		}},
	}
}

func (s *shop) changes() []tour.Step {
	return []tour.Step{
		{Name: "NewUpdate of a model", Do: func(ctx context.Context) (any, error) {
			c := &Customer{ID: 2}
			if err := s.db.NewSelect().Model(c).WherePK().Scan(ctx); err != nil {
				return nil, err
			}
			c.Phone, c.City = ptr("+1 202 555 0100"), "Arlington"
			if _, err := s.db.NewUpdate().Model(c).WherePK().Exec(ctx); err != nil {
				return nil, err
			}
			return s.customers(ctx)
		}},
		{Name: "NewUpdate of columns", Do: func(ctx context.Context) (any, error) {
			return rows(s.db.NewUpdate().Model(&Customer{ID: 1, Name: "Ada King", Score: 11}).Column("name", "score").WherePK().Exec(ctx))
		}},
		{Name: "NewUpdate with Set and Where", Do: func(ctx context.Context) (any, error) {
			return rows(s.db.NewUpdate().Model((*Customer)(nil)).Set("balance = ?", "7.70").Set("visits = visits + 1").Where("email = ?", "alan@example.org").Exec(ctx))
		}},
		{Name: "NewUpdate OmitZero", Do: func(ctx context.Context) (any, error) {
			if _, err := s.db.NewUpdate().Model(&Customer{ID: 3, Name: "Alan Turing"}).OmitZero().WherePK().Exec(ctx); err != nil {
				return nil, err
			}
			return s.customers(ctx)
		}},
		{Name: "bulk update by a CTE with casts", Do: func(ctx context.Context) (any, error) {
			if s.e == tour.MySQL {
				return nil, nil // no CTE before UPDATE there
			}
			all := []*Customer{{ID: 1, Name: "Ada Lovelace", Score: 12}, {ID: 2, Name: "Grace B. Hopper", Score: 22}}
			if _, err := s.db.NewUpdate().With("_data", s.db.NewValues(&all)).Model((*Customer)(nil)).TableExpr("_data").
				Set("name = _data.name").Set("score = _data.score").Where("c.id = _data.id").Exec(ctx); err != nil {
				return nil, err
			}
			return s.customers(ctx)
		}},
		{Name: "RunInTx, rolled back", Do: func(ctx context.Context) (any, error) {
			stop := errors.New("stop")
			err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.NewDelete().Model((*Order)(nil)).Where("code = ?", "A-100").Exec(ctx); err != nil {
					return err
				}
				return stop
			})
			if !errors.Is(err, stop) {
				return nil, err
			}
			return s.db.NewSelect().Model((*Order)(nil)).Where("code = ?", "A-100").Count(ctx)
		}},
		{Name: "soft delete", Do: func(ctx context.Context) (any, error) {
			if _, err := s.db.NewDelete().Model((*Customer)(nil)).Where("email = ?", "alan@example.org").Exec(ctx); err != nil {
				return nil, err
			}
			left, err := s.db.NewSelect().Model((*Customer)(nil)).Count(ctx)
			if err != nil {
				return nil, err
			}
			deleted, err := s.db.NewSelect().Model((*Customer)(nil)).WhereDeleted().Where("name = ?", "Alan Turing").Count(ctx)
			return []any{left, deleted}, err
		}},
		{Name: "ForceDelete", Do: func(ctx context.Context) (any, error) {
			return rows(s.db.NewDelete().Model((*Customer)(nil)).WhereAllWithDeleted().Where("name = ?", "Alan Turing").ForceDelete().Exec(ctx))
		}},
	}
}
