package fuzzsql_test

import (
	"errors"
	"regexp"
	"strings"

	plainmysql "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// What MySQL itself, unlike MariaDB, does to the plain driver as well, as of 9.7.

var sortedByNumber = regexp.MustCompile(`\(.*ORDER BY \d`)

// unanswered reports statements for whose answer the plain driver may wait for ever,
// while the server waits for the next one: a parameter by whose number an inner query
// is sorted, prepared. Some that are answered are among them.
func (p *pair) unanswered(st statement) bool {
	return p.mysqlItself() && strings.Contains(st.text, "?") && sortedByNumber.MatchString(st.text)
}

// misnamed reports an error of the driver about a column of a result: columns of a
// derived table that is sorted have their inner names, where an alias was asked for.
func (p *pair) misnamed(err error) bool {
	return p.mysqlItself() && errors.Is(err, sealsql.ErrCatalogChanged) && strings.Contains(err.Error(), "of the result is not the planned one")
}

// tooNarrow reports an argument that the server takes for utf8mb3, which has fewer
// characters, since it stands beside N'…'. The driver stores what is bound.
func (p *pair) tooNarrow(err error) bool {
	const impossible = 3988 // ER_CONVERSION from one character set into another
	var e *plainmysql.MySQLError
	return p.mysqlItself() && errors.As(err, &e) && e.Number == impossible
}

func (p *pair) mysqlItself() bool { return p.w.dialect == rewrite.MySQL && testenv.IsMySQL() }
