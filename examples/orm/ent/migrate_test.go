package main

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/examples/orm/ent/ent"
	"github.com/sealsql/sealsql/examples/orm/ent/ent/customer"
	"github.com/sealsql/sealsql/examples/orm/ent/ent/migrate"
	"github.com/sealsql/sealsql/examples/orm/tour"
	"github.com/sealsql/sealsql/examples/orm/tourtest"
)

// changing is the migration of a program whose schema has changed.
func changing(change func(*schema.Table)) schema.MigrateOption {
	return schema.WithHooks(func(next schema.Creator) schema.Creator {
		return schema.CreateFunc(func(ctx context.Context, tables ...*schema.Table) error {
			changed, err := schema.CopyTables(tables)
			if err != nil {
				return err
			}
			for _, t := range changed {
				if t.Name == customer.Table {
					change(t)
				}
			}
			return next.Create(ctx, changed...)
		})
	})
}

func set(name string, change func(*schema.Column)) func(*schema.Table) {
	return func(t *schema.Table) {
		for _, c := range t.Columns {
			if c.Name == name {
				change(c)
			}
		}
	}
}

// migrations change the schema of customers; each is followed by a look at the
// data, which must be what it was.
var migrations = []struct {
	name    string
	change  func(*schema.Table)
	refused func(tour.Engine) bool
	opts    []schema.MigrateOption
}{
	{"nothing", func(*schema.Table) {}, never, nil},
	{"a clear column is added", func(t *schema.Table) {
		t.Columns = append(t.Columns, &schema.Column{Name: "nick", Type: field.TypeString, Size: 30, Nullable: true})
	}, never, nil},
	{"an encrypted column of another type", set("score", func(c *schema.Column) { c.Type = field.TypeString }), always, nil},
	{"an encrypted column of another length", set("email", func(c *schema.Column) { c.Size = 300 }), onMySQL, nil},
	{"an encrypted column loses its unique key", func(t *schema.Table) {
		set("email", func(c *schema.Column) { c.Unique = false })(t)
	}, never, []schema.MigrateOption{migrate.WithDropIndex(true)}},
	{"and has it again", func(*schema.Table) {}, never, nil},
}

func never(tour.Engine) bool  { return false }
func always(tour.Engine) bool { return true }

// Only MySQL's columns of ent have lengths.
func onMySQL(e tour.Engine) bool { return e == tour.MySQL }

func TestMigrations(t *testing.T) {
	tourtest.OnEach(t, func(t *testing.T, e tour.Engine) {
		ctx := context.Background()
		c := open(tourtest.Open(t, shop, e).Sealed, e)
		if err := c.Customer.Create().SetEmail("ada@example.org").SetName("Ada Lovelace").SetScore(7).SetBorn(born).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		want := customers(t, c)
		for _, m := range migrations {
			opts := append([]schema.MigrateOption{changing(m.change)}, m.opts...)
			err := c.Schema.Create(ctx, opts...)
			if m.refused(e) != errors.Is(err, sealsql.ErrRefused) || !m.refused(e) && err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
			if got := customers(t, c); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v instead of %v", m.name, got, want)
			}
			if m.refused(e) {
				continue
			}
			var again bytes.Buffer
			if err := c.Schema.WriteTo(ctx, &again, opts...); err != nil || again.Len() > 0 {
				t.Errorf("%s, once more: %v %s", m.name, err, again.String())
			}
		}
		if _, err := c.Customer.Query().Where(customer.Email("ada@example.org"), customer.Score(7)).Only(ctx); err != nil {
			t.Error(err)
		}
	})
}

func customers(t *testing.T, c *ent.Client) []string {
	t.Helper()
	all, err := c.Customer.Query().All(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range all {
		out = append(out, a.String())
	}
	return out
}
