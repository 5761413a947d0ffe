package sqlite

import (
	"fmt"
	"testing"
)

// left out of Function although SQLite lists them, with the reason.
var leftOut = map[string]string{
	"->": "an operator", "->>": "an operator",
	"bm25": "full-text search", "highlight": "full-text search", "snippet": "full-text search",
	"match": "full-text search", "fts5": "full-text search", "fts5_get_locale": "full-text search",
	"fts5_insttoken": "full-text search", "fts5_locale": "full-text search",
	"fts5_source_id": "full-text search",
	"load_extension": "loads code", "sqlite_log": "writes to the error log",
	"sqlite_offset": "reads the row's storage",
	"rtreecheck":    "names a table", "rtreedepth": "reads a shadow table", "rtreenode": "reads a shadow table",
	"geopoly_area": "geopoly", "geopoly_bbox": "geopoly", "geopoly_blob": "geopoly", "geopoly_ccw": "geopoly",
	"geopoly_contains_point": "geopoly", "geopoly_debug": "geopoly", "geopoly_group_bbox": "geopoly",
	"geopoly_json": "geopoly", "geopoly_overlap": "geopoly", "geopoly_regular": "geopoly",
	"geopoly_svg": "geopoly", "geopoly_within": "geopoly", "geopoly_xform": "geopoly",
}

// TestEveryFunctionOfTheEngineWasReviewed fails when the engine gains one.
func TestEveryFunctionOfTheEngineWasReviewed(t *testing.T) {
	rows, err := open(t).Query("SELECT DISTINCT name FROM pragma_function_list")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := map[string]bool{
		"json_each": true, "json_tree": true, "jsonb_each": true, "jsonb_tree": true,
		"pragma_index_list": true, "pragma_index_info": true, "pragma_index_xinfo": true, "pragma_foreign_key_list": true,
		"pragma_table_info": true, "pragma_table_xinfo": true, "pragma_table_list": true, "pragma_database_list": true,
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		seen[name] = true
		if New().Function(name) == (leftOut[name] != "") {
			t.Errorf("%s was not reviewed", name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range functions {
		if !seen[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestFunctionsThatReachFurtherAreNotClear(t *testing.T) {
	for _, name := range []string{
		"load_extension", "readfile", "writefile", "edit", "eval", "fts3_tokenizer", "sqlite_log",
		"sqlite_rename_column", "pragma_function_list", "generate_series", "regexp", "ABS", "",
	} {
		if New().Function(name) {
			t.Errorf("%q is taken for clear", name)
		}
	}
}

func TestEveryPragmaOfTheEngineWasReviewed(t *testing.T) {
	rows, err := open(t).Query("SELECT name FROM pragma_pragma_list")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if pragmas[name] == 0 {
			t.Errorf("%s was not reviewed", name)
		}
	}
}

// TestWhatIsQuotedComesBack has the engine read what the front end writes.
func TestWhatIsQuotedComesBack(t *testing.T) {
	db, f := open(t), New()
	for _, s := range []string{"", "a", "it's", `a"b`, "a\\'b", "--", "/*", "\n", "é☕", "a\x00b", "\xff\xfe"} {
		var str, typ string
		var blob []byte
		q := "SELECT " + f.StringLiteral(s) + ", " + f.BytesLiteral([]byte(s)) + ", typeof(" + f.StringLiteral(s) + ")"
		if err := db.QueryRow(q).Scan(&str, &blob, &typ); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if str != s || string(blob) != s || typ != "text" {
			t.Errorf("%q came back as %q, %q, %s", s, str, blob, typ)
		}
		if s == "a\x00b" {
			continue
		}
		rows, err := db.Query("SELECT 1 AS " + f.QuoteIdent(s))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if cols, _ := rows.Columns(); cols[0] != s {
			t.Errorf("name %q came back as %q", s, cols[0])
		}
		_ = rows.Close()
	}
	var n int
	if err := db.QueryRow(fmt.Sprintf("SELECT %s + 0*%s", f.Placeholder(2), f.Placeholder(1)), 5, 7).Scan(&n); err != nil || n != 7 {
		t.Errorf("placeholder: %d, %v", n, err)
	}
}

// TestTheEngineReadsNamesAsTheTreeSays checks the claims about SQLite that
// the lowering rests on.
func TestTheEngineReadsNamesAsTheTreeSays(t *testing.T) {
	db := open(t)
	for _, s := range []string{"CREATE TABLE b (x)", "INSERT INTO b VALUES ('base')"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"a CTE sees a later one", "WITH a AS (SELECT * FROM B), b AS (SELECT 'cte') SELECT * FROM a", "cte"},
		{"a CTE sees itself without RECURSIVE", "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT max(n) FROM c", "3"},
		{"a condition behind a comma join sees the first table", "SELECT count(*) FROM b, b AS c JOIN b AS d ON b.x = d.x", "1"},
		{"a comma may have a condition", "SELECT count(*) FROM b, b AS c ON 0", "0"},
		{"an alias in parentheses behind a join is lost", "SELECT b.x FROM (SELECT 1) JOIN (b AS y)", "base"},
		{"a quoted name that is no column is a string", `SELECT "nope"`, "nope"},
	} {
		var got string
		if err := db.QueryRow(c.text).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	for _, c := range []struct{ name, text string }{
		{"ORDER BY in front of UNION", "SELECT 1 ORDER BY 1 UNION SELECT 2"},
		{"LIMIT in front of UNION", "SELECT 1 LIMIT 1 UNION SELECT 2"},
		{"ON without a join", "SELECT * FROM b ON 1"},
		{"LEFT INNER JOIN", "SELECT * FROM b LEFT INNER JOIN b AS c"},
		{"OUTER JOIN alone", "SELECT * FROM b OUTER JOIN b AS c"},
		{"an unknown join word", "SELECT * FROM b LEFT SIDE JOIN b AS c"},
		{"a collation behind a CTE column", "WITH c(n COLLATE nocase) AS (SELECT 1) SELECT * FROM c"},
		{"a parameter number of zero", "SELECT ?0"},
		{"a parameter number beyond the limit", "SELECT ?32767"},
	} {
		if rows, err := db.Query(c.text, 1); err == nil {
			_ = rows.Close()
			t.Errorf("%s: SQLite takes what we reject", c.name)
		}
		if _, err := New().Parse(c.text, nil); reasonOf(err) == 0 {
			t.Errorf("%s: accepted", c.name)
		}
	}
}
