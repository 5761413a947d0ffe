package schema_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func typ(t testing.TB, spelling string) schema.Type {
	t.Helper()
	p, err := schema.ParseType(spelling)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func table(schemaName, name string, columns ...string) *schema.Table {
	out := &schema.Table{Schema: schemaName, Name: name}
	for _, c := range columns {
		out.Columns = append(out.Columns, &schema.Column{Name: c})
	}
	return out
}

func mustNew(t testing.TB, o schema.Options, tables ...*schema.Table) *schema.Catalog {
	t.Helper()
	c, err := schema.New(tables, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsAreFilledIn(t *testing.T) {
	users := table("App", "Users", "SSN")
	c := mustNew(t, schema.Options{}, users)
	col := c.Tables()[0].Columns[0]
	if col.ID != "users.ssn" || col.Type.Name != "text" || col.Type.Kind != schema.KindText || col.Table != users {
		t.Errorf("column is %+v", col)
	}
	if p := users.Partition; p.Kind != schema.PartitionConst || p.Const != schema.DefaultPartition {
		t.Errorf("partition is %+v", p)
	}
	if users.String() != "App.Users" || col.String() != "Users.SSN" {
		t.Errorf("names are %s, %s", users, col)
	}
	if users.Column("ssn") != col || users.Column("sn") != nil {
		t.Error("columns are not found by name without case")
	}
}

func TestATableWithASchemaWinsThereAndOneWithoutMatchesEverywhere(t *testing.T) {
	everywhere, inT1, onlyLog := table("", "Users", "a"), table("t1", "users", "a"), table("log", "entries", "a")
	inT1.Columns[0].ID = "t1.users.a"
	c := mustNew(t, schema.Options{}, everywhere, inT1, onlyLog)
	for _, x := range []struct {
		schema, name string
		want         *schema.Table
	}{
		{"public", "users", everywhere},
		{"PUBLIC", "USERS", everywhere},
		{"", "users", everywhere},
		{"t1", "users", inT1},
		{"T1", "Users", inT1},
		{"log", "entries", onlyLog},
		{"LOG", "Entries", onlyLog},
		{"other", "entries", nil},
		{"", "entries", nil},
		{"public", "user", nil},
		{"public", "", nil},
		{"public", "uſers", nil}, // U+017F folds to s only beyond ASCII
	} {
		if got := c.Lookup(x.schema, x.name); got != x.want {
			t.Errorf("Lookup(%q, %q) is %v, want %v", x.schema, x.name, got, x.want)
		}
	}
	for word, want := range map[string]bool{"users": true, "ENTRIES": true, "Users": true, "log": false, "a": false, "": false} {
		if c.Mentions(word) != want {
			t.Errorf("Mentions(%q) is %v", word, !want)
		}
	}
}

func TestClearTablesAreKnownBySchemaAndName(t *testing.T) {
	c := mustNew(t, schema.Options{ClearTables: []string{"Audit", "log.entries"}}, table("", "users", "a"))
	for _, x := range []struct {
		schema, name string
		want         bool
	}{
		{"", "audit", true},
		{"any", "AUDIT", true},
		{"log", "entries", true},
		{"LOG", "Entries", true},
		{"", "entries", false},
		{"other", "entries", false},
		{"", "users", false},
	} {
		if got := c.IsClearIn(x.schema, x.name); got != x.want {
			t.Errorf("IsClearIn(%q, %q) is %v", x.schema, x.name, got)
		}
	}
	if !c.IsClear("audit") || c.IsClear("entries") {
		t.Error("IsClear must know only entries without a schema")
	}
}

func TestANilCatalogAnnotatesNothing(t *testing.T) {
	var c *schema.Catalog
	if c.Lookup("", "users") != nil || c.IsClear("users") || c.Mentions("users") || c.Tables() != nil {
		t.Error("a nil catalog knows something")
	}
}

func TestFaultyAnnotationsAreRefused(t *testing.T) {
	sharing := func(typeName string) []*schema.Table {
		a, b := table("", "users", "ssn"), table("", "archive", "ssn")
		b.Columns[0].ID = "users.ssn"
		b.Columns[0].Type = typ(t, typeName)
		return []*schema.Table{a, b}
	}
	partition := func(p schema.Partition) []*schema.Table {
		u := table("", "users", "ssn")
		u.Partition = p
		return []*schema.Table{u}
	}
	withID := func(id string) []*schema.Table {
		u := table("", "users", "ssn")
		u.Columns[0].ID = id
		return []*schema.Table{u}
	}
	column := schema.PartitionColumn
	for name, c := range map[string]struct {
		tables []*schema.Table
		clear  []string
		want   string // part of the message
	}{
		"the same table twice, apart from case":                 {[]*schema.Table{table("", "users", "a"), table("", "USERS", "b")}, nil, "annotated twice"},
		"the same column twice, apart from case":                {[]*schema.Table{table("", "users", "a", "A")}, nil, "annotated twice"},
		"a table without columns":                               {[]*schema.Table{table("", "users")}, nil, "no encrypted column"},
		"a table without a name":                                {[]*schema.Table{table("", "", "a")}, nil, "is empty"},
		"a nil table":                                           {[]*schema.Table{nil}, nil, "nil"},
		"a nil column":                                          {[]*schema.Table{{Name: "t", Columns: []*schema.Column{nil}}}, nil, "nil"},
		"a control character in a name":                         {[]*schema.Table{table("", "us\ners", "a")}, nil, "control"},
		"a name that is too long":                               {[]*schema.Table{table("", strings.Repeat("a", 256), "a")}, nil, "longer than 255"},
		"invalid UTF-8 in a schema":                             {[]*schema.Table{table("\xff", "users", "a")}, nil, "UTF-8"},
		"two schemas with one default id":                       {[]*schema.Table{table("a", "users", "ssn"), table("b", "users", "ssn")}, nil, "the same as that of a.users.ssn"},
		"names that run together into one id":                   {[]*schema.Table{table("", "a.b", "c"), table("", "a", "b.c")}, nil, "the same as that of"},
		"a shared id with two types":                            {sharing("date"), nil, "but not its type"},
		"an id with blanks around it":                           {withID(" x"), nil, "blank"},
		"an id that is too long":                                {withID(strings.Repeat("x", 201)), nil, "longer than 200"},
		"an unknown carrier":                                    {[]*schema.Table{{Name: "t", Columns: []*schema.Column{{Name: "a", Carrier: 9}}}}, nil, "carrier"},
		"a type that ParseType did not make":                    {[]*schema.Table{{Name: "t", Columns: []*schema.Column{{Name: "a", Type: schema.Type{Kind: schema.KindInt, Name: "int", Bits: 64}}}}}, nil, "ParseType"},
		"an encrypted partition column":                         {partition(schema.Partition{Kind: column, Column: "SSN", Type: typ(t, "text")}), nil, "itself encrypted"},
		"a partition column without a type":                     {partition(schema.Partition{Kind: column, Column: "tenant"}), nil, "needs a type"},
		"a partition column without a name":                     {partition(schema.Partition{Kind: column, Type: typ(t, "text")}), nil, "is empty"},
		"a float partition":                                     {partition(schema.Partition{Kind: column, Column: "x", Type: typ(t, "double")}), nil, "single form"},
		"a timestamp partition":                                 {partition(schema.Partition{Kind: column, Column: "x", Type: typ(t, "timestamptz")}), nil, "single form"},
		"a padded partition":                                    {partition(schema.Partition{Kind: column, Column: "x", Type: typ(t, "char(36)")}), nil, "pad"},
		"a constant partition with a column":                    {partition(schema.Partition{Const: "a", Column: "x"}), nil, "no column"},
		"a context partition with a constant":                   {partition(schema.Partition{Kind: schema.PartitionContext, Const: "a"}), nil, "neither"},
		"a constant that is too long":                           {partition(schema.Partition{Const: strings.Repeat("p", 201)}), nil, "longer than 200"},
		"an unknown partition kind":                             {partition(schema.Partition{Kind: 9}), nil, "unknown kind"},
		"a clear table that is annotated":                       {[]*schema.Table{table("", "users", "a")}, []string{"USERS"}, "covers the annotated table"},
		"a clear table in a schema of an annotated one without": {[]*schema.Table{table("", "users", "a")}, []string{"app.users"}, "covers"},
		"a clear table in all schemas of an annotated one":      {[]*schema.Table{table("app", "users", "a")}, []string{"users"}, "covers"},
		"an empty clear table":                                  {nil, []string{""}, "not a table name"},
		"a clear table with an empty schema":                    {nil, []string{".x"}, "not a table name"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := schema.New(c.tables, schema.Options{ClearTables: c.clear})
			var problems schema.Problems
			if !errors.As(err, &problems) || got != nil {
				t.Fatalf("New gives %v, %v", got, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %q, want %q in it", err, c.want)
			}
		})
	}
}

func TestAnIDIsSharedOnPurposeOnly(t *testing.T) {
	users, archive := table("", "users", "ssn"), table("", "archive", "ssn")
	archive.Columns[0].ID = "users.ssn"
	mustNew(t, schema.Options{}, users, archive)

	// The order of the two does not matter.
	users, archive = table("", "users", "ssn"), table("", "archive", "ssn")
	archive.Columns[0].ID = "users.ssn"
	mustNew(t, schema.Options{}, archive, users)

	a, b := table("a", "users", "ssn"), table("b", "users", "ssn")
	a.Columns[0].ID, b.Columns[0].ID = "users.ssn", "users.ssn"
	mustNew(t, schema.Options{}, a, b)
}

// The two ids were found by search: both have the tag 3c5aae70.
func TestEqualTagsOfTwoColumnsAreRefused(t *testing.T) {
	const one, two = "c49130", "c75528"
	users := table("", "users", "a", "b")
	users.Columns[0].ID, users.Columns[1].ID = one, two
	_, err := schema.New([]*schema.Table{users}, schema.Options{})
	if err == nil || !strings.Contains(err.Error(), "same tag") {
		t.Errorf("error is %v", err)
	}
}

func TestTheTagIsFrozen(t *testing.T) {
	// SHA-256 over 00000011 'sealsql/v1/column' 00000009 'users.ssn'
	if got := schema.Tag("users.ssn"); got != [4]byte{0x8d, 0x7d, 0x03, 0xc6} {
		t.Errorf("tag is %x", got)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	_, err := schema.New([]*schema.Table{table("", "users"), table("", "", "a")}, schema.Options{ClearTables: []string{""}})
	var problems schema.Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("problems are %v", err)
	}
	if p := problems[0]; p.Table != "users" || p.Field != "columns" {
		t.Errorf("first problem is %+v", p)
	}
}

func TestTheCallersSliceIsItsOwn(t *testing.T) {
	c := mustNew(t, schema.Options{}, table("", "a", "x"), table("", "b", "x"))
	c.Tables()[0] = nil
	if c.Tables()[0] == nil {
		t.Error("the catalog was changed from outside")
	}
}

func TestACatalogIsReadFromManyGoroutines(t *testing.T) {
	c := mustNew(t, schema.Options{ClearTables: []string{"x"}}, table("", "users", "a"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				c.Lookup("public", "Users")
				c.IsClear("x")
				c.Mentions("users")
			}
		})
	}
	wg.Wait()
}

func TestNearestFindsMisspellings(t *testing.T) {
	words := []string{"tables", "table", "memory", "metastore", "policy"}
	for word, want := range map[string]string{
		"tabels": "tables", "tabel": "table", "TABLE": "table", "memroy": "memory", "meta_store": "metastore",
		"polcy": "policy", "zzz": "", "": "", strings.Repeat("memory", 20): "",
	} {
		if got := schema.Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", word, got, want)
		}
	}
}
