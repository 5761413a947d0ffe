package rewrite

import "github.com/sealsql/sealsql/schema"

// Names is how a session resolves names.
type Names struct {
	// SearchPath lists the schemas in which unqualified names are looked up,
	// in order: PostgreSQL's effective search_path without temporary and
	// system schemas, MySQL's current database, SQLite's "main" and attached
	// files.
	SearchPath []string
	// Temp are the session's temporary relations; they come before everything.
	Temp []SnapshotRelation
}

// Declarations are what the configuration states about code that the catalog
// cannot prove clear, and what the driver reserves.
type Declarations struct {
	// Routines and Triggers declared clear, lower case.
	Routines map[string]bool
	Triggers map[string]bool
	// Metastore is the name of the key table, refused in every statement.
	Metastore string
}

// Finding is a problem of an annotated table that the catalog shows: a
// DEFAULT, generated column, CHECK, expression index, trigger, rule or wrong
// carrier. Opening the database reports it.
type Finding struct {
	Column  string
	Problem string
	Hint    string
}

// NewCatalog joins a snapshot of the database, a session's names and the
// annotations. snap is nil where no catalog access is wanted: then only
// annotated tables and the configuration's clear tables resolve.
func NewCatalog(d Dialect, snap *Snapshot, names Names, annotations *schema.Catalog, decl Declarations) Catalog {
	panic("not yet")
}

// Findings checks the annotated tables against the snapshot.
func Findings(d Dialect, snap *Snapshot, annotations *schema.Catalog, decl Declarations) []Finding {
	panic("not yet")
}
