package driver

import (
	"errors"
	"net/url"
	"strings"

	"github.com/sealsql/sealsql/config"
)

// ConfigParameter is the parameter of data source names that names the
// configuration file.
const ConfigParameter = "sealsql_config"

// errTwice is the error for a data source name with two configurations.
var errTwice = errors.New("sealsql: the data source name has " + ConfigParameter + " twice")

// CutQuery takes the configuration's parameter out of a query string
// ("a=1&sealsql_config=x&b=2"). The rest keeps its bytes.
func CutQuery(query string) (rest, file string, err error) {
	parts := strings.Split(query, "&")
	kept := parts[:0]
	found := false
	for _, p := range parts {
		key, val, _ := strings.Cut(p, "=")
		if k, err := url.QueryUnescape(key); err != nil || k != ConfigParameter {
			kept = append(kept, p)
			continue
		}
		if found {
			return "", "", errTwice
		}
		found = true
		if file, err = url.QueryUnescape(val); err != nil {
			return "", "", errors.New("sealsql: " + ConfigParameter + " is not properly escaped")
		}
	}
	return strings.Join(kept, "&"), file, nil
}

// CutDSN takes the configuration's parameter out of a data source name whose
// parameters follow the question mark at index mark (negative for none).
func CutDSN(dsn string, mark int) (rest, file string, err error) {
	if mark < 0 {
		return dsn, "", nil
	}
	query, file, err := CutQuery(dsn[mark+1:])
	if err != nil || len(query) == len(dsn)-mark-1 {
		return dsn, file, err
	}
	if query == "" {
		return dsn[:mark], file, nil
	}
	return dsn[:mark+1] + query, file, nil
}

// LoadConfig finds and reads the configuration: the file named in the data
// source name, else SEALSQL_CONFIG, else ./sealsql.yaml.
func LoadConfig(file string) (*config.Config, error) {
	path, err := config.Find(file)
	if err != nil {
		return nil, err
	}
	return config.Load(path)
}
