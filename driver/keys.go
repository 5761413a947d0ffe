package driver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
)

// OpenKeys opens the keys of a configuration as Open does, for tools that look
// after them and need no connection to the application's database. The caller
// closes the Sealer. inner is the application's database and may be nil: it is
// for an audit trail that is in a table there.
func OpenKeys(inner driver.Connector, dialect string, cfg *config.Config, keys KeyTable) (*envelope.Sealer, error) {
	if cfg == nil || keys == nil {
		return nil, errors.New("sealsql: a configuration is required")
	}
	l, err := openAudit(cfg, inner, dialect)
	if err != nil {
		return nil, err
	}
	return openSealer(cfg, keys, l, nil, nil)
}

// openKMS opens the key management service of a configuration, with the one that
// it takes over from.
func openKMS(ctx context.Context, cfg *config.Config) (envelope.KeyManagementService, error) {
	now, err := envelope.OpenKMS(ctx, cfg.KMS.Provider, cfg.KMS.Options)
	if err != nil || cfg.KMSRetiring.Provider == "" {
		return now, err
	}
	before, err := envelope.OpenKMS(ctx, cfg.KMSRetiring.Provider, cfg.KMSRetiring.Options)
	if err != nil {
		return nil, errors.Join(err, now.Close())
	}
	return envelope.WithRetiring(now, before), nil
}
