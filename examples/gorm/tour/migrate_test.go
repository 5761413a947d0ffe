package tour

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/sealsql/sealsql/rewrite"
)

var changes = regexp.MustCompile(`\b(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE)\b`)

// A second AutoMigrate changes no more than it does in a plain database, which
// is nothing but for types that GORM does not recognise again.
func TestSecondAutoMigrateChangesNothing(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			p := open(t, e, &gorm.Config{})
			for _, db := range []*gorm.DB{p.plain, p.sealed} {
				if err := errors.Join(db.AutoMigrate(models...), fixtures(db)); err != nil {
					t.Fatal(err)
				}
			}
			p.sent.take()
			p.asked.take()
			if err := errors.Join(p.plain.AutoMigrate(models...), p.sealed.AutoMigrate(models...)); err != nil {
				t.Error(err)
			}
			if want, got := changed(p.asked), changed(p.sent); !slices.Equal(got, want) {
				t.Errorf("%s\nthe plain database got\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			var n int64
			if err := p.sealed.Model(&User{}).Where("name = ?", "ada").Count(&n).Error; err != nil || n != 1 {
				t.Error(n, err)
			}
		})
	}
}

// changed are the statements of a trace that change something.
func changed(l *trace) []string {
	var out []string
	for _, line := range l.take() {
		if at := changes.FindStringIndex(line); at != nil {
			head, _, _ := strings.Cut(line[at[0]:], "(") // the rest of CREATE TABLE is in no order
			out = append(out, head)
		}
	}
	return out
}

// What GORM wrote is in the database as records.
func TestDatabaseHoldsRecords(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			p := open(t, e, &gorm.Config{})
			if err := errors.Join(p.sealed.AutoMigrate(models...), fixtures(p.sealed)); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open(e.plain, p.stored)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for table, columns := range encrypted {
				for column := range columns {
					rows, err := db.Query(fmt.Sprintf("SELECT %s FROM %s WHERE %[1]s IS NOT NULL", column, table))
					if err != nil {
						t.Fatal(err)
					}
					for rows.Next() {
						var value []byte
						if err := rows.Scan(&value); err != nil {
							t.Fatal(err)
						}
						if !strings.HasPrefix(string(value), "\xF9\x53\x51") {
							t.Errorf("%s.%s holds %q", table, column, value)
						}
					}
					rows.Close()
				}
			}
		})
	}
}

// Later versions of User, as a program of tomorrow declares it.
type grown struct {
	ID      uint
	Name    string
	Notes   string // encrypted by tomorrow's configuration, which both know
	Comment string
}

func (grown) TableName() string { return "hookeds" }

// migrations are what a migrator asks and changes, beside AutoMigrate.
var migrations = []stop{
	{name: "HasTable, HasColumn, HasIndex, HasConstraint, GetTables", do: func(db *gorm.DB, tell func(...any)) {
		m := db.Migrator()
		tell(m.HasTable(&User{}), m.HasTable("languages"), m.HasColumn(&User{}, "name"), m.HasColumn(&User{}, "Email"), m.HasColumn(&User{}, "email_bidx"))
		tell(m.HasIndex(&User{}, "Email"), m.HasIndex(&Account{}, "Number"), m.HasIndex(&Account{}, "idx_accounts_number"))
		tell(m.HasConstraint(&User{}, "Account"), m.HasConstraint(&User{}, "fk_user_speaks_language"), m.HasConstraint("user_speaks", "fk_user_speaks_language"))
		tables, err := m.GetTables()
		slices.Sort(tables)
		tell(err, tables)
	}},
	{name: "ColumnTypes are the logical ones", do: func(db *gorm.DB, tell func(...any)) {
		for _, model := range []any{&User{}, &Account{}, &Card{}, &Language{}} {
			types, err := db.Migrator().ColumnTypes(model)
			tell(err)
			for _, c := range types {
				length, hasLength := c.Length()
				precision, scale, hasSize := c.DecimalSize()
				nullable, hasNullable := c.Nullable()
				primary, hasPrimary := c.PrimaryKey()
				unique, hasUnique := c.Unique()
				full, hasFull := c.ColumnType()
				tell(fmt.Sprint(c.Name(), " ", c.DatabaseTypeName(), length, hasLength, precision, scale, hasSize, nullable, hasNullable, primary, hasPrimary, unique, hasUnique, full, hasFull, c.ScanType()))
			}
		}
	}},
	{name: "GetIndexes", do: func(db *gorm.DB, tell func(...any)) {
		indexes, err := db.Migrator().GetIndexes(&Account{})
		tell(err)
		var all []string
		for _, i := range indexes {
			unique, _ := i.Unique()
			columns := i.Columns()
			if db.Name() == "sqlite" {
				columns = nil // pragma_index_info names the index column
			}
			all = append(all, fmt.Sprint(i.Name(), columns, unique))
		}
		slices.Sort(all)
		tell(all)
	}},
	{name: "DropIndex, CreateIndex of an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		m := db.Migrator()
		tell(m.DropIndex(&Account{}, "Number"), m.HasIndex(&Account{}, "Number"), m.CreateIndex(&Account{}, "Number"), m.HasIndex(&Account{}, "Number"))
	}},
	{name: "AddColumn, DropColumn, RenameColumn of clear columns", do: func(db *gorm.DB, tell func(...any)) {
		m := db.Migrator()
		tell(m.AddColumn(&grown{}, "Comment"), m.HasColumn(&grown{}, "Comment"))
		tell(m.RenameColumn(&grown{}, "comment", "remark"), m.HasColumn(&grown{}, "remark"))
		tell(m.DropColumn(&grown{}, "remark"), m.HasColumn(&grown{}, "remark"))
		tell(db.First(&Hooked{}, "name = ?", "none"))
	}},
	{name: "AlterColumn to the type that it has", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Migrator().AlterColumn(&User{}, "Name"))
		var got User
		tell(db.First(&got, "name = ?", "ada"), got)
	}},
	{name: "AlterColumn to another type", refused: rewrite.ReasonDDL, do: func(db *gorm.DB, tell func(...any)) {
		type User struct {
			ID   uint
			Name []byte
		}
		tell(db.Migrator().AlterColumn(&User{}, "Name"))
	}},
	{name: "RenameColumn of an encrypted column", refused: rewrite.ReasonDDL, do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Transaction(func(tx *gorm.DB) error { return tx.Migrator().RenameColumn(&User{}, "home_city", "town") }))
	}},
	{name: "RenameTable of an annotated table", refused: rewrite.ReasonDDL, do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Migrator().RenameTable("hookeds", "unhooked"))
	}},
}

// TestMigrator compares what a migrator is told. Each station is followed by a
// look at the data: nothing is damaged.
func TestMigrator(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			p := open(t, e, &gorm.Config{})
			for _, db := range []*gorm.DB{p.plain, p.sealed} {
				if err := db.AutoMigrate(models...); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range migrations {
				t.Run(s.name, func(t *testing.T) {
					if s.refused == 0 {
						p.compare(t, s)
					} else if err := fixtures(p.sealed); err != nil {
						t.Fatal(err)
					} else if _, refused := s.run(p.sealed); refused == nil || refused.Reason != s.refused {
						t.Errorf("want refused (%v), got %v", s.refused, refused)
					}
					var u User
					if err := p.sealed.Preload("Languages").First(&u, "name = ?", "ada").Error; err != nil || u.Salary != 1200.5 || len(u.Languages) != 2 {
						t.Errorf("damaged: %v %v", u, err)
					}
				})
			}
		})
	}
}

// A column that is added later, as AutoMigrate does it when a field is new.
func TestAutoMigrateAddsAnEncryptedColumn(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			p := open(t, e, &gorm.Config{})
			type Small struct{ ID uint }
			if err := p.sealed.Table("hookeds").AutoMigrate(&Small{}); err != nil {
				t.Fatal(err)
			}
			if err := p.sealed.Exec("INSERT INTO hookeds (id) VALUES (1)").Error; !errors.As(err, new(*rewrite.UnsupportedError)) {
				t.Errorf("a table that lacks encrypted columns was written: %v", err)
			}
			if err := p.sealed.AutoMigrate(&Hooked{}); err != nil {
				t.Fatal(err)
			}
			if err := p.sealed.Create(&Hooked{Name: "later"}).Error; err != nil {
				t.Fatal(err)
			}
			var got Hooked
			if err := p.sealed.First(&got, "name = ?", "later").Error; err != nil {
				t.Fatal(err)
			}
		})
	}
}
