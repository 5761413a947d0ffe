package fuzzsql_test

import (
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// indexes are the search indexes of an encrypted column.
type indexes struct {
	search bool // a blind index for equality
	// table: equal values of all partitions have equal hashes.
	table bool
	// ci: the application compares without case.
	ci                       bool
	prefix, suffix, contains bool
	order                    order
	// lossy: the blind index finds more than equal values, which the driver leaves
	// out where it can.
	lossy bool
	// unique: the application has a unique key on the column.
	unique bool
	// sorts: the driver sorts by the column.
	sorts bool
}

// order is the kind of a range index.
type order int

const (
	orderNone order = iota
	orderHidden
	orderRevealing
)

// like reports an index for patterns.
func (x indexes) like() bool { return x.prefix || x.suffix || x.contains }

// equal reports an index that answers =, <> and IN.
func (x indexes) equal() bool { return x.search || x.order == orderRevealing && !x.ci }

func (x indexes) any() bool { return x.search || x.like() || x.order != orderNone }

// textPrefix is how many bytes of a text or of bytes a range compares: all of
// them where the order is shown, and else the beginning of the mark.
var textPrefix = map[order]int{orderHidden: 10, orderRevealing: 60}

// ranged are the kinds that a range index can have.
var ranged = map[kind]bool{kindInt: true, kindText: true, kindDate: true, kindBytes: true, kindNumeric: true, kindTimestamp: true}

// indexes draws those of a column: none, one, several or all.
func (w *world) indexes(d *dice, k kind) (x indexes) {
	sorts := d.in(6)
	defer func() { x.sorts = sorts && !x.ci && k != kindJSON && x.order != orderRevealing }()
	if d.n(3) == 0 {
		return x
	}
	x.search = k != kindJSON && d.in(2)
	x.table = d.in(3)
	if k == kindText {
		x.prefix, x.suffix, x.contains = d.in(4), d.in(4), d.in(4)
		x.ci = d.in(4)
	}
	if ranged[k] {
		x.order = []order{orderNone, orderRevealing, orderHidden, orderNone}[d.n(4)]
	}
	if x.ci {
		x.order = orderNone // the order of a collation is not that of bytes
		if w.dialect == rewrite.Postgres {
			x.prefix, x.suffix, x.contains = false, false, false
		}
	}
	if !x.search && !x.like() && x.order == orderNone {
		x.search = k <= kindDate
	}
	if !x.search && !x.like() && x.order == orderNone {
		return indexes{}
	}
	x.ci = x.ci && (x.search || x.like())
	x.lossy = x.search && k == kindText && !x.ci && d.in(6)
	x.unique = x.search && !x.lossy && (k == kindInt || k == kindText) && d.in(4)
	return x
}

// config writes the settings of a column behind its type.
func (x indexes) config(d rewrite.Dialect, k kind) string {
	var list []string
	add := func(name string, settings ...string) {
		if k == kindText {
			settings = append(settings, "collation: "+map[bool]string{false: "binary", true: collations[d].name}[x.ci])
		}
		if x.table {
			settings = append(settings, "scope: table")
		}
		list = append(list, name+": {"+strings.Join(settings, ", ")+"}")
	}
	if x.search {
		settings := []string{fmt.Sprintf("group: kind%d%v%v%v", k, x.ci, x.table, x.lossy)}
		if x.lossy {
			settings = append(settings, "normalize: [lower]")
		}
		if x.unique {
			settings = append(settings, "unique: exact")
			if !x.table {
				settings = append(settings, "scope: partition")
			}
		}
		add("equality", settings...)
	}
	if x.prefix {
		add("prefix", "lengths: [1, 4]")
	}
	if x.suffix {
		add("suffix", "lengths: [2]")
	}
	if x.contains {
		add("contains", "length: 3")
	}
	if x.order != orderNone {
		settings := []string{fmt.Sprintf("group: range%d%v%v", k, x.order, x.table), "order: " + map[order]string{orderHidden: "hidden", orderRevealing: "revealing"}[x.order]}
		switch {
		case k == kindText || k == kindBytes:
			settings = append(settings, fmt.Sprintf("prefix: %d", textPrefix[x.order]))
			if x.order == orderRevealing {
				settings = append(settings, "longer: refuse")
			}
		case k == kindDate && d == rewrite.SQLite && x.order == orderHidden:
			settings = append(settings, "prefix: 10")
		}
		add("range", settings...)
	}
	out := ""
	if list != nil {
		out = ", search: {" + strings.Join(list, ", ") + "}"
	}
	if x.sorts {
		out += ", client_sort: {max_rows: 100000" + map[bool]string{true: ", collation: binary"}[k == kindText] + "}"
	}
	if x.order == orderRevealing {
		out += ", accept_leakage: order"
	}
	return out
}

// collations are equality without case by dialect: our name, and what the column
// of the plain database has. PostgreSQL's patterns do not take such a collation.
var collations = map[rewrite.Dialect]struct{ name, plain string }{
	rewrite.Postgres: {"ci", " COLLATE fuzz_ci"}, rewrite.MySQL: {"ci_ai", " COLLATE utf8mb4_general_ci"}, rewrite.SQLite: {"ci", " COLLATE NOCASE"},
}

// collation is what a text column of the plain database says of its equality
// and order.
func (w *world) collation(ci bool) string {
	switch {
	case ci:
		return collations[w.dialect].plain
	case w.dialect == rewrite.Postgres:
		return ` COLLATE "C"`
	}
	return ""
}

// describe names the indexes of a column in a report.
func (x indexes) describe() string {
	var out []string
	for name, has := range map[string]bool{"=": x.search, "scope: table": x.table, "ci": x.ci, "prefix": x.prefix, "suffix": x.suffix, "contains": x.contains, "range hidden": x.order == orderHidden, "range revealing": x.order == orderRevealing, "lossy": x.lossy, "unique": x.unique, "client_sort": x.sorts} {
		if has {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}
