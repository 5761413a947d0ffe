package sqlite_test

import (
	"strings"
	"testing"
)

func TestAColumnOfAWrongTypeIsToldWithTheTypeThatItNeeds(t *testing.T) {
	f := open(t, strings.Replace(ddl, "ssn BLOB", "ssn INTEGER", 1), yaml)
	_, err := f.db.Exec("SELECT ssn FROM users")
	if err == nil || !strings.Contains(err.Error(), "INTEGER cannot hold records") || !strings.Contains(err.Error(), "it needs BLOB") {
		t.Errorf("%v", err)
	}
}
