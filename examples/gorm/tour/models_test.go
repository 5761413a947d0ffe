package tour

import (
	"database/sql"
	"time"

	"gorm.io/gorm"
)

// Ids and clocks differ between the two databases, so they are not printed.
type Base struct {
	ID        uint           `gorm:"primaryKey" json:"-"`
	CreatedAt time.Time      `json:"-"`
	UpdatedAt time.Time      `json:"-"`
	DeletedAt gorm.DeletedAt `gorm:"index" json:"-"`
}

// Address is embedded.
type Address struct {
	Street string
	City   string `gorm:"size:60"`
}

// User has an association of every kind.
type User struct {
	Base
	Name      string
	Email     *string `gorm:"size:100;uniqueIndex"`
	Age       uint8
	Salary    float64    `gorm:"type:numeric(10,2)"`
	Birthday  *time.Time `gorm:"precision:3"`
	Active    bool
	Role      string
	Member    sql.NullString    `gorm:"size:20"`
	Home      Address           `gorm:"embedded;embeddedPrefix:home_"`
	Tags      []string          `gorm:"serializer:json"`
	Settings  map[string]string `gorm:"serializer:json"`
	CompanyID *uint             `json:"-"`
	Company   *Company
	ManagerID *uint `json:"-"`
	Manager   *User
	Team      []User `gorm:"foreignKey:ManagerID"`
	Account   Account
	Cards     []Card
	Toys      []Toy      `gorm:"polymorphic:Owner"`
	Languages []Language `gorm:"many2many:user_speaks"`
	Friends   []*User    `gorm:"many2many:user_friends"`
}

// AfterFind sorts what was loaded without an order: over an encrypted primary
// key rows come in the order of its hash.
func (u *User) AfterFind(*gorm.DB) error {
	sortLanguages(u.Languages)
	return nil
}

// Company is what users belong to.
type Company struct {
	ID   uint `json:"-"`
	Name string
	City string
}

// Account is what a user has one of.
type Account struct {
	Base
	UserID  *uint   `json:"-"`
	Number  string  `gorm:"size:40;index"`
	Balance float64 `gorm:"type:numeric(12,2)"`
}

// Card is what a user has many of.
type Card struct {
	Base
	UserID  uint `json:"-"`
	Number  string
	Expires time.Time `gorm:"type:date"`
}

// Toy may belong to anything.
type Toy struct {
	Base
	Name      string
	OwnerID   uint   `json:"-"`
	OwnerType string `gorm:"size:40" json:"-"`
}

// Language has an encrypted primary key, to which user_speaks points.
type Language struct {
	Code string `gorm:"primaryKey;size:12"`
	Name string
}

// Hooked counts its hooks in what it stores.
type Hooked struct {
	Base
	Name  string
	Trail string
}

func (h *Hooked) BeforeSave(*gorm.DB) error   { h.Trail += "bs "; return nil }
func (h *Hooked) BeforeCreate(*gorm.DB) error { h.Trail += "bc "; return nil }
func (h *Hooked) AfterCreate(*gorm.DB) error  { h.Trail += "ac "; return nil }
func (h *Hooked) BeforeUpdate(tx *gorm.DB) error {
	if tx.Statement.Changed("Name") {
		tx.Statement.SetColumn("Trail", "changed")
	}
	return nil
}
func (h *Hooked) AfterFind(*gorm.DB) error { h.Trail += "af "; return nil }

// Job has defaults, which the plain database fills in and the driver the encrypted one's.
type Job struct {
	ID    uint   `json:"-"`
	Title string `gorm:"size:40;default:untitled"`
	State string `gorm:"size:20;not null;default:new"`
	Note  string `gorm:"size:40;default:none"`
	Tries int    `gorm:"default:3"`
	Open  *bool  `gorm:"default:true"`
}

var models = []any{&Company{}, &User{}, &Account{}, &Card{}, &Toy{}, &Language{}, &Hooked{}, &Job{}}

// encrypted names the encrypted columns; those without search are not compared.
var encrypted = map[string]map[string]string{
	"users": {
		"name": "equality", "email": "unique", "age": "equality", "salary": "equality", "birthday": "equality",
		"member": "equality", "home_street": "", "home_city": "equality", "tags": "", "settings": "",
	},
	"companies":   {"name": "equality", "city": "equality"},
	"accounts":    {"number": "equality", "balance": "equality"},
	"cards":       {"number": "equality", "expires": "equality", "deleted_at": "equality"},
	"toys":        {"name": "equality", "owner_type": "equality", "deleted_at": "equality"},
	"languages":   {"code": "unique", "name": "equality"},
	"user_speaks": {"language_code": "unique"},
	"hookeds":     {"name": "equality", "trail": ""},
	"jobs":        {"state": "equality", "note": "", "tries": "equality", "open": ""},
}
