package endtoend_test

import (
	"slices"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/testenv"
)

var sqliteDeclarations = []string{
	"text", "varchar(40)", "char(5)", "blob", "tinyint", "smallint", "integer", "bigint", "int unsigned",
	"real", "double", "boolean", "numeric", "numeric(10,2)", "date", "time", "timestamp", "datetime", "timestamptz", "uuid", "json",
}

var postgresDeclarations = []string{
	"text", "varchar", "varchar(40)", "char(5)", "bytea", "smallint", "int", "bigint", "real", "double precision", "boolean",
	"numeric", "numeric(10,2)", "date", "time", "time(3)", "timestamp", "timestamp(3)", "timestamptz", "timestamptz(0)", "uuid", "json", "jsonb",
	"text[]", "varchar(3)[]", "int[]", "numeric(10,2)[]", "boolean[]", "bytea[]", "double precision[]", "date[]", "timestamp(3)[]", "timestamptz[]", "uuid[]", "jsonb[]",
}

var mysqlDeclarations = []string{
	"varchar(40)", "char(5)", "tinytext", "text", "mediumtext", "varbinary(40)", "binary(20)", "blob", "longblob",
	"tinyint", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint", "mediumint unsigned", "int", "int unsigned", "bigint", "bigint unsigned",
	"tinyint(1)", "boolean", "float", "double", "decimal", "decimal(10,2)",
	"date", "time", "time(3)", "datetime", "datetime(3)", "datetime(6)", "timestamp", "timestamp(3)", "json", "uuid",
}

// mysqlTypes leaves out the type that MySQL itself does not have.
func mysqlTypes() []string {
	if testenv.IsMySQL() {
		return slices.DeleteFunc(slices.Clone(mysqlDeclarations), func(decl string) bool { return decl == "uuid" })
	}
	return mysqlDeclarations
}

func allTypes() []*types {
	out := []*types{
		{flavour: sqliteFlavour(), declarations: sqliteDeclarations, args: arguments(), literals: literals(quoteStandard, "TRUE", "FALSE", "x'00ff'", "x''")},
	}
	for _, mode := range []string{"", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		x := &types{
			flavour: postgresFlavour(), declarations: postgresDeclarations, args: arguments(), stricter: postgresStricter,
			literals: literals(quoteStandard, "TRUE", "FALSE", `'\x00ff'`, `E'a\nb'`, "$$dollar$$"),
		}
		if mode != "" {
			x.flavour = postgresFlavour("default_query_exec_mode=" + mode).named(mode)
			x.short = true
		}
		out = append(out, x)
	}
	for _, parameters := range []string{"", "parseTime=true&loc=Europe%2FBerlin", "interpolateParams=true", "interpolateParams=true&parseTime=true"} {
		x := &types{
			flavour: mysqlFlavour(), declarations: mysqlTypes(), args: arguments(), stricter: mysqlStricter, unparsed: map[string]bool{"uuid": true},
			literals: literals(quoteMySQL, "TRUE", "FALSE", "x'00ff'", "N'national'", `'a\nb'`),
		}
		if parameters != "" {
			x.flavour = mysqlFlavour(parameters).named(parameters)
			x.short = true
		}
		out = append(out, x)
	}
	return out
}

// postgresStricter is what package pgvalue documents.
func postgresStricter(_, problem string, value any) bool {
	_, isTime := value.(time.Time)
	return strings.Contains(problem, "no offset from UTC") || isTime && problem == logical.ProblemRange
}

// mysqlStricter is what package myvalue documents.
func mysqlStricter(declaration, problem string, value any) bool {
	base, _, _ := strings.Cut(declaration, "(")
	switch base {
	case "date", "time", "datetime", "timestamp":
		return strings.HasPrefix(problem, "not written as") || strings.HasPrefix(problem, "values of this kind")
	case "char", "binary", "varchar", "varbinary", "tinytext", "text", "mediumtext", "blob", "longblob":
		_, isDouble := value.(float64)
		_, isFloat := value.(float32)
		return (isDouble || isFloat) && strings.HasPrefix(problem, "too long")
	}
	return strings.HasPrefix(problem, "values of this kind") || // hexadecimal constants for numbers
		strings.HasPrefix(problem, "too many digits behind the point")
}
