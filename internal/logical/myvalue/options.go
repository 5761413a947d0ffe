package myvalue

import (
	"time"

	"github.com/sealsql/sealsql/internal/logical"
)

// Options are the settings of a connection and of the way a statement is sent.
type Options struct {
	// Binary is set for prepared statements, which the driver also makes for
	// statements with arguments unless interpolateParams is set. It decides
	// the Go types of results and how a float64 meets an integer column.
	Binary bool
	// ParseTime is the driver's parseTime: dates are read as time.Time.
	ParseTime bool
	// Loc is the driver's loc; nil means UTC, its default.
	Loc *time.Location
	// TimeTruncate is the driver's timeTruncate for arguments.
	TimeTruncate time.Duration
	// MySQL is set for MySQL, clear for MariaDB.
	MySQL bool
	// RoundFraction rounds fractional seconds instead of cutting them off: set
	// for MySQL (without TIME_TRUNCATE_FRACTIONAL), and for MariaDB with
	// TIME_ROUND_FRACTIONAL in sql_mode.
	RoundFraction bool
	// NoZeroDate and NoZeroInDate are the words of sql_mode: MySQL's default
	// has both, MariaDB's neither.
	NoZeroDate, NoZeroInDate bool
}

// Codec converts as the server and its driver do. It holds no state and is
// safe for concurrent use.
type Codec struct{ o Options }

var (
	_ logical.Codec        = (*Codec)(nil)
	_ logical.ColumnByNull = (*Codec)(nil)
)

// New returns the codec for these options.
func New(o Options) *Codec {
	if o.Loc == nil {
		o.Loc = time.UTC
	}
	return &Codec{o}
}
