package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// KeyFileSuffix is appended to a database's path to make that of its keys.
const KeyFileSuffix = ".keys"

// mainFile learns the path of the connector's database from SQLite itself,
// which knows every form of data source name.
type mainFile struct {
	inner driver.Connector
	mu    sync.Mutex
	known bool
	path  string
}

// found notes the path; it is empty for a database in memory.
func (m *mainFile) found(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.path = true, path
}

// get returns the path, opening a connection if none has told it yet.
func (m *mainFile) get(ctx context.Context) (string, error) {
	m.mu.Lock()
	known, path := m.known, m.path
	m.mu.Unlock()
	if known {
		return path, nil
	}
	c, err := m.inner.Connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	dbs, err := databases(ctx, sealdriver.NewReader(c))
	if err != nil {
		return "", err
	}
	for _, db := range dbs {
		if db.name == "main" {
			m.found(db.file)
			return db.file, nil
		}
	}
	return "", errors.New("sealsql: the database has no main file")
}

// metastore opens the key table: in the sibling file, or in the database that
// the configuration names.
func (m *mainFile) metastore(c config.Metastore) (envelope.Metastore, error) {
	if c.Same {
		return &sibling{main: m, table: c.Table}, nil
	}
	dsn, err := sealdriver.MetastoreDSN(c)
	if err != nil {
		return nil, err
	}
	return openTable(dsn, c.Table)
}

// openTable opens the key table of a database by its data source name.
func openTable(dsn, table string) (*builtin.SQL, error) {
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, errors.New("sealsql: the metastore's data source name is not valid")
	}
	db := sql.OpenDB(inner)
	db.SetMaxOpenConns(2)
	store, err := builtin.OpenSQL(db, builtin.SQLite, builtin.SQLOptions{Table: table})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}

// sibling is the metastore in the file beside the database. The file is
// created, with its table, when it is first needed. It has connections of its
// own, so that a key is stored in well under a second even while the
// application holds the database's write lock (threats T29).
type sibling struct {
	main  *mainFile
	table string

	mu     sync.Mutex
	store  envelope.Metastore
	closed bool
}

var (
	_ envelope.Metastore     = (*sibling)(nil)
	_ envelope.BoundedLoader = (*sibling)(nil)
)

// open returns the store. Callers wait for one another: the work is local.
func (s *sibling) open(ctx context.Context) (envelope.Metastore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, envelope.ErrClosed
	}
	if s.store != nil {
		return s.store, nil
	}
	path, err := s.main.get(ctx)
	if err != nil {
		return nil, err
	}
	if path == "" {
		s.store, err = envelope.OpenMetastore(ctx, "memory", nil)
		return s.store, err
	}
	return s.openFile(ctx, path+KeyFileSuffix)
}

func (s *sibling) openFile(ctx context.Context, path string) (envelope.Metastore, error) {
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	store, err := openTable(fileURI(path), s.table)
	if err != nil {
		return nil, err
	}
	if err := store.Init(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s.store = store
	return store, nil
}

// createPrivate makes the file readable by its owner alone before SQLite
// would create it with the process's usual mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// fileURI writes a path as SQLite reads it, with the settings of the key file.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Path: path}
	return "file:" + strings.ReplaceAll(u.EscapedPath(), "?", "%3F") +
		"?_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate"
}

func (s *sibling) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	store, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return store.Load(ctx, meta)
}

func (s *sibling) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	store, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return store.LoadLatest(ctx, id)
}

// LoadLatestBefore asks the store itself where it can bound the search.
func (s *sibling) LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*envelope.KeyRecord, error) {
	store, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if b, ok := store.(envelope.BoundedLoader); ok {
		return b.LoadLatestBefore(ctx, id, notAfter)
	}
	rec, err := store.LoadLatest(ctx, id)
	if err == nil && rec.Meta.Created > notAfter {
		return nil, envelope.ErrKeyNotFound
	}
	return rec, err
}

func (s *sibling) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	store, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	return store.Store(ctx, rec)
}

func (s *sibling) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.store == nil {
		return nil
	}
	err := s.store.Close()
	s.store = nil
	return err
}
