package order

import "github.com/sealsql/sealsql/schema"

// CompareTypes are the types as which a value is encoded that is compared with a
// column of type t, so that nothing is rounded, cut or refused on the way that
// the engine would not: for arguments and texts, and for numbers that are
// written in the statement. dialect is "postgres", "mysql" or "sqlite"; SQLite
// converts what is compared as it converts what is stored.
func CompareTypes(dialect string, t schema.Type) (argument, number schema.Type) {
	switch dialect {
	case "postgres":
		return wider(t, map[schema.Kind]string{
				schema.KindText: "text", schema.KindNumeric: "numeric", schema.KindTime: "time", schema.KindTimestamp: "timestamp", schema.KindTimestampTZ: "timestamptz",
			}), wider(t, map[schema.Kind]string{ // an argument is of the column's type, a number is not
				schema.KindInt: "numeric", schema.KindNumeric: "numeric", schema.KindFloat: "double precision",
				schema.KindText: "text", schema.KindTime: "time", schema.KindTimestamp: "timestamp", schema.KindTimestampTZ: "timestamptz",
			})
	case "mysql":
		w := wider(t, map[schema.Kind]string{
			schema.KindInt: "decimal(65,30)", schema.KindNumeric: "decimal(65,30)", schema.KindFloat: "double",
			schema.KindText: "longtext", schema.KindBytes: "longblob", schema.KindTime: "time(6)",
			schema.KindDate: "datetime(6)", schema.KindTimestamp: "datetime(6)", schema.KindTimestampTZ: "datetime(6)",
		})
		return w, w
	}
	return t, t
}

func wider(t schema.Type, names map[schema.Kind]string) schema.Type {
	name, ok := names[t.Kind]
	if !ok {
		return t
	}
	w, err := schema.ParseType(name)
	if err != nil {
		return t
	}
	return w
}
