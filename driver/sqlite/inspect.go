package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/rewrite"
)

// errNotValid stands for what the inner driver says of a data source name.
var errNotValid = errors.New("sealsql: the data source name is not valid")

// errNoFile is returned where a file would only be made because its name is misspelt.
var errNoFile = errors.New("sealsql: there is no such database file")

// Inspect reads the catalog of the database that a data source name of this
// driver or of modernc.org/sqlite names, through the latter. A file that does
// not exist is an error and is not created. Errors do not hold the name.
func Inspect(ctx context.Context, dsn string) (*sealdriver.Inspection, error) {
	dsn, _, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	if absent(dsn) {
		return nil, errNoFile
	}
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, errNotValid
	}
	return sealdriver.Inspect(ctx, inner, newEngine(litevalue.Options{}, &mainFile{inner: inner}))
}

// absent reports whether a data source name is that of a file which is not
// there: a path or a file: URI (sqlite.org/uri.html). Connecting would make it.
func absent(dsn string) bool {
	path, query, _ := strings.Cut(dsn, "?")
	if path == ":memory:" || strings.Contains(query, "mode=memory") || strings.Contains(query, "vfs=") {
		return false
	}
	if uri, ok := strings.CutPrefix(path, "file:"); ok {
		var err error
		if path, err = url.PathUnescape(strings.TrimPrefix(strings.TrimPrefix(uri, "//localhost"), "//")); err != nil {
			return false
		}
	}
	if path == "" || path == ":memory:" {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Inspect reads the texts of the main file's tables. Indexes without a text are
// those of constraints.
func (e *engine) Inspect(ctx context.Context, r *sealdriver.Reader, i *sealdriver.Inspection) error {
	i.Sources = map[rewrite.RelationID][]string{}
	tables := map[string]rewrite.RelationID{}
	text := "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index', 'trigger') ORDER BY type <> 'table', type, rowid"
	return r.Query(ctx, text, nil, func(v sealdriver.Row) error {
		key := strings.ToLower(v.Text(2))
		if v.Text(0) == "table" {
			tables[key] = rewrite.RelationID{Schema: "main", Name: v.Text(1)}
		}
		if id, ok := tables[key]; ok {
			i.Sources[id] = append(i.Sources[id], v.Text(3))
		}
		return nil
	})
}

// InitMetastore creates the key table of a sql metastore if it does not exist:
// in the file beside the database of dsn where the metastore is in the
// application's own, whose path it returns, else in the database that the
// configuration names, with an empty path. A database in memory keeps its keys
// in memory: that is an error.
func InitMetastore(ctx context.Context, dsn string, m config.Metastore) (path string, err error) {
	if dsn, _, err = cutConfig(dsn); err != nil {
		return "", err
	}
	if !m.Same {
		if dsn, err = sealdriver.MetastoreDSN(m); err != nil {
			return "", err
		}
		table, err := openTable(dsn, m.Table)
		if err != nil {
			return "", err
		}
		return "", errors.Join(table.Init(ctx), table.Close())
	}
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return "", errNotValid
	}
	files := &mainFile{inner: inner}
	if path, err = files.get(ctx); err != nil {
		return "", err
	}
	if path == "" {
		return "", errors.New("sealsql: a database in memory keeps its keys in memory; there is nothing to create")
	}
	keys := &sibling{main: files, table: m.Table}
	_, err = keys.open(ctx)
	return path + KeyFileSuffix, errors.Join(err, keys.Close())
}
