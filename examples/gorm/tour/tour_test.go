package tour

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/sealsql/sealsql/rewrite"
)

// stop is one station of the tour: what is done to a database with the rows of
// fixtures, and what the application is told.
type stop struct {
	name string
	// refused is the reason for which the encrypted database refuses it; 0
	// where both must answer the same.
	refused rewrite.Reason
	do      func(db *gorm.DB, tell func(...any))
}

// refusal stops a station.
type refusal struct{ err *rewrite.UnsupportedError }

// run makes a transcript. Values are told as JSON, errors by their kind.
func (s stop) run(db *gorm.DB) (told string, refused *rewrite.UnsupportedError) {
	var b strings.Builder
	defer func() {
		if r, ok := recover().(refusal); ok {
			told, refused = b.String(), r.err
		}
	}()
	s.do(db.Session(&gorm.Session{NewDB: true}), func(values ...any) {
		for _, v := range values {
			fmt.Fprintln(&b, telling(v))
		}
	})
	return b.String(), nil
}

func telling(v any) string {
	if db, ok := v.(*gorm.DB); ok {
		if db.Error == nil {
			return fmt.Sprintf("rows affected: %d", db.RowsAffected)
		}
		v = db.Error
	}
	if err, ok := v.(error); ok {
		return failure(err)
	}
	if v == nil {
		return "nil"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func failure(err error) string {
	var u *rewrite.UnsupportedError
	if errors.As(err, &u) {
		panic(refusal{u})
	}
	for _, known := range []error{gorm.ErrRecordNotFound, gorm.ErrDuplicatedKey, gorm.ErrMissingWhereClause, gorm.ErrPrimaryKeyRequired, errRollback} {
		if errors.Is(err, known) {
			return "error: " + known.Error()
		}
	}
	if strings.HasPrefix(err.Error(), "sealsql") {
		return "error: " + err.Error()
	}
	return "error"
}

var errRollback = errors.New("rolled back")

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func ptr[T any](v T) *T { return &v }

// fixtures are the rows with which each station begins.
func fixtures(db *gorm.DB) error {
	return db.Session(&gorm.Session{AllowGlobalUpdate: true}).Transaction(func(tx *gorm.DB) error {
		for _, table := range []string{"user_speaks", "user_friends", "toys", "cards", "accounts", "hookeds"} {
			if err := tx.Exec("DELETE FROM " + table).Error; err != nil {
				return err
			}
		}
		if err := tx.Exec("UPDATE users SET manager_id = NULL").Error; err != nil {
			return err
		}
		for _, table := range []string{"users", "companies", "languages"} {
			if err := tx.Exec("DELETE FROM " + table).Error; err != nil {
				return err
			}
		}
		acme := Company{Name: "Acme", City: "Rome"}
		if err := tx.Create(&acme).Error; err != nil {
			return err
		}
		languages := []Language{{"de", "German"}, {"en", "English"}, {"it", "Italian"}}
		if err := tx.Create(&languages).Error; err != nil {
			return err
		}
		ada := User{
			Name: "ada", Email: ptr("ada@example.org"), Age: 36, Salary: 1200.5, Birthday: ptr(day("1815-12-10")), Active: true, Role: "admin",
			Home: Address{"Main St 1", "London"}, Tags: []string{"math", "poetry"}, Settings: map[string]string{"theme": "dark"},
			CompanyID: &acme.ID, Account: Account{Number: "A-1", Balance: 10.25},
			Cards:     []Card{{Number: "4711", Expires: day("2030-01-31")}, {Number: "4712", Expires: day("2031-02-28")}},
			Toys:      []Toy{{Name: "engine"}},
			Languages: languages[:2],
		}
		if err := tx.Create(&ada).Error; err != nil {
			return err
		}
		others := []User{
			{Name: "bob", Email: ptr("bob@example.org"), Age: 20, Salary: 800, Birthday: ptr(day("2000-05-01")), Role: "staff", CompanyID: &acme.ID, ManagerID: &ada.ID, Home: Address{"Side St 2", "Paris"}},
			{Name: "bob", Age: 30, Salary: 900, Role: "staff", ManagerID: &ada.ID, Member: nullString("M-7")},
			{Name: "cyd", Email: ptr("cyd@example.org"), Age: 20, Salary: 800, Role: "guest", Active: true},
		}
		if err := tx.Create(&others).Error; err != nil {
			return err
		}
		return tx.Model(&ada).Association("Friends").Append(&others[0], &others[2])
	})
}

// TestTour compares the two databases station by station, with and without
// GORM's cache of prepared statements.
func TestTour(t *testing.T) {
	for _, e := range engines {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/prepared=%v", e.name, prepared), func(t *testing.T) {
				p := open(t, e, &gorm.Config{PrepareStmt: prepared})
				for _, db := range []*gorm.DB{p.plain, p.sealed} {
					if err := db.AutoMigrate(models...); err != nil {
						t.Fatal(err)
					}
				}
				for _, s := range tour {
					t.Run(s.name, func(t *testing.T) { p.compare(t, s) })
				}
			})
		}
	}
}

// difference shows the first line that differs.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: the plain database says\n%s\nthe encrypted one\n%s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("the plain database says %d lines, the encrypted one %d", len(w), len(g))
}

func (p *pair) compare(t *testing.T, s stop) {
	for _, db := range []*gorm.DB{p.plain, p.sealed} {
		if err := fixtures(db); err != nil {
			t.Fatalf("fixtures: %v", err)
		}
	}
	p.sent.take()
	want, _ := s.run(p.plain)
	got, refused := s.run(p.sealed)
	sent := strings.Join(p.sent.take(), "\n")
	switch {
	case s.refused == 0 && refused != nil:
		t.Errorf("%v\n%s", refused, sent)
	case s.refused == 0 && got != want:
		t.Errorf("%s\n%s", difference(want, got), sent)
	case s.refused != 0 && refused == nil && got != want:
		t.Errorf("%s\n%s", difference(want, got), sent)
	case s.refused != 0 && refused == nil:
		t.Logf("is not refused any more: correct the table in docs/orms.md")
	case s.refused != 0 && refused.Reason != s.refused:
		t.Errorf("want refused (%v), got %v", s.refused, refused)
	}
}
