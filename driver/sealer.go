package driver

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/sealsql/sealsql/audit"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// warmTime bounds the key store's and the KMS's answer where the configuration
// says eager.
const warmTime = 30 * time.Second

// KeyTable opens the key table of a configuration whose metastore is sql: in
// the application's own database where m.Same is set, else in the database
// that MetastoreDSN names, through the same plain driver.
type KeyTable func(m config.Metastore) (envelope.Metastore, error)

// Open wraps inner as a configuration says. drv is what the connector's Driver
// method returns; nil means the inner connector's.
//
// KMS and metastore are found in the registries of package envelope; the
// engine packages link envelope/builtin. Without eager nothing is asked of
// either here. Reload replaces the configuration later.
func Open(inner driver.Connector, e Engine, cfg *config.Config, drv driver.Driver, keys KeyTable) (driver.Connector, error) {
	if cfg == nil || inner == nil {
		return nil, errors.New("sealsql: a connector and a configuration are required")
	}
	c, err := build(inner, e, cfg, notBegun, drv, keys, observe.New())
	if err != nil {
		return nil, err
	}
	return newReloadable(inner, e, cfg, drv, keys, c), nil
}

// notBegun is the stage of moves of which nothing is known yet.
func notBegun(schema.Move) schema.Stage { return schema.StageNone }

// build makes a connector of a configuration, with the moves of its indexes at
// the given stages, which counts with rec.
func build(inner driver.Connector, e Engine, cfg *config.Config, stage func(schema.Move) schema.Stage, drv driver.Driver, keys KeyTable, rec *observe.Recorder) (*connector, error) {
	if err := checkTypes(e, cfg); err != nil {
		return nil, err
	}
	trail, err := openAudit(cfg, inner, e.Frontend().Dialect().String())
	if err != nil {
		return nil, err
	}
	sealer, err := openSealer(cfg, keys, trail, &background{}, rec)
	if err != nil {
		return nil, err
	}
	c, err := assemble(inner, e, cfg, stage, drv, sealer, trail)
	if err != nil {
		return nil, errors.Join(err, sealer.Close())
	}
	return c, nil
}

// assemble makes a connector of a configuration and its keys.
func assemble(inner driver.Connector, e Engine, cfg *config.Config, stage func(schema.Move) schema.Stage, drv driver.Driver, sealer *envelope.Sealer, trail *audit.Log) (*connector, error) {
	annotations := cfg.Catalog.At(stage)
	if r, ok := e.(RebuildingEngine); ok {
		annotations = annotations.Rebuilt(r.Rebuilt)
	}
	o := Options{
		Annotations: annotations,
		Sealer:      sealer,
		Asherah:     envelope.AsherahOptions{RegionSuffix: cfg.Asherah.RegionSuffix, ReadSuffixes: cfg.Asherah.ReadSuffixes},
		Declarations: rewrite.Declarations{
			Routines:  cfg.Declarations.Routines,
			Triggers:  cfg.Declarations.Triggers,
			Metastore: cfg.Metastore.Table,
		},
		NoCatalog: cfg.CatalogMode == "none",
		MaxAge:    cfg.MaxAge,
		Guards:    guardWords[cfg.Guards],
		PlanCache: cfg.Limits.Plans,
		MaxKeys:   cfg.Limits.Keys,
		Driver:    drv,

		ShreddedNull: cfg.ShreddedNull,
		Audit:        trail,
	}
	return newConnector(inner, e, o)
}

// checkTypes refuses logical types that the engine does not know.
func checkTypes(e Engine, cfg *config.Config) error {
	for _, t := range cfg.Catalog.Tables() {
		for _, c := range t.Columns {
			if err := e.Check(&c.Type); err != nil {
				return sealError(c, err)
			}
		}
		if t.Row.Column != "" {
			if err := e.Check(&t.Row.Type); err != nil {
				return rowError(t, err)
			}
		}
		if t.Partition.Kind != schema.PartitionColumn {
			continue
		}
		if err := e.Check(&t.Partition.Type); err != nil {
			return partitionError(t, err, "declare the partition's type as the engine spells it")
		}
	}
	return nil
}

// openSealer opens the keys of a configuration. It closes l, which may be nil,
// where it fails; else the Sealer does. b, which may be nil, is what runs until
// the Sealer is closed, and rec, which may be nil, counts.
func openSealer(cfg *config.Config, keys KeyTable, l *audit.Log, b *background, rec *observe.Recorder) (*envelope.Sealer, error) {
	s, err := buildSealer(cfg, keys, l, b, rec)
	if err != nil && l != nil {
		err = errors.Join(err, l.Close())
	}
	return s, err
}

func buildSealer(cfg *config.Config, keys KeyTable, l *audit.Log, b *background, rec *observe.Recorder) (*envelope.Sealer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), warmTime)
	defer cancel()
	ec := envelope.Config{
		Service: cfg.Service, Product: cfg.Product,
		Policy: envelope.Policy{
			ExpireAfter:      cfg.Policy.ExpireAfter,
			RevokeCheck:      cfg.Policy.RevokeCheck,
			MaxStale:         cfg.Policy.MaxStale,
			CreatedPrecision: cfg.Policy.CreatedPrecision,
			NotBefore:        cfg.Policy.NotBefore,
			DataKey: envelope.DataKeyPolicy{
				MaxUses: cfg.Policy.DataKey.MaxUses,
				MaxAge:  cfg.Policy.DataKey.MaxAge,
			},
		},
		Cache: envelope.CacheConfig{
			Intermediate:       cfg.Cache.Intermediate.Size,
			IntermediatePolicy: cfg.Cache.Intermediate.Policy,
			IntermediateTTL:    cfg.Cache.Intermediate.TTL,
			DataKeys:           cfg.Cache.Data.Size,
			DataKeyTTL:         cfg.Cache.Data.TTL,
		},
		Logger:   slog.Default(),
		Recorder: rec,
	}
	ec.OnClose = func() error {
		b.stop()
		if l == nil {
			return nil
		}
		return l.Close()
	}
	if l != nil && cfg.Audit.Keys {
		ec.Events = keyEvents(l)
	}
	if err := ec.Memory.UnmarshalText([]byte(cfg.Memory)); err != nil {
		return nil, err
	}
	var err error
	if ec.KMS, err = openKMS(ctx, cfg); err != nil {
		return nil, err
	}
	if ec.Metastore, err = openMetastore(ctx, cfg, keys); err != nil {
		return nil, errors.Join(err, ec.KMS.Close())
	}
	s, err := envelope.New(ctx, ec)
	if err != nil {
		return nil, errors.Join(err, ec.Metastore.Close(), ec.KMS.Close())
	}
	if l != nil {
		l.Use(s)
	}
	if cfg.Eager {
		if err := s.Warm(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := b.start(s, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openMetastore(ctx context.Context, cfg *config.Config, keys KeyTable) (envelope.Metastore, error) {
	if cfg.Metastore.Provider == "sql" {
		return keys(cfg.Metastore)
	}
	return envelope.OpenMetastore(ctx, cfg.Metastore.Provider, cfg.Metastore.Options)
}

// MetastoreDSN returns the data source name of a sql metastore that is not in
// the application's database. The error does not hold it.
func MetastoreDSN(m config.Metastore) (string, error) {
	var o struct {
		DSN string `json:"dsn"`
		Env string `json:"dsn_env"`
	}
	if err := json.Unmarshal(m.Options, &o); err != nil {
		return "", errors.New("sealsql: options of the sql metastore cannot be read")
	}
	if o.Env != "" {
		if o.DSN = os.Getenv(o.Env); o.DSN == "" {
			return "", fmt.Errorf("sealsql: environment variable %s, which names the sql metastore, is not set", o.Env)
		}
	}
	if o.DSN == "" {
		return "", errors.New("sealsql: the sql metastore has no data source name")
	}
	return o.DSN, nil
}
