package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// marks are strings that occur nowhere else in the world: secret ones go into
// encrypted columns, the open one into a clear column, which proves that the
// search would find them.
type marks struct{ secret, open string }

func newMarks() (marks, error) {
	secret, err := random(8)
	if err != nil {
		return marks{}, err
	}
	open, err := random(8)
	return marks{secret: secret, open: open}, err
}

// writes change customers and employees the way a shop does. The same run on
// every database; each UPDATE and DELETE says which partition it means, as it
// must where rows have different ones.
func (m marks) writes(e engine) []query {
	customer := e.partitions["Customer"]
	agent := any(4)
	country := any("Norway")
	partition := country
	if customer.kind == "int" {
		partition = agent
	}
	all := []query{
		{
			name: "customer with bound values",
			text: `INSERT INTO Customer (CustomerId, FirstName, LastName, Company, Address, City, Country, Phone, Fax, Email, SupportRepId) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			args: []any{
				900, "F-" + m.secret, "L-" + m.secret, nil, "A-" + m.secret, "C-" + m.open, country, "P-" + m.secret,
				"X-" + m.secret, m.secret + "@example.com", agent,
			},
		},
		{
			name: "employees with literals, several rows",
			text: `INSERT INTO Employee (EmployeeId, LastName, FirstName, Title, ReportsTo, Address, City, Phone, Email) VALUES
				(901, 'L-` + m.secret + `', 'F-` + m.secret + `', 'IT Staff', 6, 'A-` + m.secret + `', 'C-` + m.open + `', NULL, ''),
				(902, 'O''` + m.secret + `', '漢字', 'IT Staff', 6, NULL, NULL, 'P-` + m.secret + `', '` + m.secret + `@example.com')`,
		},
		{
			name: "invoice",
			text: `INSERT INTO Invoice (InvoiceId, CustomerId, InvoiceDate, BillingAddress, BillingCity, BillingCountry, Total) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			args: []any{903, 900, "2025-12-24 00:00:00", "A-" + m.secret, "C-" + m.open, country, "12.34"},
		},
		{
			name: "new phone and address",
			text: `UPDATE Customer SET Phone = ?, Address = ?, City = ? WHERE CustomerId = ? AND ` + customer.column + ` = ?`,
			args: []any{"Q-" + m.secret, "B-" + m.secret, "D-" + m.open, 900, partition},
		},
		{
			name: "fax given up",
			text: `UPDATE Customer SET Fax = NULL WHERE CustomerId = ? AND ` + customer.column + ` = ?`,
			args: []any{900, partition},
		},
		{
			name: "employee leaves",
			text: `DELETE FROM Employee WHERE EmployeeId = ?`,
			args: []any{902},
		},
	}
	for i := range all {
		all[i].text = e.spell(all[i].text)
	}
	return all
}

// write makes the changes in one transaction, after having made and undone
// them in another.
func write(ctx context.Context, db *sql.DB, queries []query) error {
	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for _, q := range queries {
			if _, err := tx.ExecContext(ctx, q.text, q.args...); err != nil {
				_ = tx.Rollback() // the statement's error is the one to report
				return fmt.Errorf("%s: %w", q.name, err)
			}
		}
		if err := end(tx, commit); err != nil {
			return err
		}
	}
	return nil
}

func end(tx *sql.Tx, commit bool) error {
	if commit {
		return tx.Commit()
	}
	return tx.Rollback()
}

// afterwards reads the tables that write has changed.
func afterwards() []query {
	var all []query
	for _, t := range sealedTables {
		all = append(all, query{
			name: strings.ToLower(t.name) + "s after the writes",
			text: `SELECT * FROM ` + t.name + ` ORDER BY ` + t.name + `Id`,
		})
	}
	return all
}
