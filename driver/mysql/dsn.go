package mysql

import (
	"strings"

	sealdriver "github.com/sealsql/sealsql/driver"
)

// cutConfig takes sealsql_config out of a data source name. The question mark
// is looked for behind the last slash in front of the parameter, so that a path
// as its value may have slashes although the inner driver would want them
// escaped.
func cutConfig(dsn string) (rest, file string, err error) {
	at := strings.Index(dsn, sealdriver.ConfigParameter+"=")
	if at < 0 {
		at = len(dsn)
	}
	slash := strings.LastIndexByte(dsn[:at], '/')
	mark := strings.IndexByte(dsn[slash+1:], '?')
	if slash < 0 || mark < 0 {
		return dsn, "", nil
	}
	return sealdriver.CutDSN(dsn, slash+1+mark)
}
