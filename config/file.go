package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/sealsql/sealsql/schema"
)

// file is the vocabulary of sealsql.yaml. Its tags drive the decoder
// (decode.go) and the JSON Schema (jsonschema.go).
type file struct {
	Version   int                 `yaml:"version" required:"true" min:"1" max:"1" doc:"Version of this format: 1."`
	Service   string              `yaml:"service" required:"true" doc:"Name of the service that owns the data. Part of every key's id and bound into every value: changing it makes stored data unreadable."`
	Product   string              `yaml:"product" required:"true" doc:"Name of the product or team that the service belongs to. Part of every key's id and bound into every value: changing it makes stored data unreadable."`
	KMS       kmsSection          `yaml:"kms" required:"true" doc:"Where the master key is: exactly one of the key management services."`
	Retiring  *kmsSection         `yaml:"kms_retiring" doc:"Where the master key was: system keys that it wrapped go on opening until sealsql keys rewrap has handed them over."`
	Metastore metastoreSection    `yaml:"metastore" default:"same" doc:"Where the wrapped keys are kept."`
	Policy    policySection       `yaml:"policy" doc:"Life of keys."`
	Cache     cacheSection        `yaml:"cache" doc:"Keys kept in memory."`
	Memory    string              `yaml:"memory" enum:"require prefer off" default:"prefer" doc:"Whether keys must lie in locked memory: require fails without it, prefer does without it where the system gives none, off does not ask for it."`
	Eager     bool                `yaml:"eager" default:"false" doc:"Load or create the system key when the database is opened, instead of at its first use."`
	Defaults  defaultsSection     `yaml:"defaults" doc:"What tables and columns have unless they say otherwise."`
	Tables    named[tableSection] `yaml:"tables" doc:"Tables with encrypted columns, by name or schema.name. A table named without a schema is meant in every schema, database and attached file."`
	Views     named[viewSection]  `yaml:"views" doc:"Views over tables with encrypted columns, by name or schema.name, declared by their columns: for views whose definition the database does not tell, or that is not understood. Where it is, the two are compared."`
	Clear     []string            `yaml:"clear_tables" doc:"Tables without encrypted columns, by name or schema.name. Needed only with catalog: {read: none}."`
	Routines  named[declaration]  `yaml:"routines" doc:"User-defined functions and procedures that are declared not to touch encrypted columns."`
	Triggers  named[declaration]  `yaml:"triggers" doc:"Triggers that are declared not to touch encrypted columns."`
	Catalog   catalogSection      `yaml:"catalog" doc:"How the database's own catalog is used."`
	Guards    string              `yaml:"guards" enum:"require warn off" default:"warn" doc:"What a missing CHECK guard on an encrypted column is: an error at open, a warning, or nothing."`
	Audit     *auditSection       `yaml:"audit" doc:"Trail of what is done with keys, and with the columns that ask for it; none unless given."`
	Shredded  string              `yaml:"shredded" enum:"error as_null" default:"error" doc:"What reading a value is whose key was destroyed (sealsql shred): an error, or NULL."`
	Limits    limitsSection       `yaml:"limits" doc:"Bounds of memory."`
	Asherah   asherahSection      `yaml:"asherah" doc:"Key ids of columns in Asherah's format."`
}

func (*file) later() map[string]string {
	return laterKeys("columns are encrypted without it", "search", "masks", "access", "purposes", "retention", "telemetry", "migrations")
}

func (*file) instead() map[string]string {
	return map[string]string{"not_before": "write it under policy", "max_stale": "write it under policy"}
}

// laterKeys gives several keys of later versions one explanation.
func laterKeys(why string, keys ...string) map[string]string {
	m := make(map[string]string, len(keys))
	for _, k := range keys {
		m[k] = why
	}
	return m
}

type kmsSection struct {
	Env    string         `yaml:"env" secret:"true" doc:"Name of the environment variable that holds the master key, 32 bytes in base64 or hexadecimal."`
	File   string         `yaml:"file" secret:"true" doc:"Path of the file that holds the master key, as sealsql keys generate writes it; readable by its owner only. Relative to this file."`
	Static *staticSection `yaml:"static" doc:"A master key in this file, for tests."`
	AWS    *awsSection    `yaml:"aws" doc:"AWS KMS, in one region or several; the program imports kms/aws."`
	Vault  *vaultSection  `yaml:"vault" doc:"The transit engine of HashiCorp Vault or OpenBao; the program imports kms/vault."`
	GCP    *gcpSection    `yaml:"gcp" doc:"Google Cloud KMS; the program imports kms/gcp."`
	Azure  *azureSection  `yaml:"azure" doc:"Azure Key Vault or Managed HSM; the program imports kms/azure."`
}

type staticSection struct {
	Key      string `yaml:"key" required:"true" secret:"true" doc:"The master key, 32 bytes in base64 or hexadecimal."`
	Insecure bool   `yaml:"insecure" required:"true" doc:"Must be true: whoever reads this file reads the data."`
}

func (*kmsSection) later() map[string]string {
	return laterKeys("this version has "+kmsNames(), "pkcs11")
}

func (*kmsSection) instead() map[string]string {
	return map[string]string{"provider": "write the provider's name as the key: aws: {…}"}
}

// kmsNames lists the services for messages.
func kmsNames() string {
	keys := keysOf(reflect.TypeFor[kmsSection]())
	return strings.Join(keys[:len(keys)-1], ", ") + " and " + keys[len(keys)-1]
}

func (k *kmsSection) check(d *decoder, p path) {
	given := 0
	for _, key := range keysOf(reflect.TypeFor[kmsSection]()) {
		if d.has(p.key(key)) {
			given++
		}
	}
	if given != 1 {
		d.at(p, "exactly one of "+kmsNames()+" must be here", "env: NAME_OF_VARIABLE, or file: PATH")
		return
	}
	k.checkNames(d, p)
}

func (k *kmsSection) checkNames(d *decoder, p path) {
	const noKey = "this looks like a key, not like its place"
	switch {
	case looksLikeKey(k.Env):
		d.at(p.key("env"), noKey, "put the key into an environment variable and write the variable's name here; then replace the key, for this file has shown it")
	case k.Env != "" && !isVariable(k.Env):
		d.at(p.key("env"), "this is not the name of an environment variable", "letters, digits and _, as in SEALSQL_MASTER_KEY")
	case looksLikeKey(k.File):
		d.at(p.key("file"), noKey, "write the path of the key file here; then replace the key, for this file has shown it")
	case k.Static != nil && !k.Static.Insecure:
		d.at(p.key("static"), "a key in this file protects nothing", "add insecure: true if this is a test, else use env or file")
	case k.Env == "" && d.has(p.key("env")):
		d.at(p.key("env"), "the name is empty", "write the name of an environment variable")
	case k.File == "" && d.has(p.key("file")):
		d.at(p.key("file"), "the path is empty", "write the path of the key file")
	case strings.ContainsRune(k.File, 0):
		d.at(p.key("file"), "the path holds a zero byte", "")
	}
}

// has reports whether the place is in the file.
func (d *decoder) has(p path) bool {
	_, ok := d.values[p]
	return ok
}

type metastoreSection struct {
	SQL      *sqlSection    `yaml:"sql" doc:"A table of a SQL database: same, or a mapping."`
	DynamoDB *dynamoSection `yaml:"dynamodb" doc:"A table of Amazon DynamoDB, in one region or several; the program imports metastore/dynamodb."`
	Memory   bool           // metastore: memory
}

func (*metastoreSection) words() []string { return []string{"memory"} }

func (m *metastoreSection) setWord(w string) {
	*m = metastoreSection{Memory: w == "memory"}
	if w == "same" { // the default
		m.SQL = &sqlSection{}
		m.SQL.setWord(w)
	}
}

func (*metastoreSection) later() map[string]string {
	return laterKeys("this version has sql, dynamodb and memory", "redis", "etcd")
}

func (m *metastoreSection) check(d *decoder, p path) {
	switch sql, dynamo := d.has(p.key("sql")), d.has(p.key("dynamodb")); {
	case !sql && !dynamo:
		d.at(p, "a metastore must be named", "sql: same, or metastore: memory for tests")
	case sql && dynamo:
		d.at(p, "sql and dynamodb exclude each other", "")
	}
}

type sqlSection struct {
	DSN    string `yaml:"dsn" secret:"true" doc:"Data source name of the database with the key table, in the form of the same engine's driver. May hold a password: prefer dsn_env."`
	DSNEnv string `yaml:"dsn_env" secret:"true" doc:"Name of the environment variable that holds the data source name."`
	Table  string `yaml:"table" default:"encryption_key" doc:"Name of the key table."`
	Same   bool   // sql: same
}

func (*sqlSection) words() []string { return []string{"same"} }

func (s *sqlSection) setWord(string) { *s = sqlSection{Same: true, Table: defaultKeyTable} }

const defaultKeyTable = "encryption_key"

func (s *sqlSection) check(d *decoder, p path) {
	s.Same = !d.has(p.key("dsn")) && !d.has(p.key("dsn_env"))
	switch {
	case s.DSN == "" && d.has(p.key("dsn")):
		d.at(p.key("dsn"), "the data source name is empty", "remove the key, or write sql: same")
	case s.DSN == "same":
		d.at(p.key("dsn"), "this is not a data source name", "write sql: same, or leave dsn out")
	case s.DSNEnv == "" && d.has(p.key("dsn_env")):
		d.at(p.key("dsn_env"), "the name is empty", "write the name of an environment variable")
	case s.DSN != "" && s.DSNEnv != "":
		d.at(p, "dsn and dsn_env exclude each other", "keep dsn_env")
	case s.DSNEnv != "" && !isVariable(s.DSNEnv):
		d.at(p.key("dsn_env"), "this is not the name of an environment variable", "letters, digits and _, as in KEYS_DSN")
	case !isTableName(s.Table):
		d.at(p.key("table"), "this is not a table name", "letters, digits and _, at most 63")
	}
}

type policySection struct {
	ExpireAfter      duration       `yaml:"expire_after" default:"90d" min:"1m" max:"3650d" doc:"Age at which system and intermediate keys are replaced by new ones. Older keys go on opening."`
	RevokeCheck      duration       `yaml:"revoke_check" default:"60m" min:"1s" max:"7d" doc:"Age at which a key in memory is looked up again, so that a revoked one stops sealing."`
	MaxStale         *duration      `yaml:"max_stale" min:"1s" max:"30d" doc:"Time for which a key goes on sealing while its state cannot be looked up; not shorter than revoke_check, and twice that unless given. Opening goes on for ever."`
	CreatedPrecision duration       `yaml:"created_precision" default:"1m" min:"1s" max:"1d" doc:"Times of creation are cut to this, so that processes that create a key together create one."`
	RotateAhead      duration       `yaml:"rotate_ahead" min:"2s" max:"3650d" doc:"How long before it expires the system key is replaced by one process in the background, and named keys with it; longer than revoke_check, shorter than expire_after. Without it a key is replaced when it is next used after its expiry, and that statement waits."`
	Watch            duration       `yaml:"watch" min:"1s" max:"1h" doc:"How often a process looks whether an operator has revoked a key, to notice it before revoke_check; on PostgreSQL it listens besides, on a connection of its own. Without it a revocation takes effect within revoke_check."`
	NotBefore        *moment        `yaml:"not_before" doc:"Keys created before this time do not seal; also after a key table was restored from a backup."`
	DataKey          dataKeySection `yaml:"data_key" doc:"Reuse of data keys."`
}

func (*policySection) later() map[string]string {
	return nil
}

func (s *policySection) check(d *decoder, p path) {
	if s.CreatedPrecision > s.ExpireAfter {
		d.at(p.key("created_precision"), "created_precision is longer than expire_after", "a key must live longer than the step of its time of creation")
	}
	if s.MaxStale != nil && *s.MaxStale < s.RevokeCheck {
		d.at(p.key("max_stale"), "max_stale is shorter than revoke_check", "leave it out for twice revoke_check")
	}
	switch {
	case s.RotateAhead == 0:
	case s.RotateAhead <= s.RevokeCheck:
		d.at(p.key("rotate_ahead"), "rotate_ahead is not longer than revoke_check", "processes take a new key up within revoke_check")
	case s.RotateAhead >= s.ExpireAfter:
		d.at(p.key("rotate_ahead"), "rotate_ahead is not shorter than expire_after", "a tenth of expire_after is usual")
	}
}

// maxStale is twice the interval of checks unless it is given.
func (s *policySection) maxStale() time.Duration {
	if s.MaxStale == nil {
		return 2 * time.Duration(s.RevokeCheck)
	}
	return time.Duration(*s.MaxStale)
}

type dataKeySection struct {
	MaxUses int      `yaml:"max_uses" default:"65536" min:"1" max:"1048576" doc:"Values sealed under one data key; 1 is a key for each value."`
	MaxAge  duration `yaml:"max_age" default:"60s" min:"1ms" max:"1h" doc:"Time during which one data key seals values."`
}

type cacheSection struct {
	Intermediate intermediateCacheSection `yaml:"intermediate" doc:"Intermediate keys, one for each partition."`
	Data         dataCacheSection         `yaml:"data" doc:"Data keys, one for each column of each partition."`
}

func (*cacheSection) later() map[string]string {
	return laterKeys("this version has intermediate and data", "system", "session", "values")
}

type intermediateCacheSection struct {
	Size   int      `yaml:"size" default:"10000" min:"1" max:"10000000" doc:"Keys kept."`
	Policy string   `yaml:"policy" enum:"tinylfu clock lru lfu" default:"tinylfu" doc:"Which keys stay when there are more: those used often lately, used since a hand passed, used last, or used most."`
	TTL    duration `yaml:"ttl" default:"2h" min:"1s" max:"30d" doc:"Time after which a key leaves memory, used or not."`
}

type dataCacheSection struct {
	Size int      `yaml:"size" default:"1024" min:"1" max:"1000000" doc:"Keys kept for sealing, and again for opening."`
	TTL  duration `yaml:"ttl" default:"10m" min:"1s" max:"30d" doc:"Time after which a key leaves memory, used or not."`
}

func (*dataCacheSection) later() map[string]string {
	return laterKeys("data keys have second chance", "policy")
}

type defaultsSection struct {
	Format    string           `yaml:"format" enum:"compact asherah" default:"compact" doc:"Format of the records: compact, or that of GoDaddy's Asherah, in which nothing binds a value to its row and column."`
	Algorithm string           `yaml:"algorithm" enum:"AES-256-GCM ChaCha20-Poly1305" later:"XChaCha20-Poly1305" default:"AES-256-GCM" doc:"Algorithm of the records. ChaCha20-Poly1305 is not allowed in FIPS 140-3 mode."`
	DataKey   string           `yaml:"data_key" enum:"derived wrapped" default:"derived" doc:"derived derives data keys; wrapped makes them at random and stores each in the record, wrapped: 48 bytes more, and values can be put under another key without being sealed anew."`
	Compress  *threshold       `yaml:"compress" doc:"Size in bytes from which values are compressed (zstd), or none. The length of a compressed value gives away how compressible it is."`
	Pad       *padding         `yaml:"pad" doc:"Hides the length of values: a power of two pads to its next multiple, padme to the lengths of PADMÉ."`
	Read      []formWord       `yaml:"read" doc:"Algorithms and forms that are read besides the one that is written."`
	Verify    string           `yaml:"verify" enum:"never always report" doc:"Whether values are compared with their search indexes where a SELECT finds rows by these: always makes a mismatch an error, report logs and counts it."`
	Partition partitionSection `yaml:"partition" doc:"Partition of tables that name none; the constant default unless given."`
}

type tableSection struct {
	Partition *partitionSection      `yaml:"partition" doc:"Where the partition of a row comes from."`
	Check     string                 `yaml:"partition_check" enum:"strict relaxed" default:"strict" doc:"strict demands that a value's partition is the expected one; relaxed opens a value by the partition that it names."`
	Format    string                 `yaml:"format" enum:"compact asherah" doc:"Format of the table's records; that of defaults unless given."`
	Algorithm string                 `yaml:"algorithm" enum:"AES-256-GCM ChaCha20-Poly1305" doc:"Algorithm of the table's records; that of defaults unless given."`
	DataKey   string                 `yaml:"data_key" enum:"derived wrapped" doc:"Data keys of the table's records; those of defaults unless given."`
	Compress  *threshold             `yaml:"compress" doc:"Size in bytes from which the table's values are compressed, or none; that of defaults unless given."`
	Pad       *padding               `yaml:"pad" doc:"Padding of the table's values; that of defaults unless given."`
	Read      []formWord             `yaml:"read" doc:"Algorithms and forms that are read besides the one that is written; those of defaults unless given."`
	Verify    string                 `yaml:"verify" enum:"never always report" doc:"Whether the table's values are compared with their search indexes; that of defaults unless given."`
	BindRow   *rowIdentitySection    `yaml:"bind_row" doc:"Binds every encrypted value to its row: it opens only beside the same value of this column. Statements that write or read encrypted columns then have to tell the row."`
	Indexes   named[compoundSection] `yaml:"indexes" doc:"Search indexes over several columns together, by name."`
	Columns   named[columnSection]   `yaml:"columns" required:"true" doc:"The encrypted columns."`
}

func (*tableSection) later() map[string]string {
	return laterKeys("leave it out", "state", "guards", "access", "retention", "id")
}

func (*tableSection) instead() map[string]string {
	return map[string]string{"row_identity": "write bind_row", "identity": "write bind_row", "padding": "write pad"}
}

type partitionSection struct {
	Column  string    `yaml:"column" doc:"A clear column of the same row."`
	Type    *typeName `yaml:"type" doc:"Type of the partition column; it decides the form in which its values name keys."`
	Const   string    `yaml:"const" doc:"One partition for all rows."`
	Context bool      // partition: context
}

func (*partitionSection) words() []string { return []string{"context"} }

func (s *partitionSection) setWord(string) { *s = partitionSection{Context: true} }

func (*partitionSection) instead() map[string]string {
	return map[string]string{"context": "write partition: context", "constant": "write const"}
}

func (*partitionSection) wrongWord(string) string {
	return "write {column: NAME, type: TYPE}, {const: NAME}, or context"
}

func (s *partitionSection) check(d *decoder, p path) {
	column, constant := d.has(p.key("column")), d.has(p.key("const"))
	switch {
	case column == constant:
		d.at(p, "exactly one of column and const must be here", "or write partition: context")
	case column && s.Type == nil && !d.has(p.key("type")):
		d.at(p, "a partition column needs its type", "add type: text, int64, uuid, numeric or date")
	case constant && d.has(p.key("type")):
		d.atKey(p.key("type"), "a constant partition has no type", "remove the key")
	case constant && s.Const == "":
		d.at(p.key("const"), "the partition is empty", "name it")
	case column && s.Column == "":
		d.at(p.key("column"), "the column name is empty", "name the column")
	}
}

type columnSection struct {
	Type      typeName       `yaml:"type" default:"text" doc:"Type that the column would have if it were not encrypted, in the words of the engine."`
	ID        *string        `yaml:"id" doc:"Stable id that is bound into every value; table.column in lower case unless given. Changing it makes stored data unreadable."`
	Carrier   string         `yaml:"carrier" enum:"binary text" default:"binary" doc:"Kind of the physical column: binary holds records as they are, text holds them in base64."`
	Default   *constant      `yaml:"default" doc:"What the driver stores where an INSERT gives the column no value; NULL unless given. The table itself has no default."`
	Search    *searchSection `yaml:"search" doc:"How the column can be searched; not at all unless given."`
	Algorithm string         `yaml:"algorithm" enum:"AES-256-GCM ChaCha20-Poly1305" doc:"Algorithm of the column's records; that of the table unless given."`
	DataKey   string         `yaml:"data_key" enum:"derived wrapped" doc:"Data keys of the column's records; those of the table unless given."`
	Compress  *threshold     `yaml:"compress" doc:"Size in bytes from which the column's values are compressed, or none; that of the table unless given."`
	Pad       *padding       `yaml:"pad" doc:"Padding of the column's values; that of the table unless given."`
	Read      []formWord     `yaml:"read" doc:"Algorithms and forms that are read besides the one that is written; those of the table unless given."`
	Verify    string         `yaml:"verify" enum:"never always report" doc:"Whether the column's values are compared with its search indexes where a SELECT finds rows by these; that of the table unless given."`
	Sort      *sortSection   `yaml:"client_sort" doc:"Lets the driver sort by the column where no index reveals its order, up to a number of rows."`
	Accept    string         `yaml:"accept_leakage" enum:"order" doc:"What the database may learn beyond which values are equal: order."`
	BindRow   *bool          `yaml:"bind_row" doc:"false takes the column out of the table's bind_row."`
	Audit     []auditWord    `yaml:"audit" doc:"Statements on the column that the audit trail records: read, write, search, delete. None unless given."`
	Format    string         `yaml:"format" enum:"compact asherah" doc:"Format of the column's records; that of the table unless given."`
}

type sortSection struct {
	MaxRows   int    `yaml:"max_rows" required:"true" min:"1" max:"1000000" doc:"Rows that are sorted; more are an error."`
	Collation string `yaml:"collation" enum:"binary" doc:"The order of texts, which must be said: binary, by bytes."`
}

func (*columnSection) words() []string { return []string{"encrypted"} }

func (s *columnSection) setWord(string) {
	*s = columnSection{Carrier: "binary"}
	s.Type.set("text")
}

func (*columnSection) wrongWord(w string) string {
	if t, err := schema.ParseType(w); err == nil {
		return "write {type: " + t.Declared + "}"
	}
	return ""
}

func (*columnSection) instead() map[string]string {
	return map[string]string{
		"encrypted": "write NAME: encrypted, or leave the key out",
		"padding":   "write pad", "row_identity": "write bind_row at the table",
		"collation": "write it below client_sort, or below an index of search",
		"equality":  "write it below search", "prefix": "write it below search", "suffix": "write it below search",
		"contains": "write it below search", "range": "write it below search",
		"unique": "write it below search.equality", "normalize": "write it below search.equality",
	}
}

func (*columnSection) later() map[string]string {
	return laterKeys("leave it out", "state", "plain", "mask", "access", "json")
}

// typeName is the spelling of a logical type.
type typeName schema.Type

func (t *typeName) set(text string) (problem, suggestion string) {
	parsed, err := schema.ParseType(text)
	if err != nil {
		e := err.(*schema.TypeError)
		if e.Suggestion != "" {
			return e.Problem, "use " + e.Suggestion
		}
		if strings.Contains(text, "(") && !strings.Contains(text, ")") { // YAML ends the word at the comma
			return e.Problem, `in braces quote a type that has a comma: "numeric(10,2)"`
		}
		return e.Problem, ""
	}
	*t = typeName(parsed)
	return "", ""
}

// constant is the text of a scalar of any kind.
type constant string

func (v *constant) set(text string) (problem, suggestion string) {
	*v = constant(text)
	return "", ""
}

// declaration is the word that declares code harmless.
type declaration bool

func (v *declaration) set(text string) (problem, suggestion string) {
	if text != "clear" {
		return "this word is not known here", "write clear, or remove the entry"
	}
	*v = true
	return "", ""
}

type catalogSection struct {
	Read   string   `yaml:"read" enum:"auto none" default:"auto" doc:"auto reads the database's catalog; none goes by this file alone, and refuses every table that is neither in tables nor in clear_tables."`
	MaxAge duration `yaml:"max_age" default:"30s" min:"100ms" max:"1h" doc:"Age at which the catalog is read again."`
}

type limitsSection struct {
	Plans int `yaml:"plan_cache" default:"4096" min:"1" max:"1000000" doc:"Statements whose plan is kept."`
	Keys  int `yaml:"lookup_keys" default:"10000" min:"1" max:"100000" doc:"Rows whose keys one statement may look up first, where it searches by a pattern and rows cannot be left out of its result; more are an error."`
	Scans int `yaml:"scan_rows" default:"10000" min:"0" max:"10000000" doc:"Rows that LIKE may open in vain where the column has search: equality and no index for patterns, so that every row is read; more are an error. 0 refuses such searches."`
}

func (s *policySection) durations() Policy {
	return Policy{
		ExpireAfter:      time.Duration(s.ExpireAfter),
		RevokeCheck:      time.Duration(s.RevokeCheck),
		MaxStale:         s.maxStale(),
		CreatedPrecision: time.Duration(s.CreatedPrecision),
		RotateAhead:      time.Duration(s.RotateAhead),
		Watch:            time.Duration(s.Watch),
		NotBefore:        s.NotBefore.time(),
		DataKey:          DataKey{MaxUses: s.DataKey.MaxUses, MaxAge: time.Duration(s.DataKey.MaxAge)},
	}
}

func (s *cacheSection) sizes() Cache {
	return Cache{
		Intermediate: KeyCache{Size: s.Intermediate.Size, Policy: s.Intermediate.Policy, TTL: s.Intermediate.TTL.std()},
		Data:         KeyCache{Size: s.Data.Size, Policy: "clock", TTL: s.Data.TTL.std()},
	}
}
