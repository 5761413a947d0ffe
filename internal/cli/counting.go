package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sealsql/sealsql/lifecycle"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// plainDrivers are the names under which the inner drivers are registered.
var plainDrivers = map[string]string{"postgres": "pgx", "mysql": "mysql", "sqlite": "sqlite"}

// counter prepares counting the records of the application's database. The
// caller closes its DB.
func (r *keyring) counter(ctx context.Context, o *metastoreOptions) (*lifecycle.Counter, error) {
	dsn, err := dataSource(o.dsn, o.dsnEnv)
	if err != nil {
		return nil, err
	}
	if dsn == "" || o.dialect == "" {
		return nil, errors.New("records are counted in the application's database: name it with --dialect and --dsn or --dsn-env")
	}
	r.dsn = dsn
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	i, err := engines[o.dialect].inspect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	c := &lifecycle.Counter{Dialect: o.dialect, Keys: r.Keys, Tables: countedTables(engines[o.dialect].frontend, i.Snapshot, r.cfg.Catalog)}
	for _, t := range r.cfg.Catalog.Tables() {
		if !slices.ContainsFunc(c.Tables, func(x lifecycle.Table) bool { return len(x.Columns) > 0 && x.Columns[0].Schema.Table == t }) {
			return nil, fmt.Errorf("the database has no table %s: what is not there cannot be counted", t)
		}
	}
	if c.DB, err = sql.Open(plainDrivers[o.dialect], dsn); err != nil {
		return nil, err
	}
	for i := range c.Tables {
		if err := wholly(ctx, c, &c.Tables[i]); err != nil {
			return nil, errors.Join(err, c.DB.Close())
		}
	}
	c.Gone = func(ctx context.Context, t *lifecycle.Table) (bool, error) { return r.gone(ctx, o, t) }
	return c, nil
}

// wholly refuses to count a table whose rows a policy hides from the login: records
// that are not seen look as if there were none.
func wholly(ctx context.Context, c *lifecycle.Counter, t *lifecycle.Table) error {
	if c.Dialect != "postgres" {
		return nil
	}
	var hidden bool
	if err := c.DB.QueryRowContext(ctx, "SELECT row_security_active($1::text)", t.Quoted).Scan(&hidden); err != nil {
		return err
	}
	if hidden {
		return fmt.Errorf("row security hides rows of %s from this login: count as one that bypasses it (BYPASSRLS)", t.Name)
	}
	return nil
}

// gone reports whether a table was dropped while another one of its name is still
// there: on MySQL those of all databases are counted, and others may drop theirs. A
// table that was the only one of its name may have been renamed.
func (r *keyring) gone(ctx context.Context, o *metastoreOptions, t *lifecycle.Table) (bool, error) {
	i, err := engines[o.dialect].inspect(ctx, r.dsn)
	if err != nil {
		return false, err
	}
	another := false
	for _, now := range countedTables(engines[o.dialect].frontend, i.Snapshot, r.cfg.Catalog) {
		if now.Name == t.Name {
			return false, nil
		}
		another = another || now.Columns[0].Schema.Table == t.Columns[0].Schema.Table
	}
	return another, nil
}

// currentOnly leaves out what is in other databases than that of the data source
// name, where an engine has several (MySQL): annotations hold in all of them, and
// the login may see the databases of others.
func currentOnly(ctx context.Context, c *lifecycle.Counter) error {
	if c.Dialect != "mysql" {
		return nil
	}
	var current sql.NullString
	if err := c.DB.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&current); err != nil || !current.Valid {
		return err
	}
	var kept []lifecycle.Table
	for _, t := range c.Tables {
		if strings.HasPrefix(t.Name, current.String+".") {
			kept = append(kept, t)
		} else {
			c.LeftOut = append(c.LeftOut, t.Name)
		}
	}
	c.Tables = kept
	return nil
}

// countedTables are the tables of a database that hold records.
func countedTables(f rewrite.Frontend, snap *rewrite.Snapshot, annotations *schema.Catalog) []lifecycle.Table {
	var out []lifecycle.Table
	for i := range snap.Relations {
		rel := &snap.Relations[i]
		if rel.Kind != rewrite.RelTable && rel.Kind != rewrite.RelPartitioned || rel.Temp {
			continue
		}
		t := annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		if t == nil {
			continue
		}
		table := lifecycle.Table{Name: rel.ID.Name, Quoted: f.QuoteIdent(rel.ID.Name), Key: rowKey(f, rel)}
		if rel.ID.Schema != "" {
			table.Name, table.Quoted = rel.ID.Schema+"."+rel.ID.Name, f.QuoteIdent(rel.ID.Schema)+"."+table.Quoted
		}
		if rel.Versioned {
			// Several rows have one key then. What was sealed before opens as long as its
			// key is there.
			table.Quoted, table.Key = table.Quoted+" FOR SYSTEM_TIME ALL", nil
		}
		for _, col := range t.Columns {
			if c := physicalColumn(rel, col.Name); c != nil {
				table.Columns = append(table.Columns, lifecycle.Column{Schema: col, Quoted: f.QuoteIdent(c.Name)})
			}
		}
		if len(table.Columns) > 0 {
			out = append(out, table)
		}
	}
	return out
}

// rowKey are the quoted columns of a unique key without NULL, or nil: the
// shortest. Keys that the driver would give back in another form than it takes
// are passed over.
func rowKey(f rewrite.Frontend, rel *rewrite.SnapshotRelation) []string {
	var best []string
	for _, key := range rel.Unique {
		var quoted []string
		for _, name := range key {
			c := physicalColumn(rel, name)
			// An index of SQLite may tell apart what the column's own collation does not.
			if c == nil || f.Dialect() == rewrite.SQLite && c.Collation != "BINARY" || !pagedType(c.Type) || !c.NotNull && !c.RowID {
				quoted = nil
				break
			}
			quoted = append(quoted, f.QuoteIdent(c.Name))
		}
		if len(quoted) > 0 && (best == nil || len(quoted) < len(best)) {
			best = quoted
		}
	}
	return best
}

// pagedType reports a type whose values come back equal to what was read.
func pagedType(t string) bool {
	t = strings.ToLower(t)
	for _, prefix := range []string{"int", "bigint", "smallint", "mediumint", "tinyint", "uuid", "text", "varchar", "character varying", "bytea", "varbinary", "binary"} {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}

func physicalColumn(rel *rewrite.SnapshotRelation, name string) *rewrite.CatalogColumn {
	for i := range rel.Columns {
		if schema.EqualNames(rel.Columns[i].Name, name) {
			return &rel.Columns[i]
		}
	}
	return nil
}
