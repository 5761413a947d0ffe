package tour

import (
	"database/sql"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sealsql/sealsql/rewrite"
)

var associating = []stop{
	{name: "Preload of every kind, nested, with conditions", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.Preload("Account").Preload("Cards").Preload("Company").Preload("Team").Preload("Toys").Preload("Languages").Preload("Friends").First(&u, "name = ?", "ada"), u)
		var bobs []User
		tell(db.Preload("Manager.Account").Preload("Manager.Languages").Order("id").Find(&bobs, "name = ?", "bob"), bobs)
		tell(db.Preload("Cards", "number = ?", "4712").Find(&u, "name = ?", "ada"), u.Cards)
		var v User
		tell(db.Preload("Cards", func(tx *gorm.DB) *gorm.DB { return tx.Order("cards.id DESC") }).First(&v, "name = ?", "ada"), v.Cards)
		var ps []*User
		tell(db.Preload("Friends.Languages").Preload(clause.Associations).Order("id").Find(&ps), ps)
	}},
	{name: "Association Find, Append, Count of each kind", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"))
		for _, name := range []string{"Account", "Cards", "Company", "Team", "Toys", "Languages", "Friends"} {
			tell(name, db.Model(&u).Association(name).Count())
		}
		tell(db.Model(&u).Association("Languages").Append(&Language{"pt", "Portuguese"}, &Language{"it", "Italian"}))
		tell(db.Model(&u).Association("Cards").Append(&Card{Number: "n", Expires: day("2040-01-01")}))
		tell(db.Model(&u).Association("Toys").Append(&Toy{Name: "kite"}))
		tell(db.Model(&u).Association("Account").Append(&Account{Number: "A-2"}))
		tell(db.Model(&u).Association("Company").Append(&Company{Name: "Other"}))
		var ls []Language
		tell(db.Model(&u).Association("Languages").Find(&ls), sortLanguages(ls))
		var cs []Card
		tell(db.Model(&u).Where("number = ?", "n").Association("Cards").Find(&cs), cs)
		tell(db.Model(&u).Where("code = ?", "pt").Association("Languages").Count())
	}},
	{name: "Association Replace, Delete, Clear of many to many", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"))
		find := func() {
			var ls []Language
			tell(db.Model(&u).Association("Languages").Find(&ls), sortLanguages(ls))
		}
		tell(db.Model(&u).Association("Languages").Replace([]Language{{"it", "Italian"}, {"ru", "Russian"}}))
		find()
		tell(db.Model(&u).Association("Languages").Delete(&Language{Code: "it"}))
		find()
		tell(db.Model(&u).Association("Languages").Clear())
		find()
		tell(db.Model(&u).Association("Friends").Clear(), db.Model(&u).Association("Friends").Count())
	}},
	{name: "Association Replace, Delete, Clear of has many and belongs to", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"))
		tell(db.Model(&u).Association("Toys").Replace(&Toy{Name: "one"}), db.Model(&u).Association("Toys").Count())
		tell(db.Model(&u).Association("Toys").Clear(), db.Model(&u).Association("Toys").Count())
		tell(db.Model(&u).Association("Company").Replace(&Company{Name: "Repl"}), db.Model(&u).Association("Company").Count())
		tell(db.Model(&u).Association("Company").Clear(), db.Model(&u).Association("Company").Count())
		tell(db.Model(&u).Association("Team").Clear(), db.Model(&u).Association("Team").Count())
		var cards []Card
		tell(db.Model(&u).Association("Cards").Find(&cards), len(cards))
		tell(db.Model(&u).Association("Cards").Unscoped().Delete(&cards[0]), db.Model(&u).Association("Cards").Count())
	}},
	{name: "associations of several at once", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Find(&us, "name = ?", "bob"))
		tell(db.Model(&us).Association("Languages").Append(&Language{"de", "German"}, &[]Language{{"en", "English"}, {"it", "Italian"}}))
		tell(db.Model(&us).Association("Languages").Count())
	}},
	{name: "delete with Select of associations", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"), db.Select("Account", "Cards", "Languages", "Toys", "Friends").Delete(&u))
		var n int64
		tell(db.Model(&Card{}).Count(&n), n, db.Table("user_speaks").Count(&n), n, db.Model(&Account{}).Where("number = ?", "A-1").Count(&n), n)
	}},
	{name: "FullSaveAssociations", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.Preload("Account").Preload("Languages").Preload("Company").First(&u, "name = ?", "ada"))
		u.Account.Number, u.Languages[0].Name, u.Company.Name = "A-9", "Deutsch", "Acme 2"
		tell(db.Session(&gorm.Session{FullSaveAssociations: true}).Updates(&u).Error)
		var got User
		tell(db.Preload("Account").Preload("Languages").Preload("Company").First(&got, "name = ?", "ada"), got)
	}},
}

var joining = []stop{
	{name: "Joins of associations", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Joins("Company").Joins("Manager").Joins("Account").Order("users.id").Find(&us, "users.name IN ?", []string{"ada", "bob"}), us)
		tell(db.InnerJoins("Company", db.Where(&Company{Name: "Acme"})).Order("users.id").Find(&us), us)
		tell(db.Joins("Account").Where(`"Account"."number" = ?`, "A-1").Order("users.id").Find(&us).Error == nil || db.Name() == "mysql")
	}},
	{name: "Joins as text, with conditions", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Joins("inner join cards on cards.user_id = users.id AND cards.number = ?", "4711").Where("users.name = ?", "ada").Find(&us), us)
		tell(db.Joins("inner join cards on cards.user_id = users.id AND cards.number = @number", sql.Named("number", "4712")).Find(&us), us)
		var got []struct {
			Name, Number string
		}
		tell(db.Table("users").Select("users.name, cards.number").Joins("left join cards on cards.user_id = users.id").Order("users.id, cards.id").Scan(&got), got)
	}},
	{name: "Joins over encrypted columns of one group", do: func(db *gorm.DB, tell func(...any)) {
		var got []struct {
			Name string
			Code string
		}
		tell(db.Table("user_speaks").Select("languages.name, user_speaks.language_code as code").Joins("join languages on languages.code = user_speaks.language_code").Where("languages.code = ?", "en").Scan(&got), got)
	}},
	{name: "Joins over encrypted columns of two groups", refused: rewrite.ReasonPredicate, do: func(db *gorm.DB, tell func(...any)) {
		var n int64
		tell(db.Table("users").Joins("left join companies on companies.name = users.name").Count(&n), n)
	}},
	{name: "Joins with a derived table", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Joins("join (?) q on q.user_id = users.id", db.Model(&Card{}).Select("user_id, count(*) as n").Group("user_id")).Where("q.n = ?", 2).Find(&us), us)
	}},
}

var raw = []stop{
	{name: "Raw, Exec, named arguments", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Raw("SELECT * FROM users WHERE name = ? ORDER BY id", "bob").Scan(&us), us)
		tell(db.Raw("SELECT name, age FROM users WHERE name = @name AND age = @age", sql.Named("name", "bob"), sql.Named("age", 30)).Scan(&us), us)
		tell(db.Raw("SELECT name FROM users WHERE name = @Name OR email = @Email ORDER BY id", map[string]any{"Name": "ada", "Email": "cyd@example.org"}).Scan(&us), us)
		tell(db.Exec("UPDATE users SET name = ?, age = ? WHERE email = ?", "raw", 99, "cyd@example.org"))
		tell(db.Exec("DELETE FROM cards WHERE number IN ?", []string{"4711", "4712"}))
		var name string
		tell(db.Raw("SELECT name FROM users WHERE age = ?", 99).Row().Scan(&name), name)
		var m []map[string]any
		tell(db.Raw("SELECT name, age, salary, birthday FROM users ORDER BY id").Scan(&m), m)
	}},
	{name: "one named value for an encrypted and a clear column", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Exec("UPDATE users SET name = @v, role = @v WHERE email = @e", sql.Named("v", "both"), sql.Named("e", "ada@example.org")))
		var got User
		tell(db.First(&got, "name = ? AND role = ?", "both", "both"), got)
	}},
	{name: "generic interface", do: func(db *gorm.DB, tell func(...any)) {
		u, err := gorm.G[User](db).Where("name = ?", "ada").First(db.Statement.Context)
		tell(err, u)
		n, err := gorm.G[User](db).Where("name = ?", "bob").Update(db.Statement.Context, "role", "worker")
		tell(err, n)
		us, err := gorm.G[User](db).Where("name = ?", "bob").Order("id").Find(db.Statement.Context)
		tell(err, us)
		tell(gorm.G[Language](db).Create(db.Statement.Context, &Language{"sv", "Swedish"}))
		c, err := gorm.G[Language](db).Where("code = ?", "sv").Count(db.Statement.Context, "code")
		tell(err, c)
	}},
	{name: "nothing leaks into clear columns", do: func(db *gorm.DB, tell func(...any)) {
		var roles []string
		tell(db.Model(&User{}).Order("id").Pluck("role", &roles), roles)
		slices.Sort(roles)
	}},
}
