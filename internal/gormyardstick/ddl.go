package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// table is what the definitions of one table had in common.
type table struct {
	name    string
	shapes  int
	columns map[string]*column
}

// column is one column over all definitions.
type column struct {
	name, typ string
	seen      int  // in how many definitions
	added     bool // by ALTER TABLE
	typed     bool // the first definition is known
	other     bool // another model's table of this name has it with another type than a string's
	unique    bool
	// fallback is the DEFAULT that filled of the table's definitions give the column, all
	// the same unless varied is set.
	fallback string
	filled   int
	varied   bool
}

// constant is the default of all definitions; false where they have none or several.
func (t *table) constant(c *column) (string, bool) {
	return c.fallback, c.filled > 0 && c.filled == t.shapes && !c.varied
}

// encrypted lists the string columns that every definition has, or that are
// added.
func (t *table) encrypted() []*column {
	return t.choose(func(c *column) bool { return c.added || c.seen == t.shapes })
}

// leftOut lists the other string columns: a table that lacks an encrypted
// column is not written.
func (t *table) leftOut() []*column {
	return t.choose(func(c *column) bool { return !c.added && c.seen != t.shapes })
}

func (t *table) choose(is func(*column) bool) []*column {
	var out []*column
	for _, c := range t.columns {
		if c.typ != "" && !c.other && is(c) {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

var (
	colours  = regexp.MustCompile("\x1b\\[[0-9;]*m")
	name     = "[\"`]?([A-Za-z0-9_$]+)[\"`]?"
	creates  = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?` + name + `\s*\((.*)\)`)
	adds     = regexp.MustCompile(`ALTER TABLE ` + name + ` ADD (?:COLUMN )?` + name + ` ([^,]*)`)
	uniques  = regexp.MustCompile(`CREATE UNIQUE INDEX (?:IF NOT EXISTS )?` + name + ` ON ` + name + `\s*\(([^)]*)\)`)
	uniqueOf = regexp.MustCompile(`ALTER TABLE ` + name + ` ADD CONSTRAINT ` + name + ` (?:UNIQUE|PRIMARY KEY)\s*\(([^)]*)\)`)
	keyLists = regexp.MustCompile(`(?:PRIMARY KEY|UNIQUE(?: INDEX| KEY)?)\s*(?:[\"` + "`" + `][^\"` + "`" + `]*[\"` + "`" + `])?\s*\(([^)]*)\)`)
	texts    = regexp.MustCompile(`(?i)^(text|tinytext|mediumtext|longtext|varchar(?:\(\d+\))?|character varying(?:\(\d+\))?|char(?:\(\d+\))?|nvarchar(?:\(\d+\))?)(\s|$)`)
	defaults = regexp.MustCompile(`(?i)\bDEFAULT (?:'((?:[^']|'')*)'|"([^"]*)")`)
	ident    = regexp.MustCompile("^\\s*[\"`]([^\"`]+)[\"`]\\s*(.*)$")
	listedID = regexp.MustCompile("[\"`]([^\"`]+)[\"`]|([A-Za-z_][A-Za-z0-9_$]*)")
)

// readTables collects the tables that a run defined, from GORM's log.
func readTables(log string) []*table {
	all := map[string]*table{}
	at := func(name string) *table {
		if all[name] == nil {
			all[name] = &table{name: name, columns: map[string]*column{}}
		}
		return all[name]
	}
	for _, line := range strings.Split(colours.ReplaceAllString(log, ""), "\n") {
		switch {
		case creates.MatchString(line):
			m := creates.FindStringSubmatch(line)
			table, rebuilt := strings.CutSuffix(m[1], "__temp")
			at(table).define(m[2], rebuilt)
		case uniques.MatchString(line):
			m := uniques.FindStringSubmatch(line)
			at(m[2]).uniquely(m[3])
		case uniqueOf.MatchString(line):
			m := uniqueOf.FindStringSubmatch(line)
			at(m[1]).uniquely(m[3])
		case adds.MatchString(line):
			if m := adds.FindStringSubmatch(line); m[2] != "CONSTRAINT" {
				c := at(m[1]).column(m[2])
				c.added = true
				c.definedAs(m[3])
			}
		}
	}
	var out []*table
	for _, t := range all {
		if len(t.encrypted()) > 0 {
			out = append(out, t)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

func (t *table) column(name string) *column {
	if t.columns[name] == nil {
		t.columns[name] = &column{name: name}
	}
	return t.columns[name]
}

// define reads the list of a CREATE TABLE. A table that is rebuilt is no other
// one: what changes in it is added or changed.
func (t *table) define(list string, rebuilt bool) {
	if !rebuilt {
		t.shapes++
	}
	for _, element := range splitList(list) {
		m := ident.FindStringSubmatch(element)
		if m == nil {
			continue
		}
		c := t.column(m[1])
		switch {
		case !rebuilt:
			c.seen++
			c.filledAs(m[2])
			c.other = c.other || !texts.MatchString(m[2])
		case c.seen == 0:
			c.added = true
		}
		c.definedAs(m[2])
		if rest := strings.ToUpper(m[2]); strings.Contains(rest, "PRIMARY KEY") || strings.Contains(rest, "UNIQUE") {
			c.unique = true
		}
	}
	for _, m := range keyLists.FindAllStringSubmatch(list, -1) {
		t.uniquely(m[1])
	}
}

func (t *table) uniquely(list string) {
	for _, m := range listedID.FindAllStringSubmatch(list, -1) {
		t.column(m[1] + m[2]).unique = true // other words have no type, and are left out
	}
}

func (c *column) filledAs(definition string) {
	m := defaults.FindStringSubmatch(definition)
	if m == nil {
		return
	}
	text := strings.ReplaceAll(m[1], "''", "'") + m[2] // as GORM writes it for SQLite
	c.varied = c.varied || c.filled > 0 && text != c.fallback
	c.filled, c.fallback = c.filled+1, text
}

// definedAs notes the type of a definition. The first one stays: what a test
// changes it to later is that test's.
func (c *column) definedAs(definition string) {
	if m := texts.FindStringSubmatch(definition); m != nil && !c.typed {
		c.typ = strings.ToLower(m[1])
	}
	c.typed = true
}

// splitList cuts at commas outside of parentheses and quotes.
func splitList(list string) []string {
	var out []string
	depth, from := 0, 0
	var quote rune
	for i, r := range list {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"' || r == '`':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, list[from:i])
			from = i + 1
		}
	}
	return append(out, list[from:])
}

// masterKey is the environment variable that the configurations name.
const masterKey = "GORM_YARDSTICK_KEY"

// configuration annotates the columns, all in one group, so that any of them
// may be compared with any other and foreign keys join.
func configuration(e engine, tables []*table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nservice: yardstick\nproduct: gorm\nkms: {env: %s}\nmetastore: {sql: same}\ntables:\n", masterKey)
	prefix := ""
	if e.name == "mysql" {
		prefix = e.database("") + "."
	}
	for _, t := range tables {
		fmt.Fprintf(&b, "  %s%s:\n    columns:\n", prefix, t.name)
		for _, c := range t.encrypted() {
			search := "group: strings"
			if e.collation != "" {
				search += ", collation: " + e.collation
			}
			if c.unique {
				search += ", unique: exact"
			}
			more := ""
			if text, ok := t.constant(c); ok {
				more = fmt.Sprintf(", default: %q", text)
			}
			fmt.Fprintf(&b, "      %q: {type: %q, search: {equality: {%s}}%s}\n", c.name, c.typ, search, more)
		}
	}
	return b.String()
}
