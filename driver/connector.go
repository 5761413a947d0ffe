package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/sealsql/sealsql/audit"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/seldom"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

var (
	_ driver.Connector = (*connector)(nil)
	_ io.Closer        = (*connector)(nil)
)

// Options say how a connector seals.
type Options struct {
	// Annotations name the encrypted columns. Required.
	Annotations *schema.Catalog
	// Sealer seals and opens; closing the connector closes it. Required.
	Sealer *envelope.Sealer
	// Asherah is for columns in Asherah's format.
	Asherah envelope.AsherahOptions
	// Declarations are what the configuration says about routines and triggers.
	Declarations rewrite.Declarations
	// NoCatalog plans from the annotations alone: relations that these do not
	// name are refused.
	NoCatalog bool
	// MaxAge is how long a catalog is believed without being read again; 0
	// means 30 s.
	MaxAge time.Duration
	// Guards says what a missing guard in the database is.
	Guards Guards
	// PlanCache is the number of plans kept; 0 means 2000.
	PlanCache int
	// ShreddedNull opens values whose keys were destroyed as NULL. Without it
	// they are an error that matches sealsql.ErrShredded.
	ShreddedNull bool
	// MaxKeys is the number of rows whose keys one statement may look up first
	// (rewrite.KeysFirst); 0 means 10,000. More are an error that matches
	// sealsql.ErrTooManyRows.
	MaxKeys int
	// Audit records reading and writing of the columns that ask for it; nil
	// records nothing. It is closed by the Sealer (envelope.Config.OnClose).
	Audit *audit.Log
	// Driver is what the connector's Driver method returns; nil means the
	// inner connector's driver.
	Driver driver.Driver
}

// planner is what the driver needs of rewrite.Planner.
type planner interface {
	Plan(text string, c rewrite.Catalog, s *rewrite.Session, o rewrite.Options) (*rewrite.Plan, error)
}

type connector struct {
	inner driver.Connector
	// outer is set where the configuration can be replaced.
	outer *reloadable
	// nothing is annotated: there is nothing to seal and nothing to open, so
	// that everything goes to the inner driver as it is, and the database's
	// catalog is not read.
	nothing bool
	drv     driver.Driver
	engine  Engine
	options OptionEngine  // nil where the inner driver takes no options
	writing WritingEngine // nil where no engine writes arguments
	records RecordEngine  // nil where records are read as other values
	fresh   FreshEngine   // nil where the inner driver's bytes are not known to be
	front   rewrite.Frontend
	plans   planner
	cats    *catalogs
	seals   *seals
	// shredded opens values whose keys were destroyed as NULL.
	shredded bool
	audit    *audit.Log
	// maxKeys is the number of rows whose keys a statement may look up first.
	maxKeys int
	rec     *observe.Recorder
	warn    *seldom.Logger
	// unobserved takes the plan cache out of the statistics.
	unobserved func()
}

// New wraps an inner connector. The result's connections seal and open the
// annotated columns; it is an io.Closer, which database/sql calls when the
// *sql.DB is closed: keys are wiped and the inner connector is closed if it
// can be. New does no I/O.
func New(inner driver.Connector, e Engine, o Options) (driver.Connector, error) {
	c, err := newConnector(inner, e, o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func newConnector(inner driver.Connector, e Engine, o Options) (*connector, error) {
	if inner == nil || e == nil || o.Annotations == nil || o.Sealer == nil {
		return nil, errors.New("sealsql: driver.New needs a connector, an engine, annotations and a sealer")
	}
	if o.NoCatalog && o.Guards == GuardsRequire {
		return nil, errors.New("sealsql: guards: require needs the database's catalog; set catalog: {read: auto}, or guards: off")
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 30 * time.Second
	}
	if o.PlanCache <= 0 {
		o.PlanCache = 2000
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = defaultMaxKeys
	}
	if o.Driver == nil {
		o.Driver = inner.Driver()
	}
	sl, err := newSeals(o.Sealer, o.Annotations, e.Frontend().Dialect())
	if err == nil {
		err = sl.openAsherah(&o, e.Frontend().Dialect())
	}
	if err != nil {
		return nil, err
	}
	options, _ := e.(OptionEngine)
	writing, _ := e.(WritingEngine)
	records, _ := e.(RecordEngine)
	fresh, _ := e.(FreshEngine)
	c := &connector{
		options: options,
		writing: writing, records: records, fresh: fresh,
		inner:   inner,
		nothing: len(o.Annotations.Tables()) == 0,
		drv:     o.Driver,
		engine:  e,
		front:   e.Frontend(),
		plans:   rewrite.NewPlanner(e.Frontend(), o.PlanCache),
		cats:    newCatalogs(&o, e),
		seals:   sl,

		shredded: o.ShreddedNull,
		audit:    o.Audit,
		maxKeys:  o.MaxKeys,
		rec:      o.Sealer.Recorder(),
		warn:     seldom.New(slog.Default(), nil),
	}
	c.unobserved = c.rec.Add(connectorSource{c})
	return c, nil
}

// Connect opens an inner connection and wraps it.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.inner.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return wrapConn(c, inner), nil
}

// Driver returns the registered driver, the same pointer each time.
func (c *connector) Driver() driver.Driver { return c.drv }

// Close wipes the keys and closes the inner connector if it is an io.Closer.
func (c *connector) Close() error {
	err := c.closeKeys()
	if cl, ok := c.inner.(io.Closer); ok {
		err = errors.Join(err, cl.Close())
	}
	return err
}
