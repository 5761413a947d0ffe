package endtoend_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// A data source name, or the server, may switch the guards off for a session, past the
// driver. Where guards are required nothing is read or written then.
func TestASessionWithoutGuardsIsRefusedWhereTheyAreRequired(t *testing.T) {
	const tables = "tables: {HERE.papers: {columns: {x: {type: varchar(40)}}}}\n"
	for _, c := range []struct {
		f   flavour
		off string
	}{
		{sqliteFlavour(), "_pragma=ignore_check_constraints(1)"},
		{mysqlFlavour(), "check_constraint_checks=0"},
	} {
		t.Run(c.f.name, func(t *testing.T) {
			p := c.f.open(t, head+"metastore: memory\nguards: require\n"+tables)
			if c.f.plain == "mysql" && !testenv.MariaDB(t, p.plain) {
				t.Skip("MySQL has no such setting")
			}
			p.both(t, "CREATE TABLE papers (id int PRIMARY KEY, x varchar(40))")
			p.both(t, "INSERT INTO papers VALUES (1, 'a')")
			guarded := p.sealedDSN
			p.sealedDSN = withParameters(p.sealedDSN, c.off)
			for _, s := range []string{"INSERT INTO papers VALUES (2, 'b')", "UPDATE papers SET x = 'b'", "DELETE FROM papers"} {
				if _, err := p.reopen(t).Exec(s); !refusedFor(err, rewrite.ReasonSession) {
					t.Errorf("%s: %v", s, err)
				}
			}
			if err := p.reopen(t).Ping(); err != nil && !refusedFor(err, rewrite.ReasonSession) {
				t.Errorf("ping: %v", err)
			}
			rewriteConfig(t, p, head+"metastore: memory\nguards: warn\n"+tables)
			stored(t, p.reopen(t))
			p.sealedDSN = guarded
			rewriteConfig(t, p, head+"metastore: memory\nguards: require\n"+tables)
			stored(t, p.reopen(t))
		})
	}
}

func stored(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec("UPDATE papers SET x = 'c' WHERE id = 1"); err != nil {
		t.Error(err)
	}
}

func refusedFor(err error, why rewrite.Reason) bool {
	var u *rewrite.UnsupportedError
	return errors.As(err, &u) && u.Reason == why && !strings.Contains(err.Error(), "'b'")
}
