package schema

// params says which modifiers a type's word takes.
type params uint8

const (
	noParams     params = iota
	optLength           // varchar, varchar(n)
	mustLength          // varbinary(n)
	oneLength           // char is char(1)
	optPrecision        // numeric, numeric(p), numeric(p,s)
	optFraction         // timestamp, timestamp(p)
	displayWidth        // int(11): accepted and dropped, it changes no value
	floatBits           // float(24): picks the size
)

// word is what a spelling without modifiers means.
type word struct {
	typ    Type // Kind, Base, Bits, Unsigned, Fixed
	params params
}

func text(base string, p params, fixed bool) word {
	return word{Type{Kind: KindText, Base: base, Fixed: fixed}, p}
}

func bytesOf(base string, p params, fixed bool) word {
	return word{Type{Kind: KindBytes, Base: base, Fixed: fixed}, p}
}

func integer(base string, bits int) word {
	return word{Type{Kind: KindInt, Base: base, Bits: bits}, displayWidth}
}

func float(base string, bits int, p params) word {
	return word{Type{Kind: KindFloat, Base: base, Bits: bits}, p}
}

func plain(k Kind, base string, p params) word {
	return word{Type{Kind: k, Base: base}, p}
}

// words are all spellings of PostgreSQL, MySQL, MariaDB and SQLite that are
// understood, and the neutral names. Where engines share a spelling with one
// meaning it has one entry; where they do not (real, float) the entry leaves
// the difference to the engine.
var words = map[string]word{
	"text":                       text("text", noParams, false),
	"tinytext":                   text("tinytext", noParams, false),
	"mediumtext":                 text("mediumtext", noParams, false),
	"longtext":                   text("longtext", noParams, false),
	"clob":                       text("clob", noParams, false),
	"varchar":                    text("varchar", optLength, false),
	"character varying":          text("varchar", optLength, false),
	"char varying":               text("varchar", optLength, false),
	"varying character":          text("varchar", optLength, false),
	"nvarchar":                   text("varchar", optLength, false),
	"national varchar":           text("varchar", optLength, false),
	"national character varying": text("varchar", optLength, false),
	"national char varying":      text("varchar", optLength, false),
	"char":                       text("char", oneLength, true),
	"character":                  text("char", oneLength, true),
	"nchar":                      text("char", oneLength, true),
	"national char":              text("char", oneLength, true),
	"national character":         text("char", oneLength, true),
	"native character":           text("char", oneLength, true),
	"bpchar":                     text("char", mustLength, true),

	"bytes":          bytesOf("bytes", noParams, false),
	"bytea":          bytesOf("bytea", noParams, false),
	"blob":           bytesOf("blob", noParams, false),
	"tinyblob":       bytesOf("tinyblob", noParams, false),
	"mediumblob":     bytesOf("mediumblob", noParams, false),
	"longblob":       bytesOf("longblob", noParams, false),
	"varbinary":      bytesOf("varbinary", mustLength, false),
	"binary varying": bytesOf("varbinary", mustLength, false),
	"binary":         bytesOf("binary", oneLength, true),

	"tinyint":   integer("tinyint", 8),
	"int1":      integer("tinyint", 8),
	"smallint":  integer("smallint", 16),
	"int2":      integer("smallint", 16),
	"int16":     integer("smallint", 16),
	"mediumint": integer("mediumint", 24),
	"middleint": integer("mediumint", 24),
	"int3":      integer("mediumint", 24),
	"int":       integer("int", 32),
	"integer":   integer("int", 32),
	"int4":      integer("int", 32),
	"int32":     integer("int", 32),
	"bigint":    integer("bigint", 64),
	"big int":   integer("bigint", 64),
	"int8":      integer("bigint", 64),
	"int64":     integer("bigint", 64),

	"real":             float("real", 0, noParams),
	"float":            float("float", 0, floatBits),
	"float4":           float("float4", 32, noParams),
	"float32":          float("float4", 32, noParams),
	"double":           float("double", 64, noParams),
	"double precision": float("double", 64, noParams),
	"float8":           float("double", 64, noParams),
	"float64":          float("double", 64, noParams),

	"bool":    plain(KindBool, "boolean", noParams),
	"boolean": plain(KindBool, "boolean", noParams),

	"numeric": plain(KindNumeric, "numeric", optPrecision),
	"decimal": plain(KindNumeric, "numeric", optPrecision),
	"dec":     plain(KindNumeric, "numeric", optPrecision),
	"fixed":   plain(KindNumeric, "numeric", optPrecision),

	"date":                        plain(KindDate, "date", noParams),
	"time":                        plain(KindTime, "time", optFraction),
	"time without time zone":      plain(KindTime, "time", optFraction),
	"timestamp":                   plain(KindTimestamp, "timestamp", optFraction),
	"timestamp without time zone": plain(KindTimestamp, "timestamp", optFraction),
	"datetime":                    plain(KindTimestamp, "datetime", optFraction),
	"timestamptz":                 plain(KindTimestampTZ, "timestamptz", optFraction),
	"timestamp with time zone":    plain(KindTimestampTZ, "timestamptz", optFraction),

	"uuid":  plain(KindUUID, "uuid", noParams),
	"json":  plain(KindJSON, "json", noParams),
	"jsonb": plain(KindJSON, "jsonb", noParams),
}

// unsupported are types that the engines have and that cannot be encrypted
// (yet), with what to use instead.
var unsupported = map[string]string{
	"serial":                 "int, and let the application give the value: the server cannot count what it cannot read",
	"serial4":                "int, and let the application give the value: the server cannot count what it cannot read",
	"smallserial":            "smallint, and let the application give the value: the server cannot count what it cannot read",
	"serial2":                "smallint, and let the application give the value: the server cannot count what it cannot read",
	"bigserial":              "bigint, and let the application give the value: the server cannot count what it cannot read",
	"serial8":                "bigint, and let the application give the value: the server cannot count what it cannot read",
	"timetz":                 "time, or timestamptz",
	"time with time zone":    "time, or timestamptz",
	"interval":               "text, or bigint for a number of seconds",
	"year":                   "smallint",
	"money":                  "numeric(19,2)",
	"bit":                    "boolean, bigint or bytes",
	"bit varying":            "bytes",
	"varbit":                 "bytes",
	"enum":                   "text",
	"set":                    "text",
	"citext":                 "text",
	"name":                   "text",
	"xml":                    "text",
	"hstore":                 "jsonb",
	"inet":                   "text",
	"cidr":                   "text",
	"macaddr":                "text",
	"macaddr8":               "text",
	"inet4":                  "text",
	"inet6":                  "text",
	"oid":                    "bigint",
	"point":                  "text",
	"geometry":               "bytes",
	"geography":              "bytes",
	"vector":                 "bytes",
	"tsvector":               "text",
	"string":                 "text",
	"varchar2":               "varchar",
	"long varchar":           "mediumtext",
	"long":                   "mediumtext",
	"number":                 "numeric",
	"uniqueidentifier":       "uuid",
	"guid":                   "uuid",
	"datetime2":              "datetime",
	"unsigned big int":       "bigint unsigned",
	"uint32":                 "int unsigned",
	"uint64":                 "bigint unsigned",
	"encrypted":              "text",
	"character large object": "text",
}
