package sqlite

import (
	"strings"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// pragmaUse says what a pragma does.
type pragmaUse uint8

const (
	// pragmaSets reads without a value and sets with one.
	pragmaSets pragmaUse = iota + 1
	// pragmaShows reads, its value being an argument; pragmaShowsTable reads
	// about the table or index that the value names.
	pragmaShows
	pragmaShowsTable
	// pragmaActs does something even without a value.
	pragmaActs
)

// pragmas are those of SQLite 3.53 (PRAGMA pragma_list) and the few that
// builds for debugging have. What is not here may do anything.
var pragmas = map[string]pragmaUse{
	"analysis_limit": pragmaSets, "application_id": pragmaSets, "auto_vacuum": pragmaSets,
	"automatic_index": pragmaSets, "busy_timeout": pragmaSets, "cache_size": pragmaSets,
	"cache_spill": pragmaSets, "case_sensitive_like": pragmaSets, "cell_size_check": pragmaSets,
	"checkpoint_fullfsync": pragmaSets, "count_changes": pragmaSets,
	"default_cache_size": pragmaSets, "defer_foreign_keys": pragmaSets,
	"empty_result_callbacks": pragmaSets, "encoding": pragmaSets, "foreign_keys": pragmaSets,
	"full_column_names": pragmaSets, "fullfsync": pragmaSets, "hard_heap_limit": pragmaSets,
	"ignore_check_constraints": pragmaSets, "journal_mode": pragmaSets,
	"journal_size_limit": pragmaSets, "legacy_alter_table": pragmaSets,
	"locking_mode": pragmaSets, "max_page_count": pragmaSets, "mmap_size": pragmaSets,
	"page_size": pragmaSets, "query_only": pragmaSets, "read_uncommitted": pragmaSets,
	"recursive_triggers": pragmaSets, "reverse_unordered_selects": pragmaSets,
	"schema_version": pragmaSets, "secure_delete": pragmaSets, "short_column_names": pragmaSets,
	"soft_heap_limit": pragmaSets, "synchronous": pragmaSets, "temp_store": pragmaSets,
	"temp_store_directory": pragmaSets, "threads": pragmaSets, "trusted_schema": pragmaSets,
	"user_version": pragmaSets, "wal_autocheckpoint": pragmaSets, "writable_schema": pragmaSets,

	"collation_list": pragmaShows, "compile_options": pragmaShows, "data_version": pragmaShows,
	"database_list": pragmaShows, "freelist_count": pragmaShows, "function_list": pragmaShows,
	"module_list": pragmaShows, "page_count": pragmaShows, "pragma_list": pragmaShows,

	"foreign_key_check": pragmaShowsTable, "foreign_key_list": pragmaShowsTable,
	"index_info": pragmaShows, "index_list": pragmaShowsTable, "index_xinfo": pragmaShows,
	"integrity_check": pragmaShowsTable, "quick_check": pragmaShowsTable,
	"table_info": pragmaShowsTable, "table_list": pragmaShowsTable, "table_xinfo": pragmaShowsTable,

	"incremental_vacuum": pragmaActs, "optimize": pragmaActs, "shrink_memory": pragmaActs,
	"wal_checkpoint": pragmaActs,
}

// pragma lowers PRAGMA: OtherShow where it only reads, else OtherSession with
// the pragma's name. A table that it shows is a relation.
func (l *lowerer) pragma(n *ast.PragmaStmt) *rewrite.Other {
	name := strings.ToLower(n.Name.Name.Name)
	o := &rewrite.Other{Kind: rewrite.OtherShow, Verb: "PRAGMA"}
	use := pragmas[name]
	switch {
	case use == pragmaShows, use == pragmaSets && !n.HasValue:
	case use == pragmaShowsTable:
		o.Relations = l.pragmaTable(n)
	default:
		o.Kind, o.Settings = rewrite.OtherSession, []string{name}
	}
	return o
}

// pragmaTable returns the table that a pragma's value names. meyer keeps the
// value as text; its token is the last but the closing parenthesis.
func (l *lowerer) pragmaTable(n *ast.PragmaStmt) []*rewrite.Table {
	if !n.HasValue {
		return nil
	}
	i := l.index(n.Name.Stop) + 1 // "=" or "(", then the value
	if i >= len(l.toks) {
		return nil
	}
	t := l.toks[i]
	if t.Kind == rewrite.TokNumber || t.Kind == rewrite.TokPunct {
		return nil // a limit on the number of errors
	}
	id := rewrite.Ident{Name: t.Text, Quoted: t.Kind != rewrite.TokWord, Span: t.Span}
	path := []rewrite.Ident{id}
	if n.Name.Schema != nil {
		path = []rewrite.Ident{ident(n.Name.Schema), id}
	}
	return []*rewrite.Table{{Span: t.Span, Path: path}}
}
