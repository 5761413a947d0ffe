package tour

import (
	"database/sql"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sealsql/sealsql/rewrite"
)

func nullString(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

var tour = slices.Concat(creating, reading, grouping, changing, associating, joining, raw)

var creating = []stop{
	{name: "create one", do: func(db *gorm.DB, tell func(...any)) {
		u := User{Name: "dan", Age: 5, Email: ptr("dan@example.org"), Birthday: ptr(day("2020-02-29"))}
		tell(db.Create(&u), u.ID > 0)
		var got User
		tell(db.First(&got, u.ID), got)
	}},
	{name: "create a batch in parts", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		for range 7 {
			us = append(us, User{Name: "batch", Age: 1})
		}
		tell(db.CreateInBatches(&us, 3))
		var n int64
		tell(db.Model(&User{}).Where("name = ?", "batch").Count(&n), n)
	}},
	{name: "create chosen fields, or all but some", do: func(db *gorm.DB, tell func(...any)) {
		a := User{Name: "sel", Age: 9, Role: "r"}
		tell(db.Select("Name", "Role").Create(&a))
		b := User{Name: "omit", Age: 9, Role: "r"}
		tell(db.Omit("Age", clause.Associations).Create(&b))
		var got []User
		tell(db.Order("id").Find(&got, "name IN ?", []string{"sel", "omit"}), got)
	}},
	{name: "create from maps", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Model(&User{}).Create(map[string]any{"Name": "m1", "Age": 18}))
		tell(db.Model(&User{}).Create([]map[string]any{{"Name": "m2", "Age": 19}, {"Name": "m3", "Age": 20}}))
		var got []User
		tell(db.Order("id").Find(&got, "name IN ?", []string{"m1", "m2", "m3"}), got)
	}},
	{name: "create with associations", do: func(db *gorm.DB, tell func(...any)) {
		u := User{Name: "eve", Company: &Company{Name: "Eve Ltd"}, Account: Account{Number: "E-1"}, Cards: []Card{{Number: "1", Expires: day("2030-01-01")}}, Languages: []Language{{"fr", "French"}, {"en", "English"}}, Toys: []Toy{{Name: "ball"}}}
		tell(db.Create(&u))
		var got User
		tell(db.Preload(clause.Associations).First(&got, "name = ?", "eve"), got)
	}},
	{name: "hooks", do: func(db *gorm.DB, tell func(...any)) {
		h := Hooked{Name: "hook"}
		tell(db.Create(&h), h.Trail)
		tell(db.Model(&h).Update("name", "other"))
		tell(db.Session(&gorm.Session{SkipHooks: true}).Create(&Hooked{Name: "skipped"}))
		var got []Hooked
		tell(db.Order("id").Find(&got), got)
	}},
	{name: "a value that is there already", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Create(&User{Name: "x", Email: ptr("ada@example.org")}))
		tell(db.Create(&Language{"de", "again"}))
	}},
	{name: "upsert that does nothing", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Clauses(clause.OnConflict{DoNothing: true}).Create(&Language{"de", "Deutsch"}))
		var got []Language
		tell(db.Find(&got, "code = ?", "de"), got)
	}},
	{name: "upsert of chosen columns", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).
			Create(&[]Language{{"de", "Deutsch"}, {"nl", "Nederlands"}}).Error)
		tell(db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.Assignments(map[string]any{"name": "given"})}).
			Create(&Language{"en", "ignored"}).Error)
		var got []Language
		tell(db.Find(&got, "code IN ?", []string{"de", "nl", "en"}).Error, sortLanguages(got))
	}},
	{name: "upsert of all columns", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "cyd"))
		u.Name, u.Age = "cyd2", 21
		tell(db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&u).Error)
		tell(db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&Language{"it", "Italiano"}).Error)
		var got User
		var l Language
		tell(db.First(&got, u.ID), got, db.First(&l, "code = ?", "it"), l)
	}},
	{name: "Save of what is there, and of what is not", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "email = ?", "cyd@example.org"))
		u.Name, u.Tags = "cydney", []string{"new"}
		tell(db.Save(&u).Error, db.Save(&User{Name: "saved"}).Error)
		tell(db.Save(&[]Language{{"de", "Deutsch"}, {"es", "Spanish"}}).Error)
		var got []User
		tell(db.Find(&got, "name IN ?", []string{"cydney", "saved"}), got)
		var ls []Language
		tell(db.Find(&ls, "code IN ?", []string{"de", "es"}), sortLanguages(ls))
	}},
	{name: "FirstOrCreate, FirstOrInit", do: func(db *gorm.DB, tell func(...any)) {
		var a, b, c, d User
		tell(db.Where(User{Name: "ada"}).FirstOrCreate(&a), a)
		tell(db.Where(User{Name: "new"}).Attrs(User{Age: 44}).FirstOrCreate(&b), b)
		tell(db.Where(User{Name: "new"}).Assign(User{Age: 55}).FirstOrCreate(&c), c)
		tell(db.Where(User{Name: "init"}).Attrs("age", 7).FirstOrInit(&d), d)
		var e User
		tell(db.FirstOrCreate(&e, map[string]any{"name": "mapped"}), e)
	}},
	{name: "defaults of encrypted columns", do: func(db *gorm.DB, tell func(...any)) {
		shut := false
		one, many := Job{}, []Job{{Title: "b", State: "run"}, {Title: "c", Tries: 7, Open: &shut}, {Title: "d", Note: "n"}}
		tell(db.Create(&one), one, db.Create(&many), many)
		tell(db.Model(&Job{}).Create(map[string]any{"title": "e"}).Error)
		tell(db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&Job{ID: one.ID, Title: "a"}).Error)
		tell(db.Save(&Job{Title: "f"}).Error, db.Where(Job{State: "new"}).FirstOrCreate(&Job{Title: "g"}).Error)
		var all []Job
		tell(db.Order("title").Find(&all), all)
		var n int64
		tell(db.Model(&Job{}).Where("state = ? AND tries = ?", "new", 3).Count(&n), n)
	}},
}

func sortLanguages(ls []Language) []Language {
	slices.SortFunc(ls, func(a, b Language) int { return cmp(a.Code, b.Code) })
	return ls
}

func cmp(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

var reading = []stop{
	{name: "First, Take, Last, Find", do: func(db *gorm.DB, tell func(...any)) {
		var first, last, take User
		var all []User
		tell(db.First(&first), first, db.Last(&last), last)
		tell(db.Where("name = ?", "ada").Take(&take), take, db.Order("id").Find(&all), all)
		tell(db.Where("name = ?", "nobody").First(&User{}), db.Limit(1).Find(&User{}, "name = ?", "nobody"))
	}},
	{name: "into a map, a list of maps, a smaller struct", do: func(db *gorm.DB, tell func(...any)) {
		one := map[string]any{}
		tell(db.Model(&User{}).Omit("id", "company_id", "created_at", "updated_at").First(&one, "name = ?", "ada"))
		delete(one, "id")
		tell(len(one), one["name"], one["age"], one["salary"], one["birthday"], one["member"])
		many := []map[string]any{}
		tell(db.Table("users").Select("name", "age", "birthday", "salary").Order("id").Find(&many), many)
		var small []struct {
			Name string
			Age  int
		}
		tell(db.Model(&User{}).Order("id").Find(&small), small)
	}},
	{name: "conditions: text, struct, map, key, list", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Find(&us, "name <> ? AND age = ?", "ada", 20), us)
		tell(db.Order("id").Where(&User{Name: "bob", Age: 30}).Find(&us), us)
		tell(db.Order("id").Where(&User{Name: "bob"}, "name", "Age").Find(&us), us)
		tell(db.Order("id").Where(map[string]any{"name": "bob", "age": []int{20, 30}}).Find(&us), us)
		tell(db.Order("id").Where("salary = ? OR birthday = ?", 1200.5, day("2000-05-01")).Find(&us), us)
		tell(db.Order("id").Where("member IS NULL").Where("email IS NOT NULL").Find(&us), us)
		tell(db.Order("id").Where("age IN ?", []int{36, 30}).Find(&us), us)
		tell(db.Where("name IN (?)", []string{}).Find(&us), us)
	}},
	{name: "Not, Or, groups of conditions", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Not("name = ?", "bob").Find(&us), us)
		tell(db.Order("id").Not(map[string]any{"name": []string{"bob", "cyd"}}).Find(&us), us)
		tell(db.Order("id").Where("name = ?", "cyd").Or(User{Name: "bob", Age: 30}).Find(&us), us)
		tell(db.Order("id").Where(db.Where("name = ?", "bob").Where(db.Where("age = ?", 20).Or("age = ?", 30))).Or(db.Where("role = ?", "admin")).Find(&us), us)
		tell(db.Order("id").Not(User{Name: "bob", Age: 20}).Find(&us), us)
	}},
	{name: "tuples", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Where("(role, active) IN ?", [][]any{{"admin", true}, {"guest", true}}).Find(&us), us)
	}},
	{name: "tuples of encrypted columns", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Where("(name, age) IN ?", [][]any{{"bob", 20}, {"cyd", 20}}).Find(&us), us)
	}},
	{name: "Select, Omit, Pluck, QueryFields", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		var names []string
		var times []sql.NullTime
		tell(db.Select("name", "age").Order("id").Find(&us), us)
		tell(db.Omit("name").Order("id").Find(&us), us)
		tell(db.Model(&User{}).Order("id").Pluck("name", &names), names)
		tell(db.Model(&User{}).Order("id").Pluck("birthday", &times), times)
		tell(db.Session(&gorm.Session{QueryFields: true}).Order("users.id").Find(&us), us)
		tell(db.Model(&User{}).Select("name as n").Where("name = ?", "ada").Pluck("n", &names), names)
	}},
	{name: "COALESCE over an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var ms []string
		tell(db.Model(&User{}).Order("id").Select("COALESCE(member, ?)", "none").Scan(&ms), ms)
	}},
	{name: "Limit, Offset, Order by clear columns", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("role desc, id").Limit(2).Offset(1).Find(&us), us)
		tell(db.Order("id").Limit(2).Find(&us), us, db.Limit(-1).Offset(-1).Order("id").Find(&us), len(us))
	}},
	{name: "Order by an encrypted column", refused: rewrite.ReasonOrder, do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("name").Find(&us), us)
	}},
	{name: "LIKE on an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Find(&us, "name LIKE ?", "b%"), us)
	}},
	{name: "greater than, BETWEEN on an encrypted column", refused: rewrite.ReasonPredicate, do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Find(&us, "age BETWEEN ? AND ?", 18, 25), us)
	}},
	{name: "arithmetic over an encrypted column", refused: rewrite.ReasonFunction, do: func(db *gorm.DB, tell func(...any)) {
		var ages []int
		tell(db.Model(&User{}).Order("id").Select("age + 1").Scan(&ages), ages)
	}},
	{name: "locks and hints", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Transaction(func(tx *gorm.DB) error {
			return tx.Clauses(clause.Locking{Strength: "UPDATE"}).Order("id").Find(&us, "name = ?", "bob").Error
		}), us)
	}},
	{name: "FindInBatches", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Where("name <> ?", "nobody").FindInBatches(&us, 3, func(tx *gorm.DB, n int) error {
			tell(n, us)
			for i := range us {
				us[i].Name += "!"
			}
			return tx.Save(&us).Error
		}))
		var names []string
		tell(db.Model(&User{}).Order("id").Pluck("name", &names), names)
	}},
	{name: "Scopes, Rows, ScanRows, Row", do: func(db *gorm.DB, tell func(...any)) {
		bobs := func(tx *gorm.DB) *gorm.DB { return tx.Where("name = ?", "bob") }
		rows, err := db.Model(&User{}).Scopes(bobs).Order("id").Rows()
		tell(err)
		for rows.Next() {
			var u User
			tell(db.ScanRows(rows, &u), u)
		}
		tell(rows.Close())
		var name string
		var age int
		tell(db.Model(&User{}).Where("name = ?", "ada").Select("name", "age").Row().Scan(&name, &age), name, age)
	}},
	{name: "subqueries", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Where("company_id IN (?)", db.Model(&Company{}).Select("id").Where("name = ?", "Acme")).Find(&us), us)
		tell(db.Order("id").Where("EXISTS (?)", db.Model(&Card{}).Select("1").Where("cards.user_id = users.id AND cards.number = ?", "4711")).Find(&us), us)
		tell(db.Table("(?) as u", db.Model(&User{}).Select("id", "name", "role", "deleted_at").Where("age = ?", 20)).Order("id").Where("role = ?", "staff").Select("name").Find(&us), us)
	}},
	{name: "IN over a subquery of an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Order("id").Where("name IN (?)", db.Model(&User{}).Select("name").Where("age = ?", 20)).Find(&us), us)
	}},
	{name: "comparison outside of a derived table", do: func(db *gorm.DB, tell func(...any)) {
		var us []User
		tell(db.Table("(?) as u", db.Model(&User{}).Select("id", "name", "deleted_at")).Order("id").Where("name = ?", "bob").Select("name").Find(&us), us)
	}},
	{name: "Count", do: func(db *gorm.DB, tell func(...any)) {
		var n, m int64
		tell(db.Model(&User{}).Where("name = ?", "bob").Count(&n), n)
		tell(db.Model(&User{}).Select("name").Count(&m), m, db.Table("users").Where("age = 20").Count(&n), n)
	}},
	{name: "CASE that compares an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var got []string
		tell(db.Model(&User{}).Order("id").Select("(CASE WHEN name = ? THEN ? ELSE ? END) as kind", "bob", "main", "other").Scan(&got), got)
	}},
	{name: "serialised fields", do: func(db *gorm.DB, tell func(...any)) {
		u := User{Name: "ser", Tags: []string{"a", "b"}, Settings: map[string]string{"k": "v"}}
		tell(db.Create(&u))
		tell(db.Model(&u).Update("tags", []string{"c"}))
		var got User
		tell(db.First(&got, u.ID), got.Tags, got.Settings)
	}},
	{name: "embedded struct", do: func(db *gorm.DB, tell func(...any)) {
		var got User
		tell(db.First(&got, "home_city = ?", "London"), got.Home)
		tell(db.Where(&User{Home: Address{City: "Paris"}}).First(&got), got.Home)
	}},
}

var grouping = []stop{
	{name: "Group by a clear column, Having", do: func(db *gorm.DB, tell func(...any)) {
		var got []struct {
			Role  string
			Total int
		}
		tell(db.Model(&User{}).Select("role, count(name) as total").Group("role").Having("count(*) > ?", 0).Order("role").Find(&got), got)
	}},
	{name: "Group by an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var got []struct {
			Name  string
			Total int
		}
		tell(db.Model(&User{}).Select("name, count(*) as total").Group("name").Having("name <> ?", "cyd").Find(&got))
		slices.SortFunc(got, func(a, b struct {
			Name  string
			Total int
		},
		) int {
			return cmp(a.Name, b.Name)
		})
		tell(got)
	}},
	{name: "Distinct of an encrypted column", do: func(db *gorm.DB, tell func(...any)) {
		var names []string
		tell(db.Model(&User{}).Distinct().Pluck("name", &names))
		slices.Sort(names)
		tell(names)
	}},
	{name: "count of distinct encrypted values", do: func(db *gorm.DB, tell func(...any)) {
		var n int64
		tell(db.Model(&User{}).Distinct("name").Count(&n), n)
	}},
	{name: "SUM, AVG, MAX of an encrypted column", refused: rewrite.ReasonFunction, do: func(db *gorm.DB, tell func(...any)) {
		var n float64
		tell(db.Model(&User{}).Select("SUM(salary)").Scan(&n), n)
	}},
}

var changing = []stop{
	{name: "Update, Updates with struct and map", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"))
		tell(db.Model(&u).Update("name", "lovelace"), db.Model(&u).Updates(User{Age: 37, Role: "boss"}))
		tell(db.Model(&u).Updates(map[string]any{"salary": 10.5, "birthday": nil, "active": false}))
		tell(db.Model(&User{}).Where("name = ? AND age = ?", "bob", 20).Updates(map[string]any{"name": "bobby", "member": "M-8"}))
		tell(db.Model(&u).Select("Name", "Age").Updates(User{Name: "sel", Age: 0}))
		tell(db.Model(&u).Omit("name").Updates(map[string]any{"name": "no", "role": "yes"}))
		var us []User
		tell(db.Order("id").Find(&us), us)
	}},
	{name: "UpdateColumn, UpdateColumns", do: func(db *gorm.DB, tell func(...any)) {
		var u User
		tell(db.First(&u, "name = ?", "ada"), db.Model(&u).UpdateColumn("name", "col"), db.Model(&u).UpdateColumns(User{Age: 1, Salary: 2}))
		var got User
		tell(db.First(&got, u.ID), got)
	}},
	{name: "update of many, and without condition", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Model(&User{}).Where("age = ?", 20).Update("name", "twenty"))
		tell(db.Model(&User{}).Update("name", "all"))
		tell(db.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&User{}).Update("age", 1))
		var us []User
		tell(db.Order("id").Find(&us), us)
	}},
	{name: "update by an expression over clear columns", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Model(&User{}).Where("name = ?", "bob").Update("active", gorm.Expr("NOT active")))
		var n int64
		tell(db.Model(&User{}).Where("active = ?", true).Count(&n), n)
	}},
	{name: "update by an expression over an encrypted column", refused: rewrite.ReasonFunction, do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Model(&User{}).Where("name = ?", "bob").Update("age", gorm.Expr("age + ?", 1)))
	}},
	{name: "update from a subquery of another encrypted column", refused: rewrite.ReasonDomain, do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Model(&User{}).Where("name = ?", "bob").Update("home_street", db.Model(&Company{}).Select("name").Where("companies.id = users.company_id")))
	}},
	{name: "changed rows come back", do: func(db *gorm.DB, tell func(...any)) {
		if db.Name() == "mysql" {
			return // UPDATE has no RETURNING there
		}
		var us []User
		tell(db.Model(&us).Clauses(clause.Returning{}).Where("age = ?", 20).Update("name", "back"))
		slices.SortFunc(us, func(a, b User) int { return int(a.ID) - int(b.ID) })
		tell(us)
		var ns []User
		tell(db.Clauses(clause.Returning{Columns: []clause.Column{{Name: "name"}}}).Where("age = ?", 30).Delete(&ns), ns)
	}},
	{name: "delete by value, by key, softly and for good", do: func(db *gorm.DB, tell func(...any)) {
		var n int64
		tell(db.Where("number = ?", "4711").Delete(&Card{}), db.Model(&Card{}).Count(&n), n, db.Unscoped().Model(&Card{}).Count(&n), n)
		tell(db.Unscoped().Where("number = ?", "4711").Delete(&Card{}), db.Unscoped().Model(&Card{}).Count(&n), n)
		var c Card
		tell(db.First(&c, "number = ?", "4712"), db.Delete(&c), db.First(&Card{}, c.ID), db.Unscoped().First(&c, c.ID), c)
		tell(db.Delete(&Card{}), db.Delete(&Company{}, "name = ?", "none"))
	}},
	{name: "transactions, savepoints, rollback", do: func(db *gorm.DB, tell func(...any)) {
		tell(db.Transaction(func(tx *gorm.DB) error {
			tell(tx.Create(&Company{Name: "tx"}))
			tell(tx.Transaction(func(tx *gorm.DB) error {
				tell(tx.Create(&Company{Name: "inner"}))
				return errRollback
			}))
			tell(tx.SavePoint("sp"), tx.Create(&Company{Name: "point"}), tx.RollbackTo("sp"))
			return nil
		}))
		tell(db.Transaction(func(tx *gorm.DB) error {
			tell(tx.Create(&Company{Name: "lost"}))
			return errRollback
		}))
		tx := db.Begin()
		tell(tx.Create(&Company{Name: "begun"}), tx.Commit())
		var cs []Company
		tell(db.Order("id").Find(&cs), cs)
	}},
}
