package rewrite

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

// TestDefinitionsAreCutOutOfGuards as each engine prints them.
func TestDefinitionsAreCutOutOfGuards(t *testing.T) {
	const def = "sealsql:1;kind=equality;values=text;normalize=nfc,lower;bits=128;group=~d9204348533916c8;version=1;scope=partition;partition=column/text"
	words := []string{"a", "is", "null", "=", "a_bidx", "is", "null"}
	for name, c := range map[string]struct{ check, def string }{
		"none":                     {"(a is null) = (a_bidx is null)", ""},
		"as it is written":         {`("a" is null) = ("a_bidx" is null) and '` + def + `' <> ''`, def},
		"postgres":                 {"check ((((a is null) = (a_bidx is null)) and ('" + def + "'::text <> ''::text)))", def},
		"postgres, not valid":      {"check ((((a is null) = (a_bidx is null)) and ('" + def + "'::text <> ''::text))) not valid", def},
		"mysql":                    {"(((`a` is null) = (`a_bidx` is null)) and (_utf8mb4\\'" + def + "\\' <> _utf8mb4\\'\\'))", def},
		"mysql, latin1":            {"(((`a` is null) = (`a_bidx` is null)) and (_latin1\\'" + def + "\\' <> _latin1\\'\\'))", def},
		"mariadb":                  {"(`a` is null) = (`a_bidx` is null) and '" + def + "' <> ''", def},
		"sqlite, in other letters": {`("A" IS NULL) = ("A_BIDX" IS NULL) AND '` + def + `' <> ''`, def},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := cutDefinition(c.check); got != c.def {
				t.Errorf("%q", got)
			}
			if got := guardWordsOf(c.check); !slices.Equal(got, words) {
				t.Errorf("%q", got)
			}
		})
	}
	for name, check := range map[string]string{
		"another condition behind it":  `("a" is null) = ("a_bidx" is null) and '` + def + `' <> '' and b > 0`,
		"joined by OR":                 `("a" is null) = ("a_bidx" is null) or '` + def + `' <> ''`,
		"compared with a column":       `("a" is null) = ("a_bidx" is null) and '` + def + `' <> b`,
		"equal to nothing":             `("a" is null) = ("a_bidx" is null) and '` + def + `' = ''`,
		"nothing but the definition":   "'" + def + "'",
		"a condition that never holds": `("a" is null) = ("a_bidx" is null) and '' <> '` + def + `'`,
		"a quotation mark in it":       `("a" is null) = ("a_bidx" is null) and '` + def + `'' or 1' <> ''`,
		"one without end":              `("a" is null) = ("a_bidx" is null) and '` + def + strings.Repeat("a", maxDefinition),
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := cutDefinition(check); got != "" {
				t.Errorf("%q is taken for a definition", got)
			}
		})
	}
}

func FuzzDefinition(f *testing.F) {
	f.Add(`("a" is null) = ("b" is null) and 'sealsql:1;kind=equality' <> ''`)
	f.Add("check ((x and (_utf8mb4\\'sealsql:1;a\\' <> _utf8mb4\\'\\'))) not valid")
	f.Fuzz(func(t *testing.T, check string) {
		guard, def := cutDefinition(check)
		if def == "" && guard != check {
			t.Error("a check without definition was cut")
		}
		if len(def) > maxDefinition || strings.ContainsAny(def, "'\"\\ ") {
			t.Errorf("%q", def)
		}
		differing(def, definitionMark+"kind=equality")
	})
}

// TestDefinitionsDifferWhereTheBytesDo: the settings that decide what an index
// holds, and those that do not.
func TestDefinitionsDifferWhereTheBytesDo(t *testing.T) {
	define := func(t *testing.T, d Dialect, column func(*schema.Column)) string {
		t.Helper()
		typ, err := schema.ParseType("varchar(20)")
		if err != nil {
			t.Fatal(err)
		}
		c := &schema.Column{Name: "c", Type: typ, Equality: &schema.Equality{Collation: schema.CollationBytes}}
		column(c)
		tab := &schema.Table{Name: "t", Columns: []*schema.Column{c}}
		tab.Partition = schema.Partition{Kind: schema.PartitionConst, Const: "p"}
		if _, err := schema.New([]*schema.Table{tab}, schema.Options{}); err != nil {
			t.Fatal(err)
		}
		return IndexDefinition(d, c.Indexes()[0])
	}
	typed := func(name string, r *schema.Range) func(*schema.Column) {
		return func(c *schema.Column) {
			c.Type, _ = schema.ParseType(name)
			c.Equality, c.Accepted = nil, schema.LeakOrder
			if c.Range = r; r == nil {
				c.Equality = &schema.Equality{}
			}
		}
	}
	same := func(*schema.Column) {}
	for name, c := range map[string]struct {
		d     Dialect
		a, b  func(*schema.Column)
		equal bool
	}{
		"a unique key":                     {Postgres, same, func(c *schema.Column) { c.Equality.Unique = schema.UniqueExact }, true},
		"the length of a text":             {Postgres, same, ofType("varchar(40)"), true},
		"a text that is filled up":         {Postgres, same, ofType("char(20)"), false},
		"a text that SQLite does not fill": {SQLite, same, ofType("char(20)"), true},
		"bytes that are filled up":         {MySQL, typed("binary(10)", nil), typed("binary(12)", nil), false},
		"integers compared by =":           {Postgres, typed("integer", nil), typed("bigint", nil), true},
		"integers compared by order":       {Postgres, typed("integer", &schema.Range{}), typed("bigint", &schema.Range{}), false},
		"signs":                            {MySQL, typed("int", &schema.Range{}), typed("int unsigned", &schema.Range{}), false},
		"integers of SQLite":               {SQLite, typed("integer", &schema.Range{}), typed("bigint", &schema.Range{}), true},
		"scales":                           {Postgres, typed("numeric(10,2)", &schema.Range{}), typed("numeric(10,4)", &schema.Range{}), false},
		"scales of SQLite":                 {SQLite, typed("numeric(10,2)", &schema.Range{}), typed("numeric(10,4)", &schema.Range{}), true},
		"dates of SQLite":                  {SQLite, typed("date", &schema.Range{Prefix: 10}), typed("date", &schema.Range{Prefix: 9}), false},
		"forms":                            {Postgres, typed("integer", &schema.Range{}), typed("integer", &schema.Range{Form: schema.FormNodes}), false},
		"a region of phone numbers": {
			Postgres,
			func(c *schema.Column) {
				c.Equality.Normalize, c.Equality.Region = []schema.Normalizer{schema.Phone}, "DE"
			},
			func(c *schema.Column) {
				c.Equality.Normalize, c.Equality.Region = []schema.Normalizer{schema.Phone}, "FR"
			},
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := define(t, c.d, c.a), define(t, c.d, c.b)
			if (a == b) != c.equal {
				t.Errorf("%s\n%s", a, b)
			}
			if i := strings.IndexFunc(a, func(r rune) bool { return r >= 0x80 || !definitionByte(byte(r)) }); i >= 0 {
				t.Errorf("%q holds %q", a, a[i])
			}
		})
	}
}

func ofType(name string) func(*schema.Column) {
	return func(c *schema.Column) { c.Type, _ = schema.ParseType(name) }
}
