//go:build unix

package killtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// move is an index that is moved, added or dropped.
type move struct {
	name, target string
	// The definitions: of programs on the old configuration, of those that move,
	// of those after it. $EMAIL, $BIO and $AGE stand for what they say of columns.
	before, during, after definition
	// Questions that the configurations answer.
	asksBefore, asksDuring, asksAfter []string
	drop                              bool
	// short is the engine on which it runs without SEALSQL_LONG=1.
	short string
	// partitions is the number of tenants, where it is not three: some of them are
	// used for the first time while the index is moved.
	partitions int
}

// definition is what a configuration says of the table.
type definition struct{ email, bio, age, indexes string }

const emailIndex = ", search: {equality: {collation: binary, unique: exact, scope: partition%s}}"

var plainEmail = fmt.Sprintf(emailIndex, "")

var moves = []move{
	{
		name: "equality_under_another_normalizer", short: "sqlite", target: "people.email",
		before:     definition{email: plainEmail},
		during:     definition{email: fmt.Sprintf(emailIndex, ", next: {column: email_b2, collation: ci, unique: exact, scope: partition, version: 2}")},
		after:      definition{email: ", search: {equality: {column: email_b2, collation: ci, unique: exact, scope: partition, version: 2}}"},
		asksBefore: []string{"equality"}, asksDuring: []string{"equality"}, asksAfter: []string{"equality"},
	},
	{
		name: "first_equality_on_stored_rows", short: "postgres", target: "people.email",
		during:    definition{email: fmt.Sprintf(emailIndex, ", state: adding")},
		after:     definition{email: plainEmail},
		asksAfter: []string{"equality"},
	},
	{
		name: "equality_of_partitions_that_are_new", target: "people.email", partitions: 60,
		before:     definition{email: plainEmail},
		during:     definition{email: fmt.Sprintf(emailIndex, ", next: {column: email_b2, collation: binary, unique: exact, scope: partition, bits: 256, version: 2}")},
		after:      definition{email: ", search: {equality: {column: email_b2, collation: binary, unique: exact, scope: partition, bits: 256, version: 2}}"},
		asksBefore: []string{"equality"}, asksDuring: []string{"equality"}, asksAfter: []string{"equality"},
	},
	{
		name: "compound", target: "people.by_rank_email",
		before:     definition{indexes: "by_rank_email: {columns: [{column: rank_no, type: integer}, {column: email, collation: binary}], unique: true, scope: partition}"},
		during:     definition{indexes: "by_rank_email: {columns: [{column: rank_no, type: integer}, {column: email, collation: binary}], unique: true, scope: partition, next: {column: both2, unique: true, scope: partition, version: 2}}"},
		after:      definition{indexes: "by_rank_email: {columns: [{column: rank_no, type: integer}, {column: email, collation: binary}], unique: true, scope: partition, column: both2, version: 2}"},
		asksBefore: []string{"compound"}, asksDuring: []string{"compound"}, asksAfter: []string{"compound"},
	},
	{
		name: "contains", target: "people.bio",
		before:     definition{email: plainEmail, bio: ", search: {contains: {collation: ci}}"},
		during:     definition{email: plainEmail, bio: ", search: {contains: {collation: ci, next: {column: bio_c2, collation: ci, length: 4, version: 2}}}"},
		after:      definition{email: plainEmail, bio: ", search: {contains: {column: bio_c2, collation: ci, length: 4, version: 2}}"},
		asksBefore: []string{"equality", "contains"}, asksDuring: []string{"equality", "contains"}, asksAfter: []string{"equality", "contains"},
	},
	{
		name: "prefix", target: "people.bio",
		before:     definition{email: plainEmail, bio: ", search: {prefix: {collation: ci, lengths: [3]}}"},
		during:     definition{email: plainEmail, bio: ", search: {prefix: {collation: ci, lengths: [3], next: {column: bio_p2, collation: ci, lengths: [2, 6], version: 2}}}"},
		after:      definition{email: plainEmail, bio: ", search: {prefix: {column: bio_p2, collation: ci, lengths: [2, 6], version: 2}}"},
		asksBefore: []string{"equality", "prefix"}, asksDuring: []string{"equality", "prefix"}, asksAfter: []string{"equality", "prefix"},
	},
	{
		name: "range_from_hidden_to_revealing", target: "people.age",
		before:     definition{email: plainEmail, age: ", search: {range: {order: hidden}}"},
		during:     definition{email: plainEmail, age: ", search: {range: {order: hidden, next: {column: age_r2, order: revealing, version: 2}}}, accept_leakage: order"},
		after:      definition{email: plainEmail, age: ", search: {range: {column: age_r2, order: revealing, version: 2}}, accept_leakage: order"},
		asksBefore: []string{"equality", "range"}, asksDuring: []string{"equality", "range"}, asksAfter: []string{"equality", "range"},
	},
	{
		name: "first_range_on_stored_rows", target: "people.age",
		before:     definition{email: plainEmail},
		during:     definition{email: plainEmail, age: ", search: {range: {order: hidden, state: adding}}"},
		after:      definition{email: plainEmail, age: ", search: {range: {order: hidden}}"},
		asksBefore: []string{"equality"}, asksDuring: []string{"equality"}, asksAfter: []string{"equality", "range"},
	},
	{
		name: "dropping_a_contains", target: "people.bio", drop: true,
		before:     definition{email: plainEmail, bio: ", search: {contains: {collation: ci}}"},
		during:     definition{email: plainEmail, bio: ", search: {contains: {collation: ci, state: dropping}}"},
		after:      definition{email: plainEmail},
		asksBefore: []string{"equality", "contains"}, asksDuring: []string{"equality"}, asksAfter: []string{"equality"},
	},
}

func (d definition) tables() string {
	text := `  people:
    partition: {column: tenant, type: integer}
    bind_row: {column: id, type: integer}
    columns:
      email: {type: varchar(80)` + d.email + `}
      bio: {type: varchar(120)` + d.bio + `}
      age: {type: smallint` + d.age + `}
`
	if d.indexes != "" {
		text += "    indexes:\n      " + d.indexes + "\n"
	}
	return text
}

const createPeople = "CREATE TABLE people (id integer PRIMARY KEY, tenant integer NOT NULL, rank_no integer, email varchar(80)%s, bio varchar(120), age smallint%s)"

// people makes the table as a program with the configuration does.
func (w *world) people(config string, d definition) {
	w.Helper()
	unique, both := "", ""
	if strings.Contains(d.email, "unique") {
		unique = " UNIQUE"
	}
	if d.indexes != "" {
		both = ", UNIQUE (rank_no, email)"
	}
	db := w.sealed(config)
	defer db.Close()
	w.exec(db, fmt.Sprintf(createPeople, unique, both))
}

// Indexes are moved, added and dropped by a command that is killed again and
// again, beside writers that are killed as well, one of them on the old
// configuration.
func TestAnIndexIsMovedByACommandThatIsKilled(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, m := range moves {
		for _, engine := range engines {
			if !chosen(engine == m.short) {
				continue
			}
			t.Run(m.name+"/"+engine, func(t *testing.T) {
				t.Parallel()
				rounds(t, func(seed uint64) { m.run(newWorld(t, engine, seed)) })
			})
		}
	}
}

func (m *move) run(w *world) {
	kms := "kms: {file: " + w.masterKey("a.key") + "}\n"
	before, during, after := w.config("before.yaml", kms, m.before.tables()), w.config("during.yaml", kms, m.during.tables()), w.config("after.yaml", kms, m.after.tables())
	w.command(moment{}, 0, before, "metastore", "init")
	w.people(before, m.before)
	unique := len(m.asksBefore) > 0
	tenants, rows := 3, 12
	if m.partitions > 0 {
		tenants, rows = m.partitions, 80
	}
	stale := w.writer(writerOptions{Config: before, Tenants: tenants, Rows: rows, Unique: unique, Asks: m.asksBefore, Old: true})
	stale.start(moment{}, 0)
	stale.await(10)
	current := w.writer(writerOptions{Config: during, Tenants: tenants, Rows: rows, Unique: unique, Asks: m.asksDuring, Partitions: m.partitions > 0})
	views := []view{{config: during, asks: m.asksDuring}, {config: before, asks: m.asksBefore, old: true}}
	phases := [][]string{{}, {"--cut-over"}, {"--finish", "--wait"}}
	if m.drop {
		phases = phases[2:]
	}
	for _, phase := range phases {
		args := append([]string{"reindex", m.target, "--yes", "--chunk", "3"}, phase...)
		if testenv.Long() && w.rnd.IntN(3) == 0 {
			w.restart()
			w.twice(during, args...)
			w.check("after two at once of reindex "+strings.Join(phase, " "), views...)
		}
		for range w.times(2) {
			for _, p := range []*writer{stale, current} {
				if !p.running() || w.rnd.IntN(3) == 0 {
					p.kill()
					p.start(moment{}, 0)
				}
			}
			at, after := w.moment(120)
			r := w.command(at, after, during, args...)
			w.mayFail(args, r)
			if w.rnd.IntN(2) == 0 {
				w.check("after a kill in reindex "+strings.Join(phase, " "), views...)
			}
			if !r.killed && r.code == 0 {
				break
			}
		}
		for _, p := range []*writer{stale, current} {
			if !p.running() {
				p.start(moment{}, 0)
			}
		}
		w.command(moment{}, 0, during, args...)
		current.await(2)
		w.check("after reindex "+strings.Join(phase, " "), views...)
	}
	w.command(moment{}, 0, during, "reindex", m.target, "--status")
	stale.options.Config, stale.options.Old, stale.options.Asks = after, false, m.asksAfter
	current.options.Config, current.options.Asks, current.options.Partitions = after, m.asksAfter, false
	stale.start(moment{}, 0)
	current.start(moment{}, 0)
	stale.await(5)
	current.await(5)
	w.check("at the end", view{config: after, asks: m.asksAfter})
}
