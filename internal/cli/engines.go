package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/rewrite"
	frontmysql "github.com/sealsql/sealsql/rewrite/mysql"
	frontpostgres "github.com/sealsql/sealsql/rewrite/postgres"
	frontsqlite "github.com/sealsql/sealsql/rewrite/sqlite"
)

// databaseTime bounds what a command asks of a database.
const databaseTime = time.Minute

// engine is what the commands need of a database.
type engine struct {
	frontend rewrite.Frontend
	inspect  func(ctx context.Context, dsn string) (*sealdriver.Inspection, error)
	// initKeys returns the file that holds the key table, where that is one.
	initKeys func(ctx context.Context, dsn string, m config.Metastore) (string, error)
}

var engines = map[string]*engine{
	"postgres": {frontpostgres.New(), postgres.Inspect, noFile(postgres.InitMetastore)},
	"mysql":    {frontmysql.New(), mysql.Inspect, noFile(mysql.InitMetastore)},
	"sqlite":   {frontsqlite.New(), sqlite.Inspect, sqlite.InitMetastore},
}

func noFile(f func(context.Context, string, config.Metastore) error) func(context.Context, string, config.Metastore) (string, error) {
	return func(ctx context.Context, dsn string, m config.Metastore) (string, error) { return "", f(ctx, dsn, m) }
}

// dataSource returns a data source name or the content of a variable.
func dataSource(dsn, env string) (string, error) {
	if env == "" {
		return dsn, nil
	}
	if dsn = os.Getenv(env); dsn == "" {
		return "", fmt.Errorf("environment variable %s is not set", env)
	}
	return dsn, nil
}

// passwords finds what may be a password in the data source names of the
// engines: user:PASSWORD@, password=PASSWORD, password='PASS WORD'.
var passwords = []*regexp.Regexp{
	regexp.MustCompile(`^(?:[a-z]+://)?[^:/@]*:(.*)@`),
	regexp.MustCompile(`(?i)pass(?:word)?\s*=\s*'((?:[^'\\]|\\.)*)'`),
	regexp.MustCompile(`(?i)pass(?:word)?\s*=\s*([^\s&';]+)`),
}

// withoutSource takes a data source name and its password out of an error of a
// driver. Most drivers do so themselves; nothing here rests on that.
func withoutSource(err error, dsn string) error {
	if err == nil || dsn == "" {
		return err
	}
	text := strings.ReplaceAll(err.Error(), dsn, "(data source name)")
	for _, re := range passwords {
		for _, m := range re.FindAllStringSubmatch(dsn, -1) {
			for _, secret := range spellings(m[1]) {
				text = strings.ReplaceAll(text, secret, "***")
			}
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// spellings are the forms of a password that an error may hold.
func spellings(s string) []string {
	out := []string{s}
	if plain, err := url.QueryUnescape(s); err == nil && plain != s {
		out = append(out, plain)
	}
	if plain, err := url.PathUnescape(s); err == nil && plain != s {
		out = append(out, plain)
	}
	kept := out[:0]
	for _, s := range out {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
