package main

import (
	"database/sql"

	. "github.com/go-jet/jet/v2/mysql" //lint:ignore ST1001 as jet's documentation has it

	"github.com/sealsql/sealsql/examples/orm/jet/myshop/model"
	. "github.com/sealsql/sealsql/examples/orm/jet/myshop/table" //lint:ignore ST1001 as jet's documentation has it
	"github.com/sealsql/sealsql/examples/orm/tour"
)

func mysql(db *sql.DB) []tour.Step {
	type (
		customer = model.Customers
		nested   struct { // a customer with orders
			model.Customers
			Orders []model.Orders
		}
		counted struct {
			Name string `alias:"name"`
			N    int    `alias:"n"`
		}
	)
	columns := Customers.MutableColumns.Except(Customers.Visits, Customers.CreatedAt, Customers.UpdatedAt, Customers.DeletedAt)
	count := func(code string) SelectStatement {
		return SELECT(COUNT(STAR).AS("n")).FROM(Orders).WHERE(Orders.Code.EQ(String(code)))
	}
	bought := CTE("bought")
	item := Orders.Item.From(bought)
	of := Orders.CustomerID.From(bought)
	named := SELECT(Customers.ID, Customers.Name).FROM(Customers).WHERE(Customers.Score.EQ(Int32(10))).AsTable("named")
	all := SELECT(Customers.AllColumns).FROM(Customers).ORDER_BY(Customers.ID)

	return []tour.Step{
		affected("INSERT MODEL", db, Customers.INSERT(columns).MODEL(customer{
			Email: "ada@example.org", Name: "Ada Lovelace", Phone: ptr("+44 20 7946 0001"), Born: born(), Score: 10,
			Balance: ptr(100.50), LastSeen: &seen, City: ptr("London"),
		})),
		affected("INSERT MODELS", db, Customers.INSERT(columns).MODELS([]customer{
			{Email: "grace@example.org", Name: "Grace Hopper", Score: 20}, {Email: "alan@example.org", Name: "Alan Turing", Score: 30, Balance: ptr(3.0)},
		})),
		affected("INSERT VALUES", db, Orders.INSERT(Orders.MutableColumns).
			VALUES(1, "Engine", "A-100", 10.0, 1, seen, "new").
			VALUES(1, "Compiler", "B-200", 20.0, 2, seen, "paid").
			VALUES(2, "Compiler", nil, 20.0, 3, seen, "new")),
		affected("INSERT of a query of values", db, Orders.INSERT(Orders.CustomerID, Orders.Item, Orders.Code, Orders.Price, Orders.Quantity, Orders.PlacedAt, Orders.Status).
			QUERY(SELECT(Customers.ID, String("Bombe"), String("C-300"), Decimal("30.00"), Int32(1), TimestampT(seen), String("new")).
				FROM(Customers).WHERE(Customers.Email.EQ(String("alan@example.org"))))),
		affected("upsert", db, Customers.INSERT(Customers.Email, Customers.Name, Customers.Score).VALUES("alan@example.org", "Alan M. Turing", 31).
			ON_DUPLICATE_KEY_UPDATE(Customers.Name.SET(StringExp(Func("VALUES", Customers.Name))), Customers.Score.SET(IntExp(Func("VALUES", Customers.Score))))),
		rows[customer]("SELECT of all columns", db, all),
		rows[customer]("WHERE of encrypted columns", db, SELECT(Customers.AllColumns).FROM(Customers).
			WHERE(Customers.Email.EQ(String("ada@example.org")).AND(Customers.Born.EQ(DateT(*born()))).AND(Customers.LastSeen.EQ(TimestampT(seen))).
				OR(Customers.Balance.EQ(Decimal("3.00")).AND(Customers.Name.NOT_EQ(String("x"))))).ORDER_BY(Customers.ID)),
		rows[customer]("IN, NOT IN, IS NULL", db, SELECT(Customers.ID, Customers.Name).FROM(Customers).
			WHERE(Customers.Name.IN(String("Ada Lovelace"), String("Grace Hopper")).AND(Customers.Score.NOT_IN(Int32(98), Int32(99))).AND(Customers.Phone.IS_NOT_NULL()))),
		rows[nested]("JOIN into a struct with a list", db, SELECT(Customers.AllColumns, Orders.AllColumns).
			FROM(Customers.INNER_JOIN(Orders, Orders.CustomerID.EQ(Customers.ID))).WHERE(Orders.Item.NOT_EQ(String("x"))).ORDER_BY(Customers.ID, Orders.ID)),
		rows[customer]("IN of a subquery", db, SELECT(Customers.ID, Customers.Name).FROM(Customers).
			WHERE(Customers.ID.IN(SELECT(Orders.CustomerID).FROM(Orders).WHERE(Orders.Price.EQ(Decimal("20.00"))))).ORDER_BY(Customers.ID)),
		rows[customer]("EXISTS", db, SELECT(Customers.ID, Customers.Name).FROM(Customers).
			WHERE(EXISTS(SELECT(Orders.ID).FROM(Orders).WHERE(Orders.CustomerID.EQ(Customers.ID).AND(Orders.Code.EQ(String("C-300"))))))),
		rows[customer]("FROM a subquery", db, SELECT(Customers.ID.From(named), Customers.Name.From(named)).FROM(named).
			WHERE(Customers.Name.From(named).EQ(String("Ada Lovelace")))),
		rows[counted]("WITH", db, WITH(bought.AS(SELECT(Orders.CustomerID, Orders.Item).FROM(Orders).WHERE(Orders.Status.EQ(String("new")))))(
			SELECT(Customers.Name.AS("name"), Customers.Visits.AS("n")).FROM(bought.INNER_JOIN(Customers, Customers.ID.EQ(of))).WHERE(item.EQ(String("Engine"))))),
		rows[counted]("GROUP BY of an encrypted column, HAVING", db, SELECT(Orders.Item.AS("name"), COUNT(STAR).AS("n")).FROM(Orders).
			GROUP_BY(Orders.Item).HAVING(COUNT(STAR).GT(Int(0))).ORDER_BY(MINi(Orders.ID))),
		rows[counted]("UNION ALL", db, UNION_ALL(
			SELECT(Customers.Name.AS("name"), Int32(1).AS("n")).FROM(Customers).WHERE(Customers.Email.EQ(String("ada@example.org"))),
			SELECT(Customers.Name.AS("name"), Int32(2).AS("n")).FROM(Customers).WHERE(Customers.Email.EQ(String("grace@example.org"))))),
		rows[customer]("DISTINCT, LIMIT, OFFSET, FOR UPDATE", db, SELECT(Customers.ID, Customers.Name).FROM(Customers).
			WHERE(Customers.Visits.GT_EQ(Int(0))).ORDER_BY(Customers.ID).LIMIT(2).OFFSET(1).FOR(UPDATE())),
		refused("no index for order", rows[customer]("ORDER BY an encrypted column", db, SELECT(Customers.ID).FROM(Customers).ORDER_BY(Customers.Name.ASC()))),
		rows[customer]("LIKE", db, SELECT(Customers.ID).FROM(Customers).WHERE(Customers.Name.LIKE(String("Ada%")))),
		refused("no index for ranges", rows[customer]("GT of an encrypted column", db, SELECT(Customers.ID).FROM(Customers).WHERE(Customers.Score.GT(Int32(1))))),
		refused("computed by the database", rows[counted]("SUM of an encrypted column", db, SELECT(SUMf(Orders.Price).AS("n")).FROM(Orders))),
		affected("UPDATE MODEL", db, Customers.UPDATE(Customers.Name, Customers.Phone, Customers.Born).
			MODEL(customer{Name: "Grace B. Hopper", Phone: ptr("+1 202 555 0100")}).WHERE(Customers.Email.EQ(String("grace@example.org")))),
		affected("UPDATE SET", db, Customers.UPDATE().SET(Customers.Score.SET(Int32(11)), Customers.Visits.SET(Customers.Visits.ADD(Int(1))), Customers.Balance.SET(Decimal("7.70"))).
			WHERE(Customers.Name.EQ(String("Ada Lovelace")))),
		affected("UPDATE by a subquery", db, Orders.UPDATE(Orders.Code).SET(String("C-301")).
			WHERE(Orders.CustomerID.IN(SELECT(Customers.ID).FROM(Customers).WHERE(Customers.Name.EQ(String("Alan M. Turing")))))),
		inTx("in a transaction, rolled back", db, Orders.DELETE().WHERE(Orders.Code.EQ(String("A-100"))), count("A-100")),
		affected("DELETE", db, Orders.DELETE().WHERE(Orders.Item.EQ(String("Compiler")).AND(Orders.Code.IS_NULL()))),
		rows[customer]("raw statement", db, RawStatement("SELECT id AS `customers.id`, name AS `customers.name` FROM customers WHERE email = #email", RawArgs{"#email": "ada@example.org"})),
		rows[customer]("all in the end", db, all),
	}
}
