package postgres

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// userSchemas selects the namespaces of users. Names in the others resolve as
// system relations.
const userSchemas = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`

// firstUserOID is FirstNormalObjectId (access/transam.h): objects below it were there
// when the cluster was made. The condition spares work on all those.
const firstUserOID = `16384`

// Snapshot reads the catalog. PostgreSQL's functions that spell definitions
// (pg_get_indexdef and its like) look at the catalog as it is now, and fail on a
// relation that the query still sees and another session has just dropped: then
// it is read again. In a transaction of the caller it is read behind a savepoint,
// so that the failure does not end that.
func (e *engine) Snapshot(ctx context.Context, r *sealdriver.Reader, _ *sealdriver.Session) (*rewrite.Snapshot, error) {
	for tries := 0; ; tries++ {
		snap, err := savedSnapshot(ctx, r)
		if err == nil || tries >= 10 || !vanished(err) || !e.Ready(r.Conn()) {
			return snap, err
		}
	}
}

const catalogSavepoint = "sealsql_catalog"

// savedSnapshot leaves a transaction as it finds it.
func savedSnapshot(ctx context.Context, r *sealdriver.Reader) (*rewrite.Snapshot, error) {
	c := pgxConn(r.Conn())
	if c == nil || c.PgConn().TxStatus() != 'T' {
		return readSnapshot(ctx, r)
	}
	if _, err := c.PgConn().Exec(ctx, "SAVEPOINT "+catalogSavepoint).ReadAll(); err != nil {
		return nil, err
	}
	snap, err := readSnapshot(ctx, r)
	end := "RELEASE SAVEPOINT " + catalogSavepoint
	if err != nil {
		end = "ROLLBACK TO SAVEPOINT " + catalogSavepoint + "; " + end
	}
	if _, endErr := c.PgConn().Exec(ctx, end).ReadAll(); endErr != nil && err == nil {
		return nil, endErr
	}
	return snap, err
}

// vanished reports an error about something that was dropped while it was read,
// or was about to be: the functions lock what they spell.
func vanished(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == internalError || pe.Code == undefinedTable || pe.Code == deadlockDetected)
}

// readSnapshot reads with a handful of queries, each over all relations at once.
func readSnapshot(ctx context.Context, r *sealdriver.Reader) (*rewrite.Snapshot, error) {
	domains, err := readDomains(ctx, r)
	if err != nil {
		return nil, err
	}
	rels, err := readRelations(ctx, r, userSchemas, domains)
	if err != nil {
		return nil, err
	}
	routines, err := readRoutines(ctx, r)
	if err != nil {
		return nil, err
	}
	system, err := readSystem(ctx, r)
	if err != nil {
		return nil, err
	}
	enums, err := readEnums(ctx, r)
	if err != nil {
		return nil, err
	}
	return &rewrite.Snapshot{Relations: rels, Routines: routines, System: system, Enums: enums, Domains: bySchema(domains)}, nil
}

// readEnums reads the labels of enumerated types. A name that several types have,
// those of temporary tables included, may mean another one in another session, and
// a cast of a user's own may make another label of a text: both are left out.
func readEnums(ctx context.Context, r *sealdriver.Reader) (map[rewrite.RelationID][]string, error) {
	out := map[rewrite.RelationID][]string{}
	err := query(ctx, r, `SELECT n.nspname::text, t.typname::text, e.enumlabel::text
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE `+userSchemas+` AND NOT EXISTS (SELECT 1 FROM pg_type o WHERE o.typname = t.typname AND o.oid <> t.oid)
	AND NOT EXISTS (SELECT 1 FROM pg_cast k WHERE k.casttarget = t.oid)
ORDER BY n.nspname, t.typname, e.enumsortorder`, func(v sealdriver.Row) error {
		id := rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}
		out[id] = append(out[id], v.Text(2))
		return nil
	})
	return out, err
}

// readSystem reads the columns of the catalog's relations that show those of
// users: they differ between versions.
func readSystem(ctx context.Context, r *sealdriver.Reader) (map[rewrite.RelationID][]string, error) {
	out := map[rewrite.RelationID][]string{}
	err := query(ctx, r, `SELECT n.nspname::text, c.relname::text, a.attname::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND (n.nspname = 'pg_catalog' AND c.relname IN ('pg_attribute', 'pg_index')
	OR n.nspname = 'information_schema' AND c.relname IN ('columns', 'key_column_usage', 'constraint_column_usage'))
ORDER BY n.nspname, c.relname, a.attnum`, func(v sealdriver.Row) error {
		id := rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}
		out[id] = append(out[id], v.Text(2))
		return nil
	})
	return out, err
}

// relations is a set of relations while it is put together.
type relations struct {
	ctx   context.Context
	r     *sealdriver.Reader
	where string // condition on pg_namespace n
	list  []rewrite.SnapshotRelation
	byOID map[int64]int
	// domains are those of records, by OID.
	domains map[int64]domain
}

func readRelations(ctx context.Context, r *sealdriver.Reader, where string, domains map[int64]domain) ([]rewrite.SnapshotRelation, error) {
	rs := &relations{ctx: ctx, r: r, where: where, byOID: map[int64]int{}, domains: domains}
	for _, read := range []func() error{
		rs.readNames, rs.readColumns, rs.readDefinitions, rs.readDependencies, rs.readCode, rs.readRelatives,
		rs.readTriggers, rs.readCalls, rs.readRules, rs.readReferences, rs.readChecks, rs.readIndexes, rs.readPolicies,
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return rs.list, nil
}

// query runs a query in which "$where" stands for the condition on n, and
// calls row for the rows whose first column is the OID of a known relation.
func (rs *relations) query(text string, row func(*rewrite.SnapshotRelation, sealdriver.Row)) error {
	return query(rs.ctx, rs.r, strings.ReplaceAll(text, "$where", rs.where), func(v sealdriver.Row) error {
		if i, ok := rs.byOID[v.Int(0)]; ok {
			row(&rs.list[i], v)
		}
		return nil
	})
}

var kinds = map[string]rewrite.RelationKind{
	"r": rewrite.RelTable, "v": rewrite.RelView, "m": rewrite.RelMaterializedView,
	"p": rewrite.RelPartitioned, "f": rewrite.RelForeign, "S": rewrite.RelSequence,
}

func (rs *relations) readNames() error {
	text := `SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND $where ORDER BY n.nspname, c.relname`
	return query(rs.ctx, rs.r, strings.ReplaceAll(text, "$where", rs.where), func(v sealdriver.Row) error {
		rs.byOID[v.Int(0)] = len(rs.list)
		rs.list = append(rs.list, rewrite.SnapshotRelation{
			ID:   rewrite.RelationID{Schema: v.Text(1), Name: v.Text(2)},
			Kind: kinds[v.Text(3)],
		})
		return nil
	})
}

// readColumns reads columns in physical order. Equality is that of bytes for
// text types with a deterministic collation, and for the built-in types whose
// values have one form each; char(n) ignores trailing blanks.
func (rs *relations) readColumns() error {
	return rs.query(`SELECT c.oid::bigint, a.attname::text, lower(format_type(a.atttypid, a.atttypmod)), a.attnotnull,
	coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault, ''), a.attgenerated <> '' OR a.attidentity <> '',
	coalesce(l.collname::text, ''),
	t.typname IN ('text', 'varchar', 'uuid', 'int2', 'int4', 'int8', 'bytea', 'date', 'bool', 'name')
		AND t.typnamespace = 'pg_catalog'::regnamespace AND coalesce(l.collisdeterministic, true),
	a.atttypid::bigint, c.relowner::bigint, a.attgenerated <> '',
	CASE t.typtype WHEN 'd' THEN (`+underDomain+`) ELSE '' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND $where
ORDER BY c.oid, a.attnum`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		col := rewrite.CatalogColumn{
			Name: v.Text(1), Type: v.Text(2), NotNull: v.Bool(3),
			Default: defaultOf(v.Text(4)), Generated: v.Bool(5),
			Collation: v.Text(6), BytewiseEqual: v.Bool(7), Base: v.Text(11),
		}
		if d, ok := rs.domains[v.Int(8)]; ok && (d.trusted || d.owner == v.Int(9)) {
			d.of(rel, &col)
		}
		rel.Columns = append(rel.Columns, col)
		if v.Bool(10) {
			rel.Computed = append(rel.Computed, strings.ToLower(v.Text(4)))
		}
	})
}

// underDomain is the type that the domain t is one of, through others: the last of them
// has its length.
const underDomain = `WITH RECURSIVE under (base, modifier) AS (
		SELECT t.typbasetype, t.typtypmod
		UNION ALL
		SELECT d.typbasetype, d.typtypmod FROM under u JOIN pg_type d ON d.oid = u.base AND d.typtype = 'd')
	SELECT lower(format_type(u.base, u.modifier)) FROM under u JOIN pg_type b ON b.oid = u.base WHERE b.typtype <> 'd'`

var nullDefault = regexp.MustCompile(`(?i)^\(*null(::[^']*)?\)*$`)

func defaultOf(expr string) string {
	if nullDefault.MatchString(expr) {
		return ""
	}
	return expr
}

// readDefinitions reads the queries of views. A name in them that the session
// would find without its schema is printed without it: it means one of the
// relations that the view depends on.
func (rs *relations) readDefinitions() error {
	return rs.query(`SELECT c.oid::bigint, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND $where`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Definition = v.Text(1)
	})
}

// readDependencies reads what views, materialized views and rules name.
func (rs *relations) readDependencies() error {
	return rs.query(`SELECT DISTINCT w.ev_class::bigint, rn.nspname::text, rc.relname::text
FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class rc ON rc.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE d.refobjid <> w.ev_class AND $where ORDER BY 1, 2, 3`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.DependsOn = append(rel.DependsOn, rewrite.RelationID{Schema: v.Text(1), Name: v.Text(2)})
	})
}

// readCode marks views and rules that call routines of users: what these read
// is not known.
func (rs *relations) readCode() error {
	return rs.query(`SELECT DISTINCT w.ev_class::bigint
FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
WHERE NOT EXISTS (`+trustedCode("d.refclassid", "d.refobjid")+`) AND $where ORDER BY 1`, func(rel *rewrite.SnapshotRelation, _ sealdriver.Row) {
		rel.OpaqueDefinition = true
	})
}

// trustedExtensions are extensions of the PostgreSQL distribution (and
// pgvector) whose functions are computations over their arguments: none takes
// SQL or the name of a relation, none reads a table.
const trustedExtensions = `'citext', 'pgcrypto', 'uuid-ossp', 'pg_trgm', 'hstore', 'btree_gin', 'btree_gist', 'unaccent',
	'fuzzystrmatch', 'ltree', 'intarray', 'cube', 'earthdistance', 'isn', 'seg', 'vector'`

// trustedCode is a subquery with a row when the object is a built-in one, or
// belongs to a trusted extension; operators may belong to any extension, where
// they are computations (spatial extensions define "=" for their types). Its own aliases begin with "trusted", so that
// they never capture the names in class and oid.
func trustedCode(class, oid string) string {
	return `SELECT FROM pg_depend trusted_d JOIN pg_extension trusted_e ON trusted_d.refclassid = 'pg_extension'::regclass AND trusted_d.refobjid = trusted_e.oid
	WHERE trusted_d.classid = ` + class + ` AND trusted_d.objid = ` + oid + ` AND trusted_d.deptype = 'e'
		AND (` + class + ` = 'pg_operator'::regclass OR trusted_e.extname IN (` + trustedExtensions + `))
	UNION ALL SELECT FROM pg_proc trusted_p WHERE ` + class + ` = 'pg_proc'::regclass AND trusted_p.oid = ` + oid + ` AND trusted_p.pronamespace = 'pg_catalog'::regnamespace
	UNION ALL SELECT FROM pg_operator trusted_o WHERE ` + class + ` = 'pg_operator'::regclass AND trusted_o.oid = ` + oid + ` AND trusted_o.oprnamespace = 'pg_catalog'::regnamespace`
}

// callers are what runs code when rows of a relation are read or written, apart
// from triggers: constraints, defaults and generated columns, policies, index
// expressions, views and rules.
const callers = `(SELECT conrelid AS rel, 'pg_constraint'::regclass AS class, oid AS obj FROM pg_constraint WHERE conrelid <> 0
	UNION ALL SELECT adrelid, 'pg_attrdef'::regclass, oid FROM pg_attrdef
	UNION ALL SELECT polrelid, 'pg_policy'::regclass, oid FROM pg_policy
	UNION ALL SELECT ev_class, 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE oid >= ` + firstUserOID + `
	UNION ALL SELECT indrelid, 'pg_class'::regclass, indexrelid FROM pg_index)`

// readCalls reads the routines of users, and settingBuiltin, that the definition of a
// relation calls. An immutable function in C is a computation.
func (rs *relations) readCalls() error {
	return rs.query(`SELECT DISTINCT c.oid::bigint, coalesce(lower(p.proname), 'operator ' || o.oprname), u.class IN ('pg_policy'::regclass, 'pg_rewrite'::regclass)
FROM `+callers+` AS u JOIN pg_class c ON c.oid = u.rel JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = u.class AND d.objid = u.obj AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
WHERE NOT EXISTS (`+trustedCode("d.refclassid", "d.refobjid")+`)
	AND NOT EXISTS (SELECT FROM pg_language l WHERE l.oid = p.prolang AND l.lanname IN ('c', 'internal') AND p.provolatile = 'i')
	AND $where
UNION SELECT c.oid::bigint, p.proname::text, x.read
FROM (SELECT conrelid AS rel, conbin::text AS tree, false AS read FROM pg_constraint WHERE conrelid <> 0 AND conbin IS NOT NULL
	UNION ALL SELECT adrelid, adbin::text, false FROM pg_attrdef
	UNION ALL SELECT polrelid, concat(polqual::text, polwithcheck::text), true FROM pg_policy
	UNION ALL SELECT ev_class, concat(ev_action::text, ev_qual::text), true FROM pg_rewrite WHERE oid >= `+firstUserOID+`
	UNION ALL SELECT indrelid, concat(indexprs::text, indpred::text), false FROM pg_index WHERE indexprs IS NOT NULL OR indpred IS NOT NULL) AS x
JOIN pg_class c ON c.oid = x.rel JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON `+settingBuiltin+` AND x.tree LIKE '%:funcid ' || p.oid || ' %'
WHERE $where ORDER BY 1, 2, 3`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Calls = append(rel.Calls, rewrite.SnapshotCall{Routine: v.Text(1), OnRead: v.Bool(2)})
	})
}

// readRelatives reads inheritance and partitioning, in both directions.
func (rs *relations) readRelatives() error {
	return rs.query(`SELECT c.oid::bigint, rn.nspname::text, rc.relname::text, i.up
FROM (SELECT inhrelid AS one, inhparent AS other, true AS up FROM pg_inherits UNION ALL SELECT inhparent, inhrelid, false FROM pg_inherits) AS i
JOIN pg_class c ON c.oid = i.one JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class rc ON rc.oid = i.other JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE $where ORDER BY 1, 2, 3`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		id := rewrite.RelationID{Schema: v.Text(1), Name: v.Text(2)}
		rel.Relatives = append(rel.Relatives, id)
		if v.Bool(3) {
			rel.Parents = append(rel.Parents, id)
		}
		rel.DependsOn = append(rel.DependsOn, id)
	})
}

// readTriggers reads triggers with the words of their functions, and of those that
// their WHEN calls.
func (rs *relations) readTriggers() error {
	return rs.query(`SELECT g.tgrelid::bigint, g.tgname::text, l.lanname::text, p.prosrc, EXISTS (`+trustedCode("'pg_proc'::regclass", "p.oid")+`),
	`+inTree("g.tgqual::text", settingOIDs)+`
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT g.tgfoid AS oid UNION SELECT q.oid FROM pg_depend d
	LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
	JOIN pg_proc q ON d.refclassid = 'pg_proc'::regclass AND q.oid = d.refobjid OR q.oid = o.oprcode
	JOIN pg_language k ON k.oid = q.prolang
	WHERE d.classid = 'pg_trigger'::regclass AND d.objid = g.oid AND NOT (k.lanname IN ('c', 'internal') AND q.provolatile = 'i')
		AND NOT EXISTS (`+trustedCode("d.refclassid", "d.refobjid")+`)) AS f
JOIN pg_proc p ON p.oid = f.oid JOIN pg_language l ON l.oid = p.prolang
WHERE NOT g.tgisinternal AND $where ORDER BY 1, 2, p.oid <> g.tgfoid, p.oid`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Triggers = append(rel.Triggers, rewrite.SnapshotTrigger{
			Name: v.Text(1), Words: bodyWords(v.Text(2), v.Text(3)), Sets: v.Bool(5) || !v.Bool(4) && setsSession(v.Text(2), v.Text(3)),
		})
	})
}

// readReferences reads foreign keys. ON DELETE SET NULL (c) leaves the other columns
// alone from PostgreSQL 15 on; before, pg_constraint has no column for it.
func (rs *relations) readReferences() error {
	return rs.query(`SELECT k.conrelid::bigint, fn.nspname::text, f.relname::text, k.confdeltype = 'c',
	CASE WHEN k.confupdtype IN ('a', 'r') THEN '' ELSE (SELECT string_agg(a.attname || E'\x01' || b.attname, E'\x01' ORDER BY p.at)
		FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(own, other, at)
		JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.own JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = p.other) END,
	CASE WHEN k.confdeltype IN ('n', 'd') THEN (SELECT string_agg(a.attname, E'\x01' ORDER BY a.attnum)
		FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
			AND (coalesce(jsonb_typeof(to_jsonb(k) -> 'confdelsetcols'), 'null') = 'null' OR to_jsonb(k) -> 'confdelsetcols' @> to_jsonb(a.attnum))) END
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype = 'f' AND $where ORDER BY 1, k.oid`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		ref := rewrite.SnapshotReference{
			To: rewrite.RelationID{Schema: v.Text(1), Name: v.Text(2)}, Cascades: v.Bool(3), Changes: changes(v.Text(4)),
		}
		if list := v.Text(5); list != "" {
			ref.Clears = strings.Split(list, listSeparator)
		}
		rel.References = append(rel.References, ref)
	})
}

func (rs *relations) readRules() error {
	return rs.query(`SELECT w.ev_class::bigint, w.rulename::text
FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE w.rulename <> '_RETURN' AND $where ORDER BY 1, 2`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Rules = append(rel.Rules, v.Text(1))
	})
}

// readPolicies reads which columns the conditions of row security read, wherever the
// policy is. Rows as a whole are not among what PostgreSQL records.
func (rs *relations) readPolicies() error {
	return rs.query(`SELECT DISTINCT d.refobjid::bigint, p.polname::text, a.attname::text
FROM pg_policy p JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
WHERE $where ORDER BY 1, 2, 3`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Policies = append(rel.Policies, rewrite.SnapshotPolicy{Name: v.Text(1), Column: v.Text(2)})
	})
}

// readChecks reads CHECK constraints, but those that PostgreSQL 18 does not
// enforce: they keep nothing out and compute nothing.
func (rs *relations) readChecks() error {
	return rs.query(`SELECT k.conrelid::bigint, lower(pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND $where ORDER BY 1, k.conname`, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		if !strings.HasSuffix(v.Text(1), " not enforced") {
			rel.Checks = append(rel.Checks, v.Text(1))
		}
	})
}

// changes reads pairs of columns, of a table and of that to which it refers.
func changes(list string) (out []rewrite.SnapshotChange) {
	names := strings.Split(list, listSeparator)
	for i := 0; i+1 < len(names); i += 2 {
		out = append(out, rewrite.SnapshotChange{Column: names[i], Of: names[i+1]})
	}
	return out
}

// listSeparator divides the column names of an index in one text.
const listSeparator = "\x01"

// readIndexes reads unique column sets, and the texts of indexes over
// expressions, with a condition or of exclusion constraints. An index whose making was broken off
// (CONCURRENTLY) keeps nothing unique.
func (rs *relations) readIndexes() error {
	return rs.query(`SELECT i.indrelid::bigint, i.indisunique AND i.indexprs IS NULL AND i.indpred IS NULL, lower(pg_get_indexdef(i.indexrelid)),
	coalesce((SELECT string_agg(a.attname::text, E'\x01' ORDER BY k.at) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, at)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.at <= i.indnkeyatts), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (i.indisunique AND i.indisvalid OR i.indisexclusion OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND $where ORDER BY 1, i.indexrelid`,
		func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
			if v.Bool(1) {
				rel.Unique = append(rel.Unique, strings.Split(v.Text(3), listSeparator))
				return
			}
			def := v.Text(2)
			rel.ExpressionIndexes = append(rel.ExpressionIndexes, def[strings.IndexByte(def, '(')+1:])
		})
}

// readRoutines lists functions, procedures, aggregates and operators of users,
// and the types that a value is brought to by such code ("type email").
func readRoutines(ctx context.Context, r *sealdriver.Reader) ([]string, error) {
	var out []string
	err := query(ctx, r, `SELECT DISTINCT lower(p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid >= `+firstUserOID+` AND `+userSchemas+` AND NOT EXISTS (`+trustedCode("'pg_proc'::regclass", "p.oid")+`)
UNION SELECT DISTINCT 'operator ' || o.oprname FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oid >= `+firstUserOID+` AND `+userSchemas+` AND NOT EXISTS (`+trustedCode("'pg_operator'::regclass", "o.oid")+`)
UNION SELECT DISTINCT 'type ' || lower(t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_constraint k ON k.contypid = t.oid
JOIN pg_depend d ON (d.classid = 'pg_type'::regclass AND d.objid = t.oid OR d.classid = 'pg_constraint'::regclass AND d.objid = k.oid)
	AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
WHERE t.typtype = 'd' AND `+userSchemas+` AND NOT EXISTS (`+trustedCode("d.refclassid", "d.refobjid")+`)
UNION SELECT DISTINCT 'type ' || lower(t.typname) FROM pg_cast f JOIN pg_type t ON t.oid = f.casttarget JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE f.castfunc <> 0 AND `+userSchemas+` AND NOT EXISTS (`+trustedCode("'pg_proc'::regclass", "f.castfunc")+`) ORDER BY 1`,
		func(v sealdriver.Row) error {
			out = append(out, v.Text(0))
			return nil
		})
	if err != nil {
		return nil, err
	}
	setting, err := readSetting(ctx, r)
	return append(out, setting...), err
}

// dynamic are words by which a body can run text that it built, or read a
// relation whose name it was given.
var dynamic = []string{
	"execute", "dblink", "dblink_exec", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml",
	"table_to_xml", "schema_to_xml", "database_to_xml", "ts_stat", "ts_rewrite", "crosstab", "connectby", "xpath_table",
}

// bodyWords returns the names that may occur in a function's body, lower case,
// each once; "*" where the body may build its SQL, or is not text.
func bodyWords(language, body string) []string {
	if language != "plpgsql" && language != "sql" {
		return []string{"*"}
	}
	words := strings.FieldsFunc(strings.ToLower(body), func(c rune) bool {
		return c != '_' && c != '$' && c < 0x80 && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	})
	slices.Sort(words)
	words = slices.Compact(words)
	for _, d := range dynamic {
		if _, ok := slices.BinarySearch(words, d); ok {
			return []string{"*"}
		}
	}
	return words
}
