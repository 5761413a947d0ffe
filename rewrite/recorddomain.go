package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// A domain of records is a guard that PostgreSQL keeps compiled: it reads the CHECK
// constraints of a table anew for each statement that writes, and those of a domain
// once a session. Where the schema of a table has one, encrypted columns that are
// defined through the driver have its type in place of bytea and a guard of their own.
//
//	CREATE DOMAIN sealsql_record AS bytea
//	  CONSTRAINT sealsql_guard_record CHECK (substring(VALUE FROM 1 FOR 3) = '\xF95351'::bytea)
//
// A domain of another schema is not taken: DROP SCHEMA … CASCADE would drop the columns.

// RecordDomain is the name of the domain of records, RecordDomainGuard that of its
// only constraint.
const (
	RecordDomain      = "sealsql_record"
	RecordDomainGuard = guardPrefix + "record"
)

// recordDomains is a catalog that knows domains of records.
type recordDomains interface {
	// RecordDomain returns the domain of records in a schema, "" being the one in
	// which the session makes tables; empty where there is none.
	RecordDomain(schema string) string
}

func (n *namespace) RecordDomain(schema string) string {
	if n.snap == nil || schema == "" && len(n.path) == 0 {
		return ""
	}
	if schema == "" {
		schema = n.path[0]
	}
	return n.snap.Domains[schema]
}

// newCarrier is the type of a new column of a table in a schema, and whether the type
// is its guard as well.
func (a *analysis) newCarrier(schemaName string, c *schema.Column) (typ string, guards bool) {
	if known, ok := a.cat.(recordDomains); ok && a.dialect == Postgres && c.Carrier == schema.CarrierBinary {
		if d := known.RecordDomain(schemaName); d != "" {
			return d, true
		}
	}
	return CarrierType(a.dialect, c), false
}

// carrier is the type of a column that its table has, the guard included that the type
// is: to define it anew as what lies under the domain would take that away.
func (a *analysis) carrier(table []Ident, c *schema.Column) string {
	if rel := a.cat.Relation(table); rel != nil && rel.Annotation == c.Table {
		if phys, _ := findColumn(rel.Columns, c.Name); phys != nil && phys.Domain != "" {
			return phys.Domain
		}
	}
	return CarrierType(a.dialect, c)
}

// keepsDomain refuses what would take the constraint of a domain of records away, or
// the domain with the columns that have it: as with the guards of columns, its owner
// does so through the plain driver.
func (a *analysis) keepsDomain(o *Other) error {
	toks := a.tokens(o.Span)
	if a.dialect != Postgres || len(toks) < 3 {
		return nil
	}
	is := func(i int, words ...string) bool {
		for _, w := range words {
			if strings.EqualFold(toks[i].Text, w) {
				return true
			}
		}
		return false
	}
	if !is(0, "ALTER", "DROP") || !is(1, "DOMAIN", "TYPE") {
		return nil
	}
	for _, t := range toks[2:] {
		if strings.EqualFold(strings.Trim(t.Text, `"`), RecordDomain) {
			return a.refuse(t.Start, ReasonDDL, RecordDomain, "the domain keeps plaintext out of encrypted columns, which go with it; its owner changes it through the plain driver")
		}
	}
	return nil
}
