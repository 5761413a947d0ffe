package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// benchOptions are those of a program that passes arguments; the statement that
// gets a condition added takes its partition from the context.
func benchOptions(name string) rewrite.Options {
	return rewrite.Options{HasArgs: true, ContextPartition: name == "conjunct"}
}

var benchTexts = []struct{ name, sql string }{
	{"point", "SELECT id, ssn, email, note FROM users WHERE id = ?"},
	{"insert20", "INSERT INTO users (id, ssn, email, note, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
	{"joins", "WITH big AS (SELECT user_id, sum(total) AS t FROM orders GROUP BY user_id) SELECT u.id, u.ssn, b.t, o.memo, p.note FROM users u JOIN big b ON b.user_id = u.id JOIN orders o ON o.user_id = u.id LEFT JOIN users p ON p.id = o.total LEFT JOIN orders q ON q.id = p.id WHERE u.id IN (SELECT user_id FROM orders WHERE total > ?) AND u.note IS NOT NULL ORDER BY b.t DESC LIMIT 10"},
	{"literal", "UPDATE users SET ssn = '123-45-6789', note = 'x' WHERE id = 42"},
	{"star", "SELECT * FROM users WHERE id = ?"},
	{"clear", "SELECT id, total, memo FROM orders WHERE user_id = ? AND total > ? ORDER BY id"},
	{"alias", "SELECT u.*, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE o.id = ?"},
	{"nolist", "INSERT INTO docs VALUES (?, ?, ?, ?)"},
	{"hidden", "SELECT title, body FROM docs WHERE id = ?"},
	{"search", "SELECT id, mail FROM people WHERE mail = ? AND note IS NOT NULL"},
	{"index", "INSERT INTO people (id, mail, note) VALUES (?, ?, ?)"},
	{"conjunct", "UPDATE docs SET body = ? WHERE id = ? AND title IS NOT NULL"},
}

func benchCatalog(d rewrite.Dialect) rewrite.Catalog {
	text, _ := schema.ParseType("text")
	users := &schema.Table{Name: "users", Partition: schema.Partition{Kind: schema.PartitionConst, Const: "default"}}
	for _, n := range []string{"ssn", "email"} {
		users.Columns = append(users.Columns, &schema.Column{Table: users, Name: n, ID: "users." + n, Type: text})
	}
	docs := &schema.Table{Name: "docs", Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "tenant", Type: text}}
	docs.Columns = []*schema.Column{{Table: docs, Name: "body", ID: "docs.body", Type: text}}
	people := &schema.Table{Name: "people", Partition: schema.Partition{Kind: schema.PartitionConst, Const: "default"}}
	people.Columns = []*schema.Column{{Table: people, Name: "mail", ID: "people.mail", Type: text, Equality: &schema.Equality{}}}
	cat, err := schema.New([]*schema.Table{users, docs, people}, schema.Options{})
	if err != nil {
		panic(err)
	}
	carrier := map[rewrite.Dialect]string{rewrite.Postgres: "bytea", rewrite.MySQL: "varbinary(2000)", rewrite.SQLite: "blob"}[d]
	cols := []rewrite.CatalogColumn{{Name: "id", Type: "int"}, {Name: "ssn", Type: carrier}, {Name: "email", Type: carrier}, {Name: "note", Type: "text"}}
	for _, n := range []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16"} {
		cols = append(cols, rewrite.CatalogColumn{Name: n, Type: "int"})
	}
	byDoc := []rewrite.CatalogColumn{{Name: "tenant", Type: "text", BytewiseEqual: true}, {Name: "id", Type: "int"}, {Name: "title", Type: "text"}, {Name: "body", Type: carrier}}
	index := map[rewrite.Dialect]string{rewrite.Postgres: "bytea", rewrite.MySQL: "binary(16)", rewrite.SQLite: "blob"}[d]
	snap := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{
		{ID: rewrite.RelationID{Schema: "main", Name: "people"}, Kind: rewrite.RelTable, Columns: []rewrite.CatalogColumn{{Name: "id", Type: "int"}, {Name: "mail", Type: carrier}, {Name: "mail_bidx", Type: index}, {Name: "note", Type: "text"}}},
		{ID: rewrite.RelationID{Schema: "main", Name: "docs"}, Kind: rewrite.RelTable, Columns: byDoc},
		{ID: rewrite.RelationID{Schema: "main", Name: "users"}, Kind: rewrite.RelTable, Columns: cols},
		{ID: rewrite.RelationID{Schema: "main", Name: "orders"}, Kind: rewrite.RelTable, Columns: []rewrite.CatalogColumn{{Name: "id"}, {Name: "user_id"}, {Name: "total"}, {Name: "memo"}}},
	}}
	return rewrite.NewCatalog(d, snap, rewrite.Names{SearchPath: []string{"main"}}, cat, rewrite.Declarations{})
}

func numbered(d rewrite.Dialect, sql string) string {
	if d != rewrite.Postgres {
		return sql
	}
	var out strings.Builder
	n := 0
	for _, r := range sql {
		if r != '?' {
			out.WriteRune(r)
			continue
		}
		n++
		fmt.Fprintf(&out, "$%d", n)
	}
	return out.String()
}

// BenchmarkPlanMiss is planning without a cache; compare with each front end's
// own parse benchmark.
func BenchmarkPlanMiss(b *testing.B) {
	for _, f := range frontends {
		cat := benchCatalog(f.Dialect())
		for _, x := range benchTexts {
			sql := numbered(f.Dialect(), x.sql)
			b.Run(f.Dialect().String()+"/"+x.name, func(b *testing.B) {
				s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := rewrite.PlanOnce(f, sql, cat, s, benchOptions(x.name)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(f.Dialect().String()+"/"+x.name+"/parse", func(b *testing.B) {
				s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.Parse(sql, s); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPlanHit is what every cached statement costs.
func BenchmarkPlanHit(b *testing.B) {
	f := frontends["sqlite"]
	cat := benchCatalog(f.Dialect())
	p := rewrite.NewPlanner(f, 100)
	s := &rewrite.Session{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Plan(benchTexts[3].sql, cat, s, rewrite.Options{HasArgs: true}); err != nil {
			b.Fatal(err)
		}
	}
}
