package mysql

import (
	"database/sql/driver"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/rewrite"
	front "github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/schema"
)

var (
	_ sealdriver.DeniedEngine = (*engine)(nil)
	_ sealdriver.FreshEngine  = (*engine)(nil)
)

// settings are what the inner driver's connector changes about values.
type settings struct {
	parseTime bool
	loc       *time.Location
	truncate  time.Duration
	// aliases: columns of results are called table.column.
	aliases bool
	// prepares: arguments are never written into the text by the client.
	prepares bool
}

// engine is MySQL or MariaDB behind go-sql-driver/mysql.
type engine struct {
	front rewrite.Frontend
	// settings is nil until those of a wrapped connector were found out.
	settings atomic.Pointer[settings]
	// known is the type of the inner driver's own connections, once one was seen.
	known atomic.Pointer[reflect.Type]
	// vitess is set once a session said that it is one of vtgate.
	vitess atomic.Bool
	// packets is the size of packets that the server takes, in bytes; 0 until a
	// session said it.
	packets atomic.Int64
}

func newEngine(s *settings) *engine {
	e := &engine{front: front.New()}
	if s != nil {
		e.settings.Store(s)
	}
	return e
}

// codecs returns those of a session: the connector's settings and the server's
// flavour and mode decide about times.
func (e *engine) codecs(mode string, mariaDB bool) (text, binary logical.Codec) {
	has := func(word string) bool { return slices.Contains(strings.Split(mode, ","), word) }
	o := myvalue.Options{
		MySQL:         !mariaDB,
		RoundFraction: mariaDB && has("TIME_ROUND_FRACTIONAL") || !mariaDB && !has("TIME_TRUNCATE_FRACTIONAL"),
		NoZeroDate:    has("NO_ZERO_DATE"),
		NoZeroInDate:  has("NO_ZERO_IN_DATE"),
	}
	if s := e.settings.Load(); s != nil {
		o.ParseTime, o.Loc, o.TimeTruncate = s.parseTime, s.loc, s.truncate
	}
	text = myvalue.New(o)
	o.Binary = true
	return text, myvalue.New(o)
}

func (e *engine) Check(t *schema.Type) error { return myvalue.New(myvalue.Options{}).Check(t) }

func (e *engine) Frontend() rewrite.Frontend { return e.front }

// AlwaysPrepares is false while the settings are not known: then the inner
// driver is asked each time.
func (e *engine) AlwaysPrepares() bool {
	s := e.settings.Load()
	return s != nil && s.prepares
}

// SessionChanged is false: the protocol does not report settings.
func (e *engine) SessionChanged(driver.Conn, *sealdriver.Session) bool { return false }

// Ready is false while rows are open: the inner driver then says that the
// connection is not valid.
func (e *engine) Ready(inner driver.Conn) bool {
	v, ok := inner.(driver.Validator)
	return !ok || v.IsValid()
}

// Fresh is true for go-sql-driver's own connections: a row's values are pieces of
// the packet that it came in, which is read once and overwritten by the next.
func (e *engine) Fresh(inner driver.Conn) bool {
	t := reflect.TypeOf(inner)
	if known := e.known.Load(); known != nil {
		return *known == t
	}
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().PkgPath() != driverPath || t.Elem().Name() != "mysqlConn" {
		return false
	}
	e.known.Store(&t)
	return true
}

// driverPath is the package of the inner driver.
var driverPath = reflect.TypeFor[mysql.MySQLDriver]().PkgPath()

// Error numbers (MySQL and MariaDB error references).
const (
	unknownDatabase    = 1049
	unknownColumn      = 1054
	columnCount        = 1136
	unknownTable       = 1146
	invalidView        = 1356
	needReprepare      = 1615
	checkViolatedMySQL = 3819
	checkViolatedMaria = 4025
)

// Stale reports errors that name what is not there.
func (e *engine) Stale(err error) bool {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		return false
	}
	switch me.Number {
	case unknownDatabase, unknownColumn, columnCount, unknownTable, invalidView, needReprepare:
		return true
	}
	return false
}

// Error numbers of a lack of privileges: for a database, a table, a column, an
// operation, a view, a routine.
const (
	databaseDenied  = 1044
	tableDenied     = 1142
	columnDenied    = 1143
	operationDenied = 1227
	viewDenied      = 1345
	routineDenied   = 1370
)

// Denied reports a lack of privileges.
func (e *engine) Denied(err error) bool {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		return false
	}
	switch me.Number {
	case databaseDenied, tableDenied, columnDenied, operationDenied, viewDenied, routineDenied:
		return true
	}
	return false
}

// guardPrefix begins the names of the guards that `sealsql ddl` writes.
const guardPrefix = "sealsql_guard_"

// Guard returns the name of the violated guard, which both servers quote in
// their message.
func (e *engine) Guard(err error) string {
	var me *mysql.MySQLError
	if !errors.As(err, &me) || me.Number != checkViolatedMySQL && me.Number != checkViolatedMaria {
		return ""
	}
	parts := strings.FieldsFunc(me.Message, func(c rune) bool { return c == '`' || c == '\'' || c == '.' })
	for _, p := range parts {
		if strings.HasPrefix(p, guardPrefix) {
			return p
		}
	}
	return ""
}

// limits of the types without a declared length, in bytes.
var limits = map[string]int{
	"tinyblob": 1<<8 - 1, "tinytext": 1<<8 - 1,
	"blob": 1<<16 - 1, "text": 1<<16 - 1,
	"mediumblob": 1<<24 - 1, "mediumtext": 1<<24 - 1,
}

// Limit is the declared length of character and binary types, and what blobs
// and texts hold.
func (e *engine) Limit(physical string) int {
	base, rest, ok := strings.Cut(physical, "(")
	if !ok {
		return limits[base]
	}
	switch base {
	case "varbinary", "binary", "varchar", "char":
		digits, _, _ := strings.Cut(rest, ")")
		if n, err := strconv.Atoi(digits); err == nil {
			return n
		}
	}
	return 0
}

// Several is refused by the server unless the data source name has multiStatements=true.
func (e *engine) Several() string { return "DO 0; DO 0" }
