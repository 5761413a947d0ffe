package main

// query is a query of the shop. Names and placeholders are spelled by engine.spell.
type query struct {
	name string
	text string
	args []any
}

// queries are what a shop like this one asks. Every answer has a total order.
var queries = []query{
	{
		name: "customer card",
		text: `SELECT CustomerId, FirstName, LastName, Company, Address, City, State, Country, PostalCode, Phone, Fax, Email FROM Customer WHERE CustomerId = ?`,
		args: []any{14},
	},
	{name: "all customers, star", text: `SELECT * FROM Customer ORDER BY CustomerId`},
	{name: "all employees, qualified star", text: `SELECT e.* FROM Employee e ORDER BY e.EmployeeId`},
	{
		name: "customers of a country",
		text: `SELECT FirstName, LastName, Email FROM Customer WHERE Country = ? ORDER BY CustomerId`,
		args: []any{"Brazil"},
	},
	{
		name: "invoices of a period with customers",
		text: `SELECT i.InvoiceId, i.InvoiceDate, i.Total, c.FirstName, c.LastName, c.Email
			FROM Invoice i JOIN Customer c ON c.CustomerId = i.CustomerId
			WHERE i.InvoiceDate >= ? AND i.InvoiceDate < ? ORDER BY i.InvoiceId`,
		args: []any{"2022-01-01 00:00:00", "2022-07-01 00:00:00"},
	},
	{
		name: "top customers",
		text: `SELECT c.CustomerId, c.FirstName, c.LastName, t.spent
			FROM Customer c JOIN (SELECT CustomerId, SUM(Total) AS spent FROM Invoice GROUP BY CustomerId) t ON t.CustomerId = c.CustomerId
			ORDER BY t.spent DESC, c.CustomerId LIMIT 10`,
	},
	{
		name: "revenue by country",
		text: `SELECT BillingCountry, COUNT(*) AS invoices, SUM(Total) AS revenue, MIN(Total) AS smallest, MAX(Total) AS largest
			FROM Invoice GROUP BY BillingCountry ORDER BY BillingCountry`,
	},
	{
		name: "countries with many customers",
		text: `SELECT Country, COUNT(*) AS customers FROM Customer GROUP BY Country HAVING COUNT(*) > 2 ORDER BY customers DESC, Country`,
	},
	{
		name: "employees and their managers",
		text: `SELECT e.EmployeeId, e.FirstName, e.LastName, e.Title, m.FirstName AS manager_first, m.LastName AS manager_last
			FROM Employee e LEFT JOIN Employee m ON m.EmployeeId = e.ReportsTo ORDER BY e.EmployeeId`,
	},
	{
		name: "chain of command, recursive",
		text: `WITH RECURSIVE chain (id, boss, depth) AS (
				SELECT EmployeeId, ReportsTo, 0 FROM Employee WHERE ReportsTo IS NULL
				UNION ALL
				SELECT e.EmployeeId, e.ReportsTo, chain.depth + 1 FROM Employee e JOIN chain ON chain.id = e.ReportsTo
			)
			SELECT chain.depth, e.EmployeeId, e.FirstName, e.LastName FROM chain JOIN Employee e ON e.EmployeeId = chain.id
			ORDER BY chain.depth, e.EmployeeId`,
	},
	{
		name: "support agents by number of customers",
		text: `SELECT e.EmployeeId, e.FirstName, e.LastName, n.customers
			FROM Employee e JOIN (SELECT SupportRepId, COUNT(*) AS customers FROM Customer GROUP BY SupportRepId) n ON n.SupportRepId = e.EmployeeId
			ORDER BY n.customers DESC, e.EmployeeId`,
	},
	{
		name: "support agents and their customers",
		text: `SELECT e.LastName AS agent, c.FirstName, c.LastName, c.Phone
			FROM Customer c, Employee e WHERE e.EmployeeId = c.SupportRepId ORDER BY e.EmployeeId, c.CustomerId`,
	},
	{
		name: "sales of each agent",
		text: `WITH sales AS (
				SELECT c.SupportRepId AS agent, SUM(i.Total) AS total, COUNT(*) AS invoices
				FROM Invoice i JOIN Customer c ON c.CustomerId = i.CustomerId GROUP BY c.SupportRepId
			)
			SELECT e.FirstName, e.LastName, s.total, s.invoices FROM sales s JOIN Employee e ON e.EmployeeId = s.agent ORDER BY s.agent`,
	},
	{
		name: "encrypted columns through a CTE",
		text: `WITH german AS (SELECT CustomerId, FirstName, LastName, Email, Country, SupportRepId FROM Customer WHERE Country = 'Germany')
			SELECT g.FirstName, g.LastName, g.Email FROM german g ORDER BY g.CustomerId`,
	},
	{
		name: "encrypted columns through a subquery",
		text: `SELECT x.FirstName, x.Phone, x.City FROM (SELECT * FROM Customer WHERE Country = 'USA') x ORDER BY x.CustomerId`,
	},
	{
		name: "address book of customers and employees",
		text: `SELECT 'customer' AS kind, CustomerId AS id, FirstName, LastName, Email FROM Customer
			UNION ALL SELECT 'employee', EmployeeId, FirstName, LastName, Email FROM Employee
			ORDER BY 1, 2`,
	},
	{
		name: "customers of two countries, one after the other",
		text: `SELECT CustomerId, Email FROM Customer WHERE Country = 'France' UNION ALL SELECT CustomerId, Email FROM Customer WHERE Country = 'Canada' ORDER BY 1`,
	},
	{
		name: "customers by a list",
		text: `SELECT CustomerId, FirstName, Fax FROM Customer WHERE CustomerId IN (1, 5, 9, 33) ORDER BY CustomerId`,
	},
	{
		name: "customers who bought jazz",
		text: `SELECT CustomerId, FirstName, LastName, Email FROM Customer
			WHERE CustomerId IN (
				SELECT i.CustomerId FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId
				JOIN Track t ON t.TrackId = l.TrackId JOIN Genre g ON g.GenreId = t.GenreId WHERE g.Name = ?)
			ORDER BY CustomerId`,
		args: []any{"Jazz"},
	},
	{
		name: "customers who never bought jazz",
		text: `SELECT c.CustomerId, c.FirstName, c.LastName FROM Customer c
			WHERE NOT EXISTS (
				SELECT 1 FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId
				JOIN Track t ON t.TrackId = l.TrackId JOIN Genre g ON g.GenreId = t.GenreId
				WHERE i.CustomerId = c.CustomerId AND g.Name = 'Jazz')
			ORDER BY c.CustomerId`,
	},
	{
		name: "third page of customers",
		text: `SELECT CustomerId, FirstName, LastName, Company FROM Customer ORDER BY CustomerId LIMIT ? OFFSET ?`,
		args: []any{10, 20},
	},
	{
		name: "an invoice in full",
		text: `SELECT c.FirstName, c.LastName, i.BillingAddress, i.InvoiceDate, t.Name AS track, a.Title AS album, r.Name AS artist, l.UnitPrice, l.Quantity
			FROM InvoiceLine l JOIN Invoice i ON i.InvoiceId = l.InvoiceId JOIN Customer c ON c.CustomerId = i.CustomerId
			JOIN Track t ON t.TrackId = l.TrackId JOIN Album a ON a.AlbumId = t.AlbumId JOIN Artist r ON r.ArtistId = a.ArtistId
			WHERE i.InvoiceId = ? ORDER BY l.InvoiceLineId`,
		args: []any{5},
	},
	{
		name: "customers without fax",
		text: `SELECT CustomerId, FirstName, Phone FROM Customer WHERE Fax IS NULL ORDER BY CustomerId`,
	},
	{
		name: "customers with a company and a fax",
		text: `SELECT CustomerId, LastName, Company, Fax FROM Customer WHERE Fax IS NOT NULL AND Company LIKE '%a%' ORDER BY CustomerId`,
	},
	{
		name: "faxes by country",
		text: `SELECT Country, COUNT(*) AS customers, COUNT(Fax) AS faxes FROM Customer GROUP BY Country ORDER BY Country`,
	},
	{
		name: "customers without invoice in a period",
		text: `SELECT c.CustomerId, c.FirstName, c.Email FROM Customer c
			LEFT JOIN Invoice i ON i.CustomerId = c.CustomerId AND i.InvoiceDate >= ?
			WHERE i.InvoiceId IS NULL ORDER BY c.CustomerId`,
		args: []any{"2025-10-01 00:00:00"},
	},
	{
		name: "domestic and foreign customers",
		text: `SELECT CustomerId, LastName, CASE WHEN Country = 'USA' THEN 'domestic' ELSE 'foreign' END AS market FROM Customer ORDER BY market, CustomerId`,
	},
	{
		name: "number of invoices beside each customer",
		text: `SELECT c.CustomerId, c.FirstName, (SELECT COUNT(*) FROM Invoice i WHERE i.CustomerId = c.CustomerId) AS invoices FROM Customer c ORDER BY invoices DESC, c.CustomerId`,
	},
	{
		name: "largest invoice of each customer",
		text: `SELECT c.CustomerId, c.Email, i.InvoiceId, i.Total FROM Customer c JOIN Invoice i ON i.CustomerId = c.CustomerId
			WHERE i.Total = (SELECT MAX(x.Total) FROM Invoice x WHERE x.CustomerId = c.CustomerId) ORDER BY c.CustomerId, i.InvoiceId`,
	},
	{
		name: "rank of invoices within a country",
		text: `SELECT r.place, r.InvoiceId, r.BillingCountry, c.LastName
			FROM (SELECT InvoiceId, CustomerId, BillingCountry, ROW_NUMBER() OVER (PARTITION BY BillingCountry ORDER BY Total DESC, InvoiceId) AS place FROM Invoice) r
			JOIN Customer c ON c.CustomerId = r.CustomerId WHERE r.place <= 2 ORDER BY r.BillingCountry, r.place`,
	},
	{
		name: "where invoices and customers live",
		text: `SELECT i.InvoiceId, i.BillingAddress, i.BillingCity, c.Address, c.City FROM Invoice i JOIN Customer c ON c.CustomerId = i.CustomerId ORDER BY i.InvoiceId LIMIT 50`,
	},
	{
		name: "colleagues of the same manager",
		text: `SELECT a.FirstName AS one, b.FirstName AS other FROM Employee a JOIN Employee b ON b.ReportsTo = a.ReportsTo AND b.EmployeeId > a.EmployeeId ORDER BY a.EmployeeId, b.EmployeeId`,
	},
	{
		name: "customers outside a list of countries",
		text: `SELECT CustomerId, FirstName AS given, LastName AS family FROM Customer WHERE Country NOT IN ('USA', 'Canada', 'France', 'Brazil', 'Germany') ORDER BY Country, CustomerId`,
	},
	{name: "countries", text: `SELECT DISTINCT Country FROM Customer ORDER BY Country`},
	{
		name: "best selling genres",
		text: `SELECT g.Name, COUNT(*) AS sold FROM InvoiceLine l JOIN Track t ON t.TrackId = l.TrackId JOIN Genre g ON g.GenreId = t.GenreId GROUP BY g.Name ORDER BY sold DESC, g.Name`,
	},
	{
		name: "playlists with their length",
		text: `SELECT p.PlaylistId, p.Name, COUNT(t.TrackId) AS tracks, SUM(t.Milliseconds) AS length FROM Playlist p LEFT JOIN PlaylistTrack x ON x.PlaylistId = p.PlaylistId LEFT JOIN Track t ON t.TrackId = x.TrackId GROUP BY p.PlaylistId, p.Name ORDER BY p.PlaylistId`,
	},
	{
		name: "oldest employees first",
		text: `SELECT FirstName, LastName, BirthDate, HireDate FROM Employee ORDER BY BirthDate, EmployeeId`,
	},
}

// refusals cannot be answered: the database would have to see the value.
var refusals = []query{
	{name: "search by part of an encrypted value", text: `SELECT CustomerId FROM Customer WHERE Email LIKE '%@gmail.com'`},
	{name: "sort by an encrypted value", text: `SELECT CustomerId, LastName FROM Customer ORDER BY LastName`},
	{name: "compute with an encrypted value", text: `SELECT UPPER(LastName) FROM Employee`},
	{name: "copy an encrypted value into a clear column", text: `UPDATE Customer SET Company = LastName`},
}
