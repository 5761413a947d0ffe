package sqlite

import (
	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
)

// OpenKeys opens the keys of a configuration, for tools that look after them.
// dsn is the application's database, needed only where the key table is in it
// (metastore: same). It does not connect. The caller closes the Sealer.
func OpenKeys(dsn string, cfg *config.Config) (*envelope.Sealer, error) {
	dsn, _, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	if cfg.Metastore.Same && absent(dsn) {
		return nil, errNoFile
	}
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, errNotValid
	}
	files := &mainFile{inner: inner}
	return sealdriver.OpenKeys(inner, "sqlite", cfg, files.metastore)
}
