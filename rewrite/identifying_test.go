package rewrite

import (
	"testing"

	"github.com/sealsql/sealsql/schema"
)

// Columns that store all they are given are not looked at for each value.
func TestColumnsThatStoreEveryKeyAreNotLookedAt(t *testing.T) {
	for _, c := range []struct {
		d                  Dialect
		declared, physical string
		looked             bool
	}{
		{Postgres, "text", "text", false},
		{Postgres, "text", "character varying", false},
		{Postgres, "text", "uuid", false}, // an error of the setup
		{Postgres, "varchar(40)", "character varying(40)", false},
		{Postgres, "varchar(20)", "character varying(40)", false},
		{Postgres, "char(5)", "character(5)", false},
		{Postgres, "uuid", "character varying(40)", false},
		{Postgres, "int", "bigint", false},
		{Postgres, "numeric", "numeric", false},
		{Postgres, "numeric(9,2)", "numeric(9,2)", false},
		{Postgres, "text", "character varying(40)", true},
		{Postgres, "text", "character(5)", true},
		{Postgres, "bigint", "integer", true},
		{Postgres, "numeric", "numeric(9,2)", true},
		{MySQL, "bigint unsigned", "bigint(20) unsigned", false},
		{MySQL, "varchar(36)", "varchar(36)", false},
		{MySQL, "varchar(36)", "char(36)", true},
		{MySQL, "bigint unsigned", "bigint(20)", true},
		{SQLite, "text", "VARCHAR(3)", false},
	} {
		declared, err := schema.ParseType(c.declared)
		if err != nil {
			t.Fatal(err)
		}
		if k := IdentifyingColumnOf(c.d, &CatalogColumn{Type: c.physical}, declared); (k != nil) != c.looked {
			t.Errorf("%v: %s over %s is looked at: %t", c.d, c.declared, c.physical, k != nil)
		}
	}
}

func TestCharacterSetsOfKeys(t *testing.T) {
	text, err := schema.ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		collation    string
		holds, lacks string
	}{
		{"utf8mb4_bin", "aé€😀", ""},
		{"uca1400_ai_ci", "aé€😀", ""},
		{"utf8mb3_general_ci", "aé€", "😀"},
		{"utf8_bin", "aé€", "😀"},
		{"latin1_swedish_ci", "aé€Ÿ\u0081", "ő\u0080"},
		{"ascii_bin", "a", "é"},
		{"koi8r_bin", "aж", ""}, // not known here
	} {
		k := IdentifyingColumnOf(MySQL, &CatalogColumn{Type: "text", Collation: c.collation}, text)
		if k == nil {
			if c.lacks != "" {
				t.Errorf("%s is not looked at", c.collation)
			}
			continue
		}
		if p := k.Keeps(c.holds); p != "" {
			t.Errorf("%s: %q: %s", c.collation, c.holds, p)
		}
		for _, r := range c.lacks {
			if k.Keeps("a"+string(r)) == "" {
				t.Errorf("%s holds %q", c.collation, r)
			}
		}
	}
}
