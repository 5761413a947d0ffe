package cli

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
)

// keyOpeners open the keys of a configuration, by the engine of the key table.
var keyOpeners = map[string]func(dsn string, cfg *config.Config) (*envelope.Sealer, error){
	"postgres": postgres.OpenKeys,
	"mysql":    mysql.OpenKeys,
	"sqlite":   sqlite.OpenKeys,
}

// keysTime bounds a command that goes over every key.
const keysTime = time.Hour

// flags adds those that name a configuration and a database.
func (o *metastoreOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite: the engine of the key table")
	f.StringVar(&o.dsn, "dsn", "", "data source name of the application's database")
	f.StringVar(&o.dsnEnv, "dsn-env", "", "environment variable with the data source name")
}

// check is for what is wrong usage.
func (o *metastoreOptions) check() error {
	switch {
	case o.dsn != "" && o.dsnEnv != "":
		return errors.New("--dsn and --dsn-env exclude each other")
	case o.dialect != "" && engines[o.dialect] == nil:
		return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
	}
	return nil
}

// keyring is the keys of a configuration.
type keyring struct {
	cfg    *config.Config
	dsn    string
	sealer *envelope.Sealer
	*envelope.Keys
}

// open opens the keys that the configuration names, so that they can be listed
// and changed.
func (o *metastoreOptions) open(cmd *cobra.Command) (*keyring, error) {
	r, err := o.openSealer(cmd)
	if err != nil {
		return nil, err
	}
	if r.Keys, err = r.sealer.Keys(); err != nil {
		return nil, errors.Join(err, r.sealer.Close())
	}
	return r, nil
}

// openSealer opens the keys that the configuration names, in any metastore. The
// keyring has no Keys.
func (o *metastoreOptions) openSealer(cmd *cobra.Command) (*keyring, error) {
	cfg, err := configured(cmd, o.config)
	if err != nil {
		return nil, err
	}
	r := &keyring{cfg: cfg}
	if cfg.Metastore.Provider == "sql" && o.dialect == "" {
		return nil, errors.New("the key table is in a SQL database: name its engine with --dialect")
	}
	if r.dsn, err = metastoreSource(*o, cfg.Metastore); err != nil {
		return nil, err
	}
	opener := keyOpeners[o.dialect]
	if opener == nil {
		opener = sqlite.OpenKeys
	}
	if r.sealer, err = opener(r.dsn, cfg); err != nil {
		return nil, r.clean(err)
	}
	return r, nil
}

// operator is the name of the user of the machine.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// clean takes data source names out of an error.
func (r *keyring) clean(err error) error {
	return withoutSource(withoutSource(err, r.dsn), secondSource(r.cfg.Metastore))
}

// keysFunc is a command that works on keys.
type keysFunc func(cmd *cobra.Command, args []string, r *keyring) error

// withKeys makes a cobra function of one that needs keys.
func (o *metastoreOptions) withKeys(f keysFunc) func(*cobra.Command, []string) error {
	return o.with(o.open, f)
}

// withSealer makes a cobra function of one that needs no Keys.
func (o *metastoreOptions) withSealer(f keysFunc) func(*cobra.Command, []string) error {
	return o.with(o.openSealer, f)
}

func (o *metastoreOptions) with(open func(*cobra.Command) (*keyring, error), f keysFunc) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		// The audit trail says who ran the command.
		cmd.SetContext(sealsql.WithPurpose(sealsql.WithActor(cmd.Context(), operator()), cmd.CommandPath()))
		return work(func(cmd *cobra.Command, args []string) error {
			r, err := open(cmd)
			if err != nil {
				return err
			}
			err = f(cmd, args, r)
			if errors.Is(err, errReported) {
				return errors.Join(err, r.sealer.Close())
			}
			return r.clean(errors.Join(err, r.sealer.Close()))
		})(cmd, args)
	}
}
