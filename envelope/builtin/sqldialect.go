package builtin

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Dialect names a family of databases.
type Dialect string

// The dialects. MySQL serves MariaDB too.
const (
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql"
	SQLite   Dialect = "sqlite"
)

// timeLayout is how creation times are read.
const timeLayout = "2006-01-02 15:04:05"

// dialect is what the engines differ in.
type dialect struct {
	quote byte
	// layout writes a time. The zone on PostgreSQL is ignored by a timestamp and
	// honoured by a timestamptz column: both get the same instant, whatever the
	// session's zone.
	layout string
	// created is an expression for the time in timeLayout, record one for the
	// JSON as text.
	created, record string
	// compared is record as it can be compared with a text byte by byte; ""
	// means record. MySQL never finds a JSON value equal to its text.
	compared    string
	placeholder func(i int) string
	// insert adds a row unless there is one, or a tombstone of its id: %[1]s is
	// the table, then come the placeholders of id, created, record, id and the
	// tombstone's time.
	insert   string
	verify   bool   // inserts can be dropped or cut without an error
	deadlock string // in the text of an error that says so
	create   string
}

var dialects = map[Dialect]*dialect{
	Postgres: {
		quote:       '"',
		layout:      timeLayout + "+00",
		created:     "to_char(to_timestamp(extract(epoch from created)) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
		record:      "key_record::text",
		placeholder: func(i int) string { return fmt.Sprintf("$%d", i) },
		// The first half gives the second's parameters the types of the columns,
		// whatever these are.
		insert: `INSERT INTO %[1]s (id, created, key_record)
SELECT id, created, key_record FROM %[1]s WHERE false
UNION ALL SELECT %[2]s, %[3]s, %[4]s WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE id = %[5]s AND created = %[6]s)
ON CONFLICT DO NOTHING`,
		create: `CREATE TABLE IF NOT EXISTS %s (
	id VARCHAR(255) COLLATE "C" NOT NULL,
	created TIMESTAMP NOT NULL,
	key_record TEXT NOT NULL,
	PRIMARY KEY (id, created)
)`,
	},
	MySQL: {
		quote:       '`',
		layout:      timeLayout,
		created:     "DATE_FORMAT(created, '%Y-%m-%d %H:%i:%s')",
		record:      "key_record",
		compared:    "CAST(key_record AS BINARY)",
		placeholder: question,
		insert: `INSERT IGNORE INTO %[1]s (id, created, key_record)
SELECT %[2]s, %[3]s, %[4]s FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE id = %[5]s AND created = %[6]s)`,
		verify:   true,
		deadlock: "Error 1213",
		// DATETIME, not TIMESTAMP: it has no session zone, no daylight saving and
		// no 2038.
		create: `CREATE TABLE IF NOT EXISTS %s (
	id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	created DATETIME NOT NULL,
	key_record TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	PRIMARY KEY (id, created)
) ENGINE=InnoDB`,
	},
	SQLite: {
		quote:       '"',
		layout:      timeLayout,
		created:     "strftime('%Y-%m-%d %H:%M:%S', created)",
		record:      "CAST(key_record AS TEXT)",
		placeholder: question,
		insert: `INSERT OR IGNORE INTO %[1]s (id, created, key_record)
SELECT %[2]s, %[3]s, %[4]s WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE id = %[5]s AND created = %[6]s)`,
		verify: true,
		create: `CREATE TABLE IF NOT EXISTS %s (
	id TEXT COLLATE BINARY NOT NULL,
	created TEXT COLLATE BINARY NOT NULL,
	key_record TEXT NOT NULL,
	PRIMARY KEY (id, created)
)`,
	},
}

func question(int) string { return "?" }

func (d *dialect) time(unix int64) string { return time.Unix(unix, 0).UTC().Format(d.layout) }

// queries are the statements on one table.
type queries struct{ create, load, latest, latestBefore, insert, list, replace, remove string }

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$`)

func (d *dialect) queries(table string) (queries, error) {
	if !tableName.MatchString(table) {
		return queries{}, fmt.Errorf("sealsql: metastore: %q cannot be a table name: letters, digits and underscores, and one dot after a schema", table)
	}
	quote := string(d.quote)
	name := quote + strings.ReplaceAll(table, ".", quote+"."+quote) + quote
	p1, p2, p3, p4, p5 := d.placeholder(1), d.placeholder(2), d.placeholder(3), d.placeholder(4), d.placeholder(5)
	row := "SELECT id, " + d.created + ", " + d.record + " FROM " + name
	sel := row + " WHERE id = " + p1
	compared := cmp.Or(d.compared, d.record)
	return queries{
		create:       fmt.Sprintf(d.create, name),
		load:         sel + " AND created = " + p2,
		latest:       sel + " ORDER BY created DESC LIMIT 1",
		latestBefore: sel + " AND created <= " + p2 + " ORDER BY created DESC LIMIT 1",
		insert:       fmt.Sprintf(d.insert, name, p1, p2, p3, p4, p5),
		list:         row + " WHERE id > " + p1 + " OR id = " + p2 + " AND created > " + p3 + " ORDER BY id, created LIMIT " + p4,
		replace:      "UPDATE " + name + " SET key_record = " + p1 + " WHERE id = " + p2 + " AND created = " + p3 + " AND " + compared + " = " + p4,
		remove:       "DELETE FROM " + name + " WHERE id = " + p1 + " AND created = " + p2 + " AND " + compared + " = " + p3,
	}, nil
}
