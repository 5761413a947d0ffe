package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/sealsql/sealsql/examples/orm/ent/ent"
	"github.com/sealsql/sealsql/examples/orm/ent/ent/customer"
	"github.com/sealsql/sealsql/examples/orm/ent/ent/group"
	"github.com/sealsql/sealsql/examples/orm/ent/ent/order"
	"github.com/sealsql/sealsql/examples/orm/tour"
)

type store struct {
	c *ent.Client
	e tour.Engine
}

var (
	seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	born = time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
)

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	s := &store{open(db, e), e}
	return append(s.writes(), append(s.reads(), s.changes()...)...), nil
}

// utc shows entities with their times in one zone: drivers differ in it.
func utc(v any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	err = json.Unmarshal(b, &out)
	return normal(out), err
}

func normal(v any) any {
	switch v := v.(type) {
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC()
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}

func (s *store) writes() []tour.Step {
	return []tour.Step{
		{Name: "Create and Save", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Customer.Create().SetEmail("ada@example.org").SetName("Ada Lovelace").SetPhone("+44 20 7946 0001").SetBorn(born).
				SetScore(10).SetBalance(100.50).SetLastSeen(seen).SetPrefs(map[string]string{"theme": "dark"}).SetCity("London").Save(ctx))
		}},
		{Name: "CreateBulk", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Customer.CreateBulk(
				s.c.Customer.Create().SetEmail("grace@example.org").SetName("Grace Hopper").SetScore(20).SetCity("New York").SetPrefs(map[string]string{"theme": "Navy"}),
				s.c.Customer.Create().SetEmail("alan@example.org").SetName("Alan Turing").SetScore(30).SetBorn(born.AddDate(97, 6, 13)),
			).Save(ctx))
		}},
		{Name: "MapCreateBulk", Do: func(ctx context.Context) (any, error) {
			rows := []struct {
				of         int
				item, code string
				price      float64
			}{{1, "Engine", "A-100", 10}, {1, "Compiler", "B-200", 20}, {2, "Compiler", "C-300", 20}}
			return utc(s.c.Order.MapCreateBulk(rows, func(c *ent.OrderCreate, i int) {
				c.SetCustomerID(rows[i].of).SetItem(rows[i].item).SetCode(rows[i].code).SetPrice(rows[i].price).SetPlacedAt(seen.AddDate(0, 0, i))
			}).Save(ctx))
		}},
		{Name: "edges: create with members", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Group.Create().SetName("Bombe").AddMemberIDs(1, 3).Save(ctx))
		}},
		{Name: "a duplicate is a constraint error", Do: func(ctx context.Context) (any, error) {
			err := s.c.Customer.Create().SetEmail("ada@example.org").SetName("Other").SetScore(1).Exec(ctx)
			return ent.IsConstraintError(err), nil
		}},
		{Name: "a validator refuses", Do: func(ctx context.Context) (any, error) {
			err := s.c.Customer.Create().SetEmail("x").SetName("").SetScore(1).Exec(ctx)
			return ent.IsValidationError(err), nil
		}},
		{Name: "OnConflict, UpdateNewValues", Do: func(ctx context.Context) (any, error) {
			q := s.c.Customer.Create().SetEmail("alan@example.org").SetName("Alan M. Turing").SetScore(31)
			var err error
			if s.e == tour.MySQL {
				err = q.OnConflict().UpdateNewValues().Exec(ctx)
			} else {
				err = q.OnConflictColumns(customer.FieldEmail).UpdateNewValues().Exec(ctx)
			}
			if err != nil {
				return nil, err
			}
			return utc(s.c.Customer.Query().Where(customer.Email("alan@example.org")).Only(ctx))
		}},
		{Name: "OnConflict with chosen values, in bulk", Do: func(ctx context.Context) (any, error) {
			q := s.c.Customer.CreateBulk(
				s.c.Customer.Create().SetEmail("alan@example.org").SetName("Other").SetScore(32),
				s.c.Customer.Create().SetEmail("grace@example.org").SetName("Other").SetScore(22),
			)
			update := func(u *ent.CustomerUpsert) { u.UpdateScore().SetPhone("+1 202 555 0100") }
			var err error
			if s.e == tour.MySQL {
				err = q.OnConflict().Update(update).Exec(ctx)
			} else {
				err = q.OnConflictColumns(customer.FieldEmail).Update(update).Exec(ctx)
			}
			if err != nil {
				return nil, err
			}
			return s.all(ctx)
		}},
		{Name: "OnConflict, DoNothing and Ignore", Do: func(ctx context.Context) (any, error) {
			q := s.c.Order.Create().SetCustomerID(2).SetItem("Other").SetCode("A-100").SetPrice(1).SetPlacedAt(seen)
			var err error
			if s.e == tour.MySQL {
				err = q.OnConflict().Ignore().Exec(ctx)
			} else {
				err = q.OnConflictColumns(order.FieldCode).Ignore().Exec(ctx)
			}
			if err != nil {
				return nil, err
			}
			return utc(s.c.Order.Query().Where(order.Code("A-100")).Only(ctx))
		}},
	}
}

func (s *store) all(ctx context.Context) (any, error) {
	return utc(s.c.Customer.Query().Order(ent.Asc(customer.FieldID)).All(ctx))
}

func (s *store) reads() []tour.Step {
	return []tour.Step{
		{Name: "Query and All", Do: s.all},
		{Name: "Get, First, FirstID, Only, OnlyID", Do: func(ctx context.Context) (any, error) {
			a, err1 := s.c.Customer.Get(ctx, 1)
			b, err2 := s.c.Customer.Query().Where(customer.Name("Grace Hopper")).First(ctx)
			id, err3 := s.c.Customer.Query().Where(customer.Score(10)).FirstID(ctx)
			only, err4 := s.c.Customer.Query().Where(customer.Balance(100.50)).OnlyID(ctx)
			return utc([]any{a, b, id, only}, errors.Join(err1, err2, err3, err4))
		}},
		{Name: "predicates: EQ, NEQ, In, NotIn, IsNil, NotNil", Do: func(ctx context.Context) (any, error) {
			ids, err := s.c.Customer.Query().Where(
				customer.EmailIn("ada@example.org", "alan@example.org", "x"), customer.NameNEQ("Grace Hopper"), customer.ScoreNotIn(99, 98),
				customer.BornNotNil(), customer.Or(customer.PhoneIsNil(), customer.PhoneNEQ("0")),
			).Order(ent.Asc(customer.FieldID)).IDs(ctx)
			return ids, err
		}},
		{Name: "predicates: dates and times", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Where(customer.Or(customer.Born(born), customer.LastSeen(seen))).Count(ctx)
		}},
		{Name: "predicates: And, Or, Not", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Where(customer.Or(
				customer.And(customer.City("London"), customer.Name("Ada Lovelace")), customer.Not(customer.Or(customer.Score(10), customer.Email("grace@example.org"))),
			)).Order(ent.Asc(customer.FieldID)).IDs(ctx)
		}},
		{Name: "edge predicates: HasOrders, HasOrdersWith", Do: func(ctx context.Context) (any, error) {
			a, err1 := s.c.Customer.Query().Where(customer.HasOrdersWith(order.Item("Compiler"), order.Price(20))).Order(ent.Asc(customer.FieldID)).IDs(ctx)
			b, err2 := s.c.Customer.Query().Where(customer.Not(customer.HasOrders())).IDs(ctx)
			c, err3 := s.c.Order.Query().Where(order.HasCustomerWith(customer.HasGroupsWith(group.Name("Bombe")))).Order(ent.Asc(order.FieldID)).IDs(ctx)
			return []any{a, b, c}, errors.Join(err1, err2, err3)
		}},
		{Name: "traversal: groups, members, orders", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Group.Query().Where(group.Name("Bombe")).QueryMembers().Where(customer.NameNEQ("nobody")).QueryOrders().Order(ent.Asc(order.FieldID)).All(ctx))
		}},
		{Name: "eager loading: WithOrders, WithGroups", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Customer.Query().WithOrders(func(q *ent.OrderQuery) { q.Where(order.Item("Compiler")).Order(ent.Asc(order.FieldID)) }).
				WithGroups().Order(ent.Asc(customer.FieldID)).All(ctx))
		}},
		{Name: "eager loading: WithCustomer", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Order.Query().WithCustomer().Where(order.Code("B-200")).All(ctx))
		}},
		{Name: "Limit, Offset, Unique", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Unique(true).Order(ent.Desc(customer.FieldID)).Offset(1).Limit(1).IDs(ctx)
		}},
		{Name: "Select of columns, Strings, Scan", Do: func(ctx context.Context) (any, error) {
			names, err1 := s.c.Customer.Query().Where(customer.Email("ada@example.org")).Select(customer.FieldName).Strings(ctx)
			var rows []struct {
				Name  string
				Score int
			}
			err2 := s.c.Customer.Query().Order(ent.Asc(customer.FieldID)).Select(customer.FieldName, customer.FieldScore).Scan(ctx, &rows)
			return []any{names, rows}, errors.Join(err1, err2)
		}},
		{Name: "Exist and Count", Do: func(ctx context.Context) (any, error) {
			a, err1 := s.c.Customer.Query().Where(customer.Phone("+1 202 555 0100")).Exist(ctx)
			b, err2 := s.c.Order.Query().Where(order.Item("Compiler")).Count(ctx)
			return []any{a, b}, errors.Join(err1, err2)
		}},
		{Name: "GroupBy a clear column", Do: func(ctx context.Context) (any, error) {
			var rows []struct {
				Status string
				Count  int
			}
			err := s.c.Order.Query().GroupBy(order.FieldStatus).Aggregate(ent.Count()).Scan(ctx, &rows)
			return rows, err
		}},
		{Name: "GroupBy an encrypted column", Do: func(ctx context.Context) (any, error) {
			var rows []struct {
				Item  string
				Count int
				Sum   int
			}
			err := s.c.Order.Query().GroupBy(order.FieldItem).Aggregate(ent.Count(), ent.Sum(order.FieldQuantity)).Scan(ctx, &rows)
			return len(rows), err
		}},
		{Name: "Modify: a condition of the dialect", Do: func(ctx context.Context) (any, error) {
			return utc(s.c.Customer.Query().Modify(func(q *entsql.Selector) { q.Where(entsql.EQ(q.C(customer.FieldName), "Ada Lovelace")) }).All(ctx))
		}},
		{Name: "ForUpdate", Do: func(ctx context.Context) (any, error) {
			q := s.c.Customer.Query().Where(customer.Name("Ada Lovelace"))
			if s.e != tour.SQLite {
				q = q.ForUpdate()
			}
			return utc(q.Only(ctx))
		}},
		{Name: "Order by an encrypted column", Refused: "no index for order", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Order(ent.Asc(customer.FieldName)).IDs(ctx)
		}},
		{Name: "HasPrefix, Contains", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Where(customer.Or(customer.NameHasPrefix("Ada"), customer.NameContains("x"))).IDs(ctx)
		}},
		{Name: "EqualFold of a case-sensitive index", Refused: s.equalFold(), Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Where(customer.NameEqualFold("ada lovelace")).IDs(ctx)
		}},
		{Name: "GT of an encrypted column", Refused: "no index for ranges", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Query().Where(customer.ScoreGT(10)).IDs(ctx)
		}},
		{Name: "Sum of an encrypted column", Refused: "computed by the database", Do: func(ctx context.Context) (any, error) {
			return s.c.Order.Query().Aggregate(ent.Sum(order.FieldPrice)).Float64(ctx)
		}},
	}
}

func (s *store) changes() []tour.Step {
	return []tour.Step{
		{Name: "UpdateOne, with a hook", Do: func(ctx context.Context) (any, error) {
			c, err := s.c.Customer.Query().Where(customer.Email("grace@example.org")).Only(ctx)
			if err != nil {
				return nil, err
			}
			return utc(c.Update().SetName("Grace B. Hopper").SetPrefs(map[string]string{"theme": "dark"}).AddVisits(2).ClearCity().Save(ctx))
		}},
		{Name: "UpdateOneID with a condition", Do: func(ctx context.Context) (any, error) {
			err := s.c.Customer.UpdateOneID(1).Where(customer.Name("Ada Lovelace")).SetScore(11).ClearPhone().Exec(ctx)
			if err != nil {
				return nil, err
			}
			return s.all(ctx)
		}},
		{Name: "Update of many", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Update().Where(customer.Or(customer.Score(11), customer.HasOrdersWith(order.Code("C-300")))).SetBalance(7.70).AddVisits(1).Save(ctx)
		}},
		{Name: "edges: AddGroups, RemoveGroups", Do: func(ctx context.Context) (any, error) {
			g, err := s.c.Group.Create().SetName("Engine room").Save(ctx)
			if err != nil {
				return nil, err
			}
			if err := s.c.Customer.UpdateOneID(3).AddGroups(g).RemoveGroupIDs(1).Exec(ctx); err != nil {
				return nil, err
			}
			return utc(s.c.Customer.Query().Where(customer.ID(3)).WithGroups().WithOrders().Only(ctx))
		}},
		{Name: "AddScore: arithmetic on an encrypted column", Refused: "computed by the database", Do: func(ctx context.Context) (any, error) {
			return s.c.Customer.Update().Where(customer.ID(99)).AddScore(1).Save(ctx)
		}},
		{Name: "Tx, rolled back and committed", Do: func(ctx context.Context) (any, error) {
			tx, err := s.c.Tx(ctx)
			if err != nil {
				return nil, err
			}
			if _, err := tx.Order.Delete().Where(order.Code("A-100")).Exec(ctx); err != nil {
				return nil, errors.Join(err, tx.Rollback())
			}
			if err := tx.Rollback(); err != nil {
				return nil, err
			}
			if tx, err = s.c.Tx(ctx); err != nil {
				return nil, err
			}
			if err := tx.Order.Update().Where(order.Code("A-100")).SetPrice(11).Exec(ctx); err != nil {
				return nil, errors.Join(err, tx.Rollback())
			}
			if err := tx.Commit(); err != nil {
				return nil, err
			}
			return utc(s.c.Order.Query().Order(ent.Asc(order.FieldID)).All(ctx))
		}},
		{Name: "Delete of many", Do: func(ctx context.Context) (any, error) {
			return s.c.Order.Delete().Where(order.Item("Compiler"), order.HasCustomerWith(customer.Email("grace@example.org"))).Exec(ctx)
		}},
		{Name: "DeleteOne", Do: func(ctx context.Context) (any, error) {
			o, err := s.c.Order.Query().Where(order.Code("B-200")).Only(ctx)
			if err != nil {
				return nil, err
			}
			if err := s.c.Order.DeleteOne(o).Exec(ctx); err != nil {
				return nil, err
			}
			return s.c.Order.Query().Count(ctx)
		}},
		{Name: "Schema.Create once more changes nothing", Do: func(ctx context.Context) (any, error) {
			var planned planned
			if err := s.c.Schema.WriteTo(ctx, &planned); err != nil {
				return nil, err
			}
			if err := s.c.Schema.Create(ctx); err != nil {
				return nil, err
			}
			all, err := s.all(ctx)
			return []any{planned, all}, err
		}},
	}
}

// planned is what a migration would send, as text.
type planned []byte

func (p *planned) Write(b []byte) (int, error) { *p = append(*p, b...); return len(b), nil }

// MarshalJSON shows it.
func (p planned) MarshalJSON() ([]byte, error) { return json.Marshal(string(p)) }

// equalFold is why EqualFold is refused: it is ILIKE on PostgreSQL, and lower() of
// the column elsewhere.
func (s *store) equalFold() string {
	if s.e == tour.Postgres {
		return ""
	}
	return "the index does not fold the case"
}
