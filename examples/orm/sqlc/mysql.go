package main

import (
	"context"
	"database/sql"

	"github.com/sealsql/sealsql/examples/orm/sqlc/myshop"
	"github.com/sealsql/sealsql/examples/orm/tour"
)

func mysql(db *sql.DB) []tour.Step {
	q := myshop.New(db)
	order := func(of int64, item, code, price string) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) {
			r, err := q.CreateOrder(ctx, myshop.CreateOrderParams{CustomerID: of, Item: item, Code: text(code), Price: price, Quantity: 1, PlacedAt: seen, Status: "new"})
			if err != nil {
				return 0, err
			}
			return r.LastInsertId()
		}
	}
	return []tour.Step{
		step(":execlastid", func(ctx context.Context) (int64, error) {
			return q.CreateCustomer(ctx, myshop.CreateCustomerParams{
				Email: "ada@example.org", Name: "Ada Lovelace", Phone: text("+44 20 7946 0001"), Born: when(born), Score: 10,
				Balance: text("100.50"), LastSeen: when(seen), City: text("London"),
			})
		}),
		step("NULL in nullable columns", func(ctx context.Context) (int64, error) {
			return q.CreateCustomer(ctx, myshop.CreateCustomerParams{Email: "grace@example.org", Name: "Grace Hopper", Score: 20})
		}),
		step(":execrows, upsert", func(ctx context.Context) ([]int64, error) {
			var rows []int64
			for _, name := range []string{"Alan Turing", "Alan M. Turing"} {
				r, err := q.UpsertCustomer(ctx, myshop.UpsertCustomerParams{Email: "alan@example.org", Name: name, Score: 30})
				if err != nil {
					return nil, err
				}
				rows = append(rows, r)
			}
			return rows, nil
		}),
		step(":execresult, LastInsertId", order(1, "Engine", "A-100", "10.00")),
		step(":execresult, again", order(2, "Compiler", "B-200", "20.00")),
		step(":one by id", func(ctx context.Context) (myshop.Customer, error) { return q.GetCustomer(ctx, 1) }),
		step(":one by an encrypted column", func(ctx context.Context) (myshop.Customer, error) {
			return q.CustomerByEmail(ctx, "grace@example.org")
		}),
		step(":one of nothing is sql.ErrNoRows", func(ctx context.Context) (bool, error) {
			_, err := q.CustomerByEmail(ctx, "nobody@example.org")
			return err == sql.ErrNoRows, nil
		}),
		step("FOR UPDATE", func(ctx context.Context) (myshop.CustomerForUpdateRow, error) {
			return q.CustomerForUpdate(ctx, "ada@example.org")
		}),
		step(":many, LIMIT, OFFSET", func(ctx context.Context) ([]myshop.Customer, error) {
			return q.ListCustomers(ctx, myshop.ListCustomersParams{Limit: 2, Offset: 0})
		}),
		step("sqlc.slice of texts", func(ctx context.Context) ([]myshop.CustomersNamedRow, error) {
			return q.CustomersNamed(ctx, []string{"Ada Lovelace", "Grace Hopper", `no, "one" \ {x}`})
		}),
		step("sqlc.slice of numbers", func(ctx context.Context) ([]myshop.CustomersScoredRow, error) {
			return q.CustomersScored(ctx, myshop.CustomersScoredParams{Scores: []int32{10, 30, 99}})
		}),
		step("sqlc.narg: all filters", func(ctx context.Context) ([]myshop.SearchCustomersRow, error) {
			return q.SearchCustomers(ctx, myshop.SearchCustomersParams{Name: text("Ada Lovelace"), Score: sql.NullInt32{Int32: 10, Valid: true}})
		}),
		step("sqlc.narg: no filter", func(ctx context.Context) ([]myshop.SearchCustomersRow, error) {
			return q.SearchCustomers(ctx, myshop.SearchCustomersParams{})
		}),
		step("sqlc.arg of a date", func(ctx context.Context) ([]myshop.CustomersBornOnRow, error) {
			return q.CustomersBornOn(ctx, myshop.CustomersBornOnParams{Day: when(born)})
		}),
		step("sqlc.embed of a join", func(ctx context.Context) ([]myshop.OrdersWithCustomersRow, error) {
			return q.OrdersWithCustomers(ctx, myshop.OrdersWithCustomersParams{Item: "Compiler", Name: "Ada Lovelace"})
		}),
		step("NOT EXISTS", func(ctx context.Context) ([]string, error) { return q.CustomersWithoutOrders(ctx, "20.00") }),
		step("CTE", func(ctx context.Context) ([]myshop.BuyersRow, error) {
			return q.Buyers(ctx, myshop.BuyersParams{Status: "new", Item: "Engine"})
		}),
		step("report by a clear column", q.StatusReport),
		step("report by an encrypted column", q.NameReport),
		step("COUNT by a date", func(ctx context.Context) (int64, error) { return q.CountBornOn(ctx, when(born)) }),
		step("EXISTS", func(ctx context.Context) (bool, error) { return q.HasCode(ctx, text("A-100")) }),
		step("COALESCE of sqlc.narg", func(ctx context.Context) (myshop.Customer, error) {
			if err := q.PatchCustomer(ctx, myshop.PatchCustomerParams{ID: 1, Name: text("Ada King")}); err != nil {
				return myshop.Customer{}, err
			}
			return q.GetCustomer(ctx, 1)
		}),
		step("IF with a switch", func(ctx context.Context) ([]int64, error) {
			a, err := q.SetBalance(ctx, myshop.SetBalanceParams{SetBalance: true, Balance: "7.70", Email: "ada@example.org"})
			if err != nil {
				return nil, err
			}
			b, err := q.SetBalance(ctx, myshop.SetBalanceParams{Balance: "9.90", Email: "grace@example.org"})
			return []int64{a, b}, err
		}),
		step(":execresult, RowsAffected", func(ctx context.Context) (int64, error) {
			r, err := q.TouchCustomer(ctx, myshop.TouchCustomerParams{LastSeen: when(seen.AddDate(0, 0, 1)), Phone: text("+44 20 7946 0001")})
			if err != nil {
				return 0, err
			}
			return r.RowsAffected()
		}),
		step("WithTx, rolled back", func(ctx context.Context) (bool, error) {
			return inTx(ctx, db, func(tx *sql.Tx) error {
				_, err := q.WithTx(tx).DeleteOrders(ctx, text("A-100"))
				return err
			}, func() (bool, error) { return q.HasCode(ctx, text("A-100")) })
		}),
		step(":execrows DELETE", func(ctx context.Context) (int64, error) { return q.DeleteOrders(ctx, text("B-200")) }),
		step(":execrows, DELETE with a subquery", func(ctx context.Context) (int64, error) {
			return q.DeleteOrdersOf(ctx, "ada@example.org")
		}),
		step("one more order", order(1, "Bombe", "C-300", "30.00")),
		refused("ORDER BY an encrypted column", "no index for order", q.CustomersByName),
		step("LIKE", func(ctx context.Context) ([]myshop.CustomersLikeRow, error) { return q.CustomersLike(ctx, "Ada%") }),
		refused("SUM of an encrypted column", "computed by the database", q.Revenue),
	}
}
