package main

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"xorm.io/xorm"
	"xorm.io/xorm/contexts"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/examples/orm/tour"
	"github.com/sealsql/sealsql/examples/orm/tourtest"
	"github.com/sealsql/sealsql/internal/testenv"
)

// sent are the statements of an engine that change something.
type sent struct{ list []string }

var changes = regexp.MustCompile(`(?i)^\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE)\b`)

func (s *sent) BeforeProcess(c *contexts.ContextHook) (context.Context, error) {
	if changes.MatchString(c.SQL) {
		s.list = append(s.list, c.SQL)
	}
	return c.Ctx, nil
}

func (s *sent) AfterProcess(*contexts.ContextHook) error { return nil }

// Models of a program whose declarations have changed.
type (
	grown struct {
		Customer `xorm:"extends"`
		Nick     string `xorm:"varchar(30)"` // clear
	}
	longer struct {
		ID    int64  `xorm:"'id' pk autoincr"`
		Email string `xorm:"varchar(300) notnull unique"`
	}
	texted struct {
		ID   int64  `xorm:"'id' pk autoincr"`
		Name string `xorm:"text notnull index"`
	}
	bare struct { // without its keys
		ID    int64  `xorm:"'id' pk autoincr"`
		Email string `xorm:"varchar(120) notnull"`
	}
)

func (grown) TableName() string  { return "customers" }
func (longer) TableName() string { return "customers" }
func (texted) TableName() string { return "customers" }
func (bare) TableName() string   { return "customers" }

// TestSync syncs a plain and an encrypted database that hold the same row with
// the same models. What it sends to both is the same, or refused where it would
// change a column of records; the row stays what it is. On SQLite Sync changes
// no types.
func TestSync(t *testing.T) {
	tourtest.OnEach(t, func(t *testing.T, e tour.Engine) {
		dbs := tourtest.Open(t, shop, e)
		plain, plainSent := observed(t, dbs.Plain, e)
		sealed, sealedSent := observed(t, dbs.Sealed, e)
		for _, x := range []*xorm.Engine{plain, sealed} {
			if _, err := x.Insert(&Customer{Email: "ada@example.org", Name: "Ada Lovelace", Born: seen, Balance: "1.00", LastSeen: seen}); err != nil {
				t.Fatal(err)
			}
		}
		want := customers(t, sealed)
		for _, models := range [][]any{
			{new(Customer), new(Order)},
			{new(grown)},
			{new(bare)},
			{new(Customer), new(Order)},
			{new(Customer), new(Order)},
			{new(longer)},
			{new(texted)},
		} {
			plainSent.list, sealedSent.list = nil, nil
			perr, serr := plain.Sync(models...), sealed.Sync(models...)
			slices.Sort(plainSent.list)
			slices.Sort(sealedSent.list)
			switch {
			case perr != nil && serr != nil && e == tour.MySQL && testenv.IsMySQL():
				t.Logf("%T: %v", models[0], perr) // MySQL itself has no index over a whole text
			case perr != nil:
				t.Errorf("%T: plain: %v", models[0], perr)
			case errors.Is(serr, sealsql.ErrRefused):
				t.Logf("%T: %v", models[0], serr)
			case serr != nil:
				t.Errorf("%T: %v", models[0], serr)
			case !slices.Equal(plainSent.list, sealedSent.list):
				t.Errorf("%T: sent %q instead of %q", models[0], sealedSent.list, plainSent.list)
			}
			if got := customers(t, sealed); !reflect.DeepEqual(got, want) {
				t.Errorf("%T: %v instead of %v", models[0], got, want)
			}
		}
	})
}

func observed(t *testing.T, db *sql.DB, e tour.Engine) (*xorm.Engine, *sent) {
	t.Helper()
	x, err := open(db, e)
	if err != nil {
		t.Fatal(err)
	}
	s := &sent{}
	x.AddHook(s)
	return x, s
}

func customers(t *testing.T, x *xorm.Engine) []Customer {
	t.Helper()
	var all []Customer
	if err := x.Where("email = ?", "ada@example.org").Find(&all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Errorf("%d rows", len(all))
	}
	return all
}
