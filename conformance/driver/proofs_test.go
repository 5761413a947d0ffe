package drivertest

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

// unread is a front end that cannot read edited texts token by token, so that
// they are proven by parsing.
type unread struct{ rewrite.Frontend }

func (unread) Tokens(string, *rewrite.Session) rewrite.TokenReader { return unread{} }
func (unread) Next(*rewrite.Token) bool                            { return false }
func (unread) Sound() bool                                         { return false }
func (unread) Skip(int)                                            {}

// TestBothProofsComeToTheSame plans random statements twice: what the proof by
// tokens lets pass, parsing must let pass too.
func TestBothProofsComeToTheSame(t *testing.T) {
	for _, f := range []rewrite.Frontend{postgres.New(), mysql.New(), sqlite.New()} {
		t.Run(f.Dialect().String(), func(t *testing.T) {
			cat := catalogOfProofs(t, f.Dialect())
			s := &rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}
			g := &generator{r: rand.New(rand.NewPCG(5, 8)), dialect: f.Dialect(), mark: "CANARY17"}
			edited := 0
			for range 4000 {
				text, args := g.statement()
				for _, o := range []rewrite.Options{{HasArgs: len(args) > 0}, {HasArgs: true, Prepare: true, ContextPartition: true}} {
					got, err := rewrite.PlanOnce(f, text, cat, s, o)
					want, wantErr := rewrite.PlanOnce(unread{f}, text, cat, s, o)
					if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
						t.Fatalf("%q: %+v (%v), by parsing alone %+v (%v)", text, got, err, want, wantErr)
					}
					if got != nil && got.Text != text {
						edited++
					}
				}
			}
			if edited < 100 {
				t.Errorf("only %d plans are edited: the test says little", edited)
			}
		})
	}
}

func catalogOfProofs(t *testing.T, d rewrite.Dialect) rewrite.Catalog {
	t.Helper()
	text, err := schema.ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	users := &schema.Table{Name: "users", Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "note", Type: text}}
	for _, c := range []string{"ssn", "email"} {
		users.Columns = append(users.Columns, &schema.Column{Table: users, Name: c, ID: "users." + c, Type: text})
	}
	ann, err := schema.New([]*schema.Table{users}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	column := func(name, typ string) rewrite.CatalogColumn {
		return rewrite.CatalogColumn{Name: name, Type: typ, BytewiseEqual: true}
	}
	carrier := map[rewrite.Dialect]string{rewrite.Postgres: "bytea", rewrite.MySQL: "varbinary(500)", rewrite.SQLite: "blob"}[d]
	schemas := map[rewrite.Dialect]string{rewrite.Postgres: "public", rewrite.MySQL: "app", rewrite.SQLite: "main"}
	in := schemas[d]
	snap := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{
		{ID: rewrite.RelationID{Schema: in, Name: "users"}, Kind: rewrite.RelTable, Unique: [][]string{{"id", "note"}}, Columns: []rewrite.CatalogColumn{
			column("id", "integer"), column("ssn", carrier), column("email", carrier), column("note", "text"),
		}},
		{ID: rewrite.RelationID{Schema: in, Name: "orders"}, Kind: rewrite.RelTable, Columns: []rewrite.CatalogColumn{
			column("id", "integer"), column("user_id", "integer"), column("memo", "text"),
		}},
	}}
	return rewrite.NewCatalog(d, snap, rewrite.Names{SearchPath: []string{in}}, ann, rewrite.Declarations{})
}
