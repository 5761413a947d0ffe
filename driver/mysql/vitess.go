package mysql

import (
	"strings"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// isVitess reports a vtgate by the version that it gives unless its
// --mysql-server-version says otherwise: "8.4.6-Vitess".
func isVitess(version string) bool { return strings.Contains(strings.ToLower(version), "vitess") }

// keyspaceOf is the keyspace of a target: USE takes keyspace, keyspace@type and
// keyspace:shard (or keyspace/shard), and DATABASE() repeats it.
func keyspaceOf(target string) string {
	if i := strings.IndexAny(target, "@:/"); i >= 0 {
		return target[:i]
	}
	return target
}

// readKeyspaces lists the keyspaces of Vitess. Its information_schema is that of
// one shard's server, where a keyspace has the name of a database of that shard;
// only a condition that a schema equals a keyspace is translated. So each query
// is asked once for each keyspace.
func (rs *relations) readKeyspaces() error {
	return rs.r.Query(rs.ctx, "SHOW KEYSPACES", nil, func(v sealdriver.Row) error {
		if name := v.Text(0); !strings.EqualFold(name, "information_schema") {
			rs.keyspaces = append(rs.keyspaces, name)
		}
		return nil
	})
}

// everywhere runs a query whose text holds inUserSchemas(column), and whose first
// column is the schema: as it is, or on Vitess for each keyspace.
func (rs *relations) everywhere(text, column string, row func(sealdriver.Row) error) error {
	if !rs.vitess {
		return rs.r.Query(rs.ctx, text+everyRow, nil, row)
	}
	for _, k := range rs.keyspaces {
		err := rs.r.Query(rs.ctx, strings.Replace(text, inUserSchemas(column), column+" = "+quoteText(k), 1), nil, func(v sealdriver.Row) error {
			v[0] = k
			return row(v)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// quoteText writes a string constant, which no setting reads otherwise: names of
// keyspaces with a quote or a backslash become one that no keyspace has.
func quoteText(s string) string {
	if strings.ContainsAny(s, `'\`) {
		s = ""
	}
	return "'" + s + "'"
}

// behindVitess is the schema of a relation that one in a keyspace refers to: keys
// do not leave the database of a shard.
func (rs *relations) behindVitess(of *rewrite.SnapshotRelation, schema string) string {
	if rs.vitess {
		return of.ID.Schema
	}
	return schema
}
