package blind

import "github.com/sealsql/sealsql/schema"

// CompareType is the type as which a value is encoded that is compared with a
// column of type t: without the length, precision and scale that would cut or
// round it, or refuse it, on its way into the column. dialect is "postgres",
// "mysql" or "sqlite"; SQLite's types change nothing.
func CompareType(dialect string, t schema.Type) schema.Type {
	wide := map[schema.Kind]string{}
	switch dialect {
	case "postgres":
		wide = map[schema.Kind]string{schema.KindText: "text", schema.KindNumeric: "numeric", schema.KindTime: "time", schema.KindTimestamp: "timestamp", schema.KindTimestampTZ: "timestamptz"}
	case "mysql":
		wide = map[schema.Kind]string{
			schema.KindText: "longtext", schema.KindBytes: "longblob", schema.KindNumeric: "decimal(65,30)",
			schema.KindTime: "time(6)", schema.KindTimestamp: "datetime(6)", schema.KindTimestampTZ: "timestamp(6)",
		}
	}
	name, ok := wide[t.Kind]
	if !ok {
		return t
	}
	w, err := schema.ParseType(name)
	if err != nil || w.Kind != t.Kind {
		return t
	}
	return w
}
