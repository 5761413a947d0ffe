package sqlite

// Function reports whether name is a built-in that is clear when its arguments
// are (threats T3). Left out are those that load code (load_extension), write
// outside the value (sqlite_log), read a row's storage (sqlite_offset), name a
// table (rtreecheck), belong to a virtual table (match, highlight, snippet,
// bm25, fts5…, rtree…, geopoly…), and pragma_… as table functions, but for those
// that tell of names and, for annotated tables through the planner, of types.
func (frontend) Function(name string) bool { return functions[name] }

// functions are those of modernc.org/sqlite (PRAGMA function_list), reviewed
// one by one, and the table functions of JSON.
var functions = func() map[string]bool {
	m := make(map[string]bool, len(builtins))
	for _, f := range builtins {
		m[f] = true
	}
	for _, f := range []string{
		"pragma_index_list", "pragma_index_info", "pragma_index_xinfo", "pragma_foreign_key_list",
		"pragma_table_info", "pragma_table_xinfo", "pragma_table_list", "pragma_database_list",
	} {
		m[f] = true
	}
	return m
}()

var builtins = [...]string{
	"abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg",
	"ceil", "ceiling", "changes", "char", "coalesce", "concat", "concat_ws", "cos", "cosh",
	"count", "cume_dist", "current_date", "current_time", "current_timestamp",
	"date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor", "format",
	"glob", "group_concat", "hex", "if", "ifnull", "iif", "instr",
	"json", "json_array", "json_array_insert", "json_array_length", "json_each",
	"json_error_position", "json_extract", "json_group_array", "json_group_object",
	"json_insert", "json_object", "json_patch", "json_pretty", "json_quote", "json_remove",
	"json_replace", "json_set", "json_tree", "json_type", "json_valid",
	"jsonb", "jsonb_array", "jsonb_array_insert", "jsonb_each", "jsonb_extract", "jsonb_group_array",
	"jsonb_group_object", "jsonb_insert", "jsonb_object", "jsonb_patch", "jsonb_remove",
	"jsonb_replace", "jsonb_set", "jsonb_tree", "julianday",
	"lag", "last_insert_rowid", "last_value", "lead", "length", "like", "likelihood", "likely",
	"ln", "log", "log10", "log2", "lower", "ltrim", "max", "min", "mod",
	"nth_value", "ntile", "nullif", "octet_length", "percent_rank", "pi", "pow", "power",
	"printf", "quote", "radians", "random", "randomblob", "rank", "replace", "round",
	"row_number", "rtrim", "sign", "sin", "sinh", "soundex", "sqlite_compileoption_get",
	"sqlite_compileoption_used", "sqlite_source_id", "sqlite_version", "sqrt", "strftime",
	"string_agg", "substr", "substring", "subtype", "sum", "tan", "tanh", "time", "timediff",
	"total", "total_changes", "trim", "trunc", "typeof", "unhex", "unicode", "unistr",
	"unistr_quote", "unixepoch", "unlikely", "upper", "zeroblob",
}
