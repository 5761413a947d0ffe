package cli

import (
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
)

// secondSource is the data source name in the configuration, or "".
func secondSource(m config.Metastore) string {
	if m.Same {
		return ""
	}
	dsn, err := sealdriver.MetastoreDSN(m)
	if err != nil {
		return ""
	}
	return dsn
}

// grants says what the application's role may do with the key table: look keys
// up and add them. Who can change or delete rows can bring old keys back or make
// data unreadable (threats T26).
func grants(dialect, table, file string) string {
	if file != "" {
		return fmt.Sprintf(`The key table is in %s, which only you can read and write.
The application must run as its owner. Keep the file with the database: without
it nothing that is sealed can be read. Keep backups of it apart from the master key.
`, file)
	}
	if dialect == "sqlite" {
		return fmt.Sprintf("Table %s is there. Let only the application's user read and write its file.\n", table)
	}
	return fmt.Sprintf(grantText[dialect], table, quoted(dialect, table))
}

var grantText = map[string]string{
	"postgres": `-- Table %[1]s is there. The application's role needs these rights on it and no
-- others; replace app. Make another role its owner.
REVOKE ALL ON %[2]s FROM PUBLIC;
GRANT SELECT, INSERT ON %[2]s TO app;
`,
	"mysql": `-- Table %[1]s is there. The application's user needs these rights on it and no
-- others; replace 'app'@'%%'. Rights on the whole database include the table: give
-- UPDATE, DELETE, ALTER and DROP on the application's own tables only.
GRANT SELECT, INSERT ON %[2]s TO 'app'@'%%';
`,
}

// quoted quotes a name of letters, digits and underscores, with a schema in
// front perhaps; so says the configuration.
func quoted(dialect, table string) string {
	f := engines[dialect].frontend
	parts := strings.Split(table, ".")
	for i := range parts {
		parts[i] = f.QuoteIdent(parts[i])
	}
	return strings.Join(parts, ".")
}
