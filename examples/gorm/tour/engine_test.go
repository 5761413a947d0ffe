package tour

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	_ "github.com/sealsql/sealsql/driver/mysql"    // registers "encrypted-mysql"
	_ "github.com/sealsql/sealsql/driver/postgres" // registers "encrypted-postgres"
	_ "github.com/sealsql/sealsql/driver/sqlite"   // registers "encrypted-sqlite"
	"github.com/sealsql/sealsql/internal/testenv"
)

const masterKey = "SEALSQL_GORM_TOUR_KEY"

// engine is one database and how GORM opens it.
type engine struct {
	name, plain string
	fresh       func(testing.TB) string
	dial        func(driver, dsn string) gorm.Dialector
}

var engines = []engine{
	{"sqlite", "sqlite", func(t testing.TB) string {
		return "file:" + filepath.Join(t.TempDir(), "tour.db") + "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(60000)"
	}, func(driver, dsn string) gorm.Dialector {
		return sqlite.New(sqlite.Config{DriverName: driver, DSN: dsn})
	}},
	{"postgres", "pgx", testenv.Postgres, func(driver, dsn string) gorm.Dialector {
		return postgres.New(postgres.Config{DriverName: driver, DSN: dsn})
	}},
	{
		"mysql", "mysql", func(t testing.TB) string { return testenv.MySQL(t) + "?charset=utf8mb4&parseTime=true&loc=UTC" },
		func(driver, dsn string) gorm.Dialector {
			return mysql.New(mysql.Config{DriverName: driver, DSN: dsn, DefaultDatetimePrecision: ptr(3)})
		},
	},
}

// pair is one engine's plain and encrypted database.
type pair struct {
	engine        engine
	plain, sealed *gorm.DB
	stored        string // data source name of the encrypted one, for the plain driver
	sent, asked   *trace // what GORM sent to the encrypted and to the plain one
}

// trace is what GORM logged of a database.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (l *trace) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *trace) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

func open(t testing.TB, e engine, config *gorm.Config) *pair {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv(masterKey, hex.EncodeToString(key))
	p := &pair{engine: e, stored: e.fresh(t), sent: &trace{}, asked: &trace{}}
	file := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(file, []byte(p.configuration(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	mark := "?"
	if strings.Contains(p.stored, "?") {
		mark = "&"
	}
	p.plain = p.connect(t, e.plain, e.fresh(t), config, p.asked)
	p.sealed = p.connect(t, "encrypted-"+e.name, p.stored+mark+"sealsql_config="+url.QueryEscape(file), config, p.sent)
	return p
}

func (p *pair) connect(t testing.TB, driver, dsn string, config *gorm.Config, l *trace) *gorm.DB {
	t.Helper()
	c := *config
	c.Logger = logger.New(l, logger.Config{LogLevel: logger.Info})
	c.NowFunc = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	db, err := gorm.Open(p.engine.dial(driver, dsn), &c)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return db
}

// configuration annotates the columns with the types that GORM gives them.
func (p *pair) configuration(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nservice: tour\nproduct: tests\nkms: {env: %s}\nmetastore: memory\ntables:\n", masterKey)
	d := p.engine.dial("", "")
	cache := &sync.Map{}
	seen := map[string]bool{}
	write := func(s *schema.Schema) {
		if seen[s.Table] || len(encrypted[s.Table]) == 0 {
			return
		}
		seen[s.Table] = true
		fmt.Fprintf(&b, "  %s%s:\n    columns:\n", p.database(), s.Table)
		for _, f := range s.Fields {
			search, ok := encrypted[s.Table][f.DBName]
			if !ok || f.DBName == "" {
				continue
			}
			more := p.search(f, search)
			if f.HasDefaultValue && !f.AutoIncrement {
				more += fmt.Sprintf(", default: %q", f.DefaultValue)
			}
			fmt.Fprintf(&b, "      %s: {type: %q%s}\n", f.DBName, strings.TrimSuffix(d.DataTypeOf(f), " NULL"), more)
		}
	}
	parsed := make([]*schema.Schema, len(models))
	for i, m := range models {
		s, err := schema.Parse(m, cache, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		parsed[i] = s
	}
	for _, s := range parsed {
		write(s)
		for _, r := range s.Relationships.Relations {
			if r.JoinTable != nil {
				write(r.JoinTable)
			}
		}
	}
	return b.String()
}

func (p *pair) search(f *schema.Field, kind string) string {
	if kind == "" {
		return ""
	}
	var options []string
	if kind == "unique" {
		options = append(options, "unique: exact")
	}
	if strings.HasSuffix(f.DBName, "code") {
		options = append(options, "group: language")
	}
	if f.DataType == schema.String && p.engine.name == "mysql" {
		options = append(options, "collation: ci_ai")
	}
	if len(options) == 0 {
		return ", search: equality"
	}
	return ", search: {equality: {" + strings.Join(options, ", ") + "}}"
}

// database is the name of the database and a point where the server has several
// that this connection sees.
func (p *pair) database() string {
	if p.engine.name != "mysql" {
		return ""
	}
	_, name, _ := strings.Cut(p.stored, "/")
	name, _, _ = strings.Cut(name, "?")
	return name + "."
}
