package main

import (
	"context"
	"database/sql"

	"github.com/sealsql/sealsql/examples/orm/sqlc/liteshop"
	"github.com/sealsql/sealsql/examples/orm/tour"
)

func sqlite(db *sql.DB) []tour.Step {
	q := liteshop.New(db)
	order := func(of int64, item, code, price string) func(context.Context) (liteshop.CreateOrderRow, error) {
		return func(ctx context.Context) (liteshop.CreateOrderRow, error) {
			return q.CreateOrder(ctx, liteshop.CreateOrderParams{CustomerID: of, Item: item, Code: text(code), Price: price, Quantity: 1, PlacedAt: seen, Status: "new"})
		}
	}
	return []tour.Step{
		step(":one, INSERT RETURNING *", func(ctx context.Context) (liteshop.Customer, error) {
			return q.CreateCustomer(ctx, liteshop.CreateCustomerParams{
				Email: "ada@example.org", Name: "Ada Lovelace", Phone: text("+44 20 7946 0001"), Born: when(born), Score: 10,
				Balance: text("100.50"), LastSeen: when(seen), City: text("London"),
			})
		}),
		step("NULL in nullable columns", func(ctx context.Context) (liteshop.Customer, error) {
			return q.CreateCustomer(ctx, liteshop.CreateCustomerParams{Email: "grace@example.org", Name: "Grace Hopper", Score: 20})
		}),
		step(":one, upsert", func(ctx context.Context) ([]liteshop.UpsertCustomerRow, error) {
			var rows []liteshop.UpsertCustomerRow
			for _, name := range []string{"Alan Turing", "Alan M. Turing"} {
				r, err := q.UpsertCustomer(ctx, liteshop.UpsertCustomerParams{Email: "alan@example.org", Name: name, Score: 30})
				if err != nil {
					return nil, err
				}
				rows = append(rows, r)
			}
			return rows, nil
		}),
		step(":one, INSERT RETURNING columns", order(1, "Engine", "A-100", "10.00")),
		step(":one, again", order(2, "Compiler", "B-200", "20.00")),
		step(":one by id", func(ctx context.Context) (liteshop.Customer, error) { return q.GetCustomer(ctx, 1) }),
		step(":one by an encrypted column", func(ctx context.Context) (liteshop.Customer, error) {
			return q.CustomerByEmail(ctx, "grace@example.org")
		}),
		step(":one of nothing is sql.ErrNoRows", func(ctx context.Context) (bool, error) {
			_, err := q.CustomerByEmail(ctx, "nobody@example.org")
			return err == sql.ErrNoRows, nil
		}),
		step("columns by an encrypted column", func(ctx context.Context) (liteshop.CustomerForUpdateRow, error) {
			return q.CustomerForUpdate(ctx, "ada@example.org")
		}),
		step(":many, LIMIT, OFFSET", func(ctx context.Context) ([]liteshop.Customer, error) {
			return q.ListCustomers(ctx, liteshop.ListCustomersParams{Limit: 2, Offset: 0})
		}),
		step("sqlc.slice of texts", func(ctx context.Context) ([]liteshop.CustomersNamedRow, error) {
			return q.CustomersNamed(ctx, []string{"Ada Lovelace", "Grace Hopper", `no, "one" \ {x}`})
		}),
		step("sqlc.slice of numbers", func(ctx context.Context) ([]liteshop.CustomersScoredRow, error) {
			return q.CustomersScored(ctx, liteshop.CustomersScoredParams{Scores: []int64{10, 30, 99}})
		}),
		step("sqlc.narg: all filters", func(ctx context.Context) ([]liteshop.SearchCustomersRow, error) {
			return q.SearchCustomers(ctx, liteshop.SearchCustomersParams{Name: "Ada Lovelace", Score: 10})
		}),
		step("sqlc.narg: no filter", func(ctx context.Context) ([]liteshop.SearchCustomersRow, error) {
			return q.SearchCustomers(ctx, liteshop.SearchCustomersParams{})
		}),
		step("sqlc.arg of a date", func(ctx context.Context) ([]liteshop.CustomersBornOnRow, error) {
			return q.CustomersBornOn(ctx, liteshop.CustomersBornOnParams{Day: when(born)})
		}),
		step("sqlc.embed of a join", func(ctx context.Context) ([]liteshop.OrdersWithCustomersRow, error) {
			return q.OrdersWithCustomers(ctx, liteshop.OrdersWithCustomersParams{Item: "Compiler", Name: "Ada Lovelace"})
		}),
		step("NOT EXISTS", func(ctx context.Context) ([]string, error) { return q.CustomersWithoutOrders(ctx, "20.00") }),
		step("CTE", func(ctx context.Context) ([]liteshop.BuyersRow, error) {
			return q.Buyers(ctx, liteshop.BuyersParams{Status: "new", Item: "Engine"})
		}),
		step("report by a clear column", q.StatusReport),
		step("report by an encrypted column", q.NameReport),
		step("COUNT by a date", func(ctx context.Context) (int64, error) { return q.CountBornOn(ctx, when(born)) }),
		step("EXISTS", func(ctx context.Context) (bool, error) { return q.HasCode(ctx, text("A-100")) }),
		step("COALESCE of sqlc.narg", func(ctx context.Context) (liteshop.PatchCustomerRow, error) {
			return q.PatchCustomer(ctx, liteshop.PatchCustomerParams{ID: 1, Name: text("Ada King")})
		}),
		step("CASE with a switch", func(ctx context.Context) ([]int64, error) {
			a, err := q.SetBalance(ctx, liteshop.SetBalanceParams{SetBalance: true, Balance: "7.70", Email: "ada@example.org"})
			if err != nil {
				return nil, err
			}
			b, err := q.SetBalance(ctx, liteshop.SetBalanceParams{Balance: "9.90", Email: "grace@example.org"})
			return []int64{a, b}, err
		}),
		step(":execresult", func(ctx context.Context) (int64, error) {
			r, err := q.TouchCustomer(ctx, liteshop.TouchCustomerParams{LastSeen: when(seen.AddDate(0, 0, 1)), Phone: text("+44 20 7946 0001")})
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
		step(":many, DELETE RETURNING", func(ctx context.Context) ([]liteshop.DeleteOrdersOfRow, error) {
			return q.DeleteOrdersOf(ctx, "ada@example.org")
		}),
		step("one more order", order(1, "Bombe", "C-300", "30.00")),
		refused("ORDER BY an encrypted column", "no index for order", q.CustomersByName),
		step("LIKE", func(ctx context.Context) ([]liteshop.CustomersLikeRow, error) { return q.CustomersLike(ctx, "Ada%") }),
		refused("SUM of an encrypted column", "computed by the database", q.Revenue),
	}
}
