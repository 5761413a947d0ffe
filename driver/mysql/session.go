package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// Session reads the current database, the SQL mode and the flavour, and looks
// after the temporary tables that statements of this connection made.
func (e *engine) Session(ctx context.Context, r *sealdriver.Reader) (*sealdriver.Session, error) {
	if e.settings.Load() == nil {
		if err := e.probe(ctx, r); err != nil {
			return nil, err
		}
	}
	s := &sealdriver.Session{}
	var database, mode string
	// LIMIT, since sql_select_limit may be 0.
	text := "SELECT DATABASE(), @@SESSION.sql_mode, @@version, @@SESSION.character_set_client, @@max_allowed_packet," +
		" @@SESSION.character_set_results, CAST(@@SESSION.sql_select_limit AS CHAR), @@SESSION.character_set_connection" +
		" /*M!100201 , @@SESSION.check_constraint_checks */ LIMIT 1"
	err := e.widely(ctx, r, text, func(row sealdriver.Row) error {
		e.packets.Store(row.Int(4))
		database, mode = row.Text(0), row.Text(1)
		s.Plan.MariaDB = strings.Contains(row.Text(2), "MariaDB")
		s.Plan.Version = version(row.Text(2))
		e.vitess.Store(isVitess(row.Text(2)))
		s.Plan.Unsafe = unsafeSettings(mode, row.Text(3), row.Text(7), row.Text(5))
		if s.Plan.Unsafe == "" && isLimited(row.Text(6), e.vitess.Load()) {
			s.Plan.Unsafe = "sql_select_limit"
		}
		if len(row) > 8 && row.Int(8) == 0 {
			s.Unguarded = "check_constraint_checks"
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for m := range strings.SplitSeq(mode, ",") {
		s.Plan.ANSIQuotes = s.Plan.ANSIQuotes || m == "ANSI_QUOTES"
		s.Plan.NoBackslashEscapes = s.Plan.NoBackslashEscapes || m == "NO_BACKSLASH_ESCAPES"
		s.Plan.IgnoreSpace = s.Plan.IgnoreSpace || m == "IGNORE_SPACE"
		s.Plan.PipesAsConcat = s.Plan.PipesAsConcat || m == "PIPES_AS_CONCAT"
		s.Plan.HighNotPrecedence = s.Plan.HighNotPrecedence || m == "HIGH_NOT_PRECEDENCE"
	}
	s.Plan.Lenient = !strings.Contains(mode, "STRICT_TRANS_TABLES") && !strings.Contains(mode, "STRICT_ALL_TABLES")
	s.Plan.ModeKnown = true
	s.Codec, s.Prepared = e.codecs(mode, s.Plan.MariaDB)
	if e.vitess.Load() {
		database = keyspaceOf(database)
	}
	if database != "" {
		s.Names.SearchPath = []string{database}
	}
	temps, err := temporaries(ctx, r, database)
	if err != nil {
		return nil, err
	}
	s.Names.Temp = temps
	s.Scope = "server"
	s.Plan.Namespace = fmt.Sprintf("%q %q %v", database, mode, temps)
	return s, nil
}

// unsafeSettings names a setting under which texts cannot be read: a mode with
// another grammar; an encoding in which a byte of a character can look like a quote
// or a backslash; or one in which the server would convert values that it cannot
// convert when they are sealed.
func unsafeSettings(mode, client, connection, results string) string {
	for m := range strings.SplitSeq(mode, ",") {
		switch m {
		case "ORACLE", "MSSQL", "EMPTY_STRING_IS_NULL", "PAD_CHAR_TO_FULL_LENGTH":
			return "sql_mode " + m
		}
	}
	if !isUTF8(client) {
		return "character_set_client " + client
	}
	if !isUTF8(connection) {
		return "character_set_connection " + connection
	}
	if results != "" && !isUTF8(results) { // NULL converts nothing
		return "character_set_results " + results
	}
	return ""
}

// isUTF8 is true for encodings in which the server takes and gives UTF-8 as it is.
func isUTF8(charset string) bool {
	switch charset {
	case "utf8mb4", "utf8mb3", "utf8", "binary":
		return true
	}
	return false
}

// isLimited reports a sql_select_limit in force: the server would leave out rows that
// the driver has to look at. Vitess shows 0 or -1 where none is set.
func isLimited(limit string, vitess bool) bool {
	return limit != "" && limit != "18446744073709551615" && !(vitess && (limit == "0" || limit == "-1"))
}

// version reads "10.11.6-MariaDB" as 101106 and "8.0.36" as 80036.
func version(text string) int {
	out := 0
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 3 {
		return 0
	}
	for _, p := range parts {
		end := 0
		for end < len(p) && '0' <= p[end] && p[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(p[:end])
		if err != nil || n > 99 {
			return 0
		}
		out = out*100 + n
	}
	return out
}

// temporaries describes the temporary tables of the current database: no
// catalog view lists them before MariaDB 11.2, so those that this connection
// was seen to make are asked for by name.
func temporaries(ctx context.Context, r *sealdriver.Reader, database string) ([]rewrite.SnapshotRelation, error) {
	var out []rewrite.SnapshotRelation
	for _, id := range r.Temporary() {
		if database == "" || !strings.EqualFold(id.Schema, database) {
			continue
		}
		rel, err := temporary(ctx, r, rewrite.RelationID{Schema: database, Name: id.Name})
		if err != nil {
			return nil, err
		}
		if rel != nil {
			out = append(out, *rel)
		}
	}
	return out, nil
}

// temporary returns nil for a table that does not exist or is not temporary.
func temporary(ctx context.Context, r *sealdriver.Reader, id rewrite.RelationID) (*rewrite.SnapshotRelation, error) {
	name := quoteName(id.Schema) + "." + quoteName(id.Name)
	made := ""
	err := r.Query(ctx, "SHOW CREATE TABLE "+name, nil, func(row sealdriver.Row) error {
		made = row.Text(1)
		return nil
	})
	if err != nil && isServerError(err) || err == nil && !strings.HasPrefix(made, "CREATE TEMPORARY TABLE") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rel := &rewrite.SnapshotRelation{ID: id, Kind: rewrite.RelTable, Temp: true}
	err = r.Query(ctx, "SHOW FULL COLUMNS FROM "+name, nil, func(row sealdriver.Row) error {
		c := rewrite.CatalogColumn{
			Name: row.Text(0), Type: strings.ToLower(row.Text(1)), Collation: row.Text(2),
			NotNull: row.Text(3) == "NO", Default: row.Text(5), Generated: generated(row.Text(6)),
			Invisible: strings.Contains(strings.ToUpper(row.Text(6)), "INVISIBLE"),
		}
		c.BytewiseEqual = bytewise(c.Type, c.Collation)
		rel.Columns = append(rel.Columns, c)
		return nil
	})
	return rel, err
}

// probe finds out the settings of a connector whose data source name is not
// known: how a time is returned, and whether arguments need preparing.
func (e *engine) probe(ctx context.Context, r *sealdriver.Reader) error {
	var s settings
	err := r.Query(ctx, "SELECT CAST('2001-02-03 04:05:06' AS DATETIME)", nil, func(row sealdriver.Row) error {
		if t, ok := row[0].(time.Time); ok {
			s.parseTime, s.loc = true, t.Location()
		}
		return nil
	})
	if err != nil {
		return err
	}
	q, ok := r.Conn().(driver.QueryerContext)
	if !ok {
		return errors.New("sealsql: the connector is not one of go-sql-driver/mysql")
	}
	rows, err := q.QueryContext(ctx, "SELECT ?", []driver.NamedValue{{Ordinal: 1, Value: int64(1)}})
	switch {
	case errors.Is(err, driver.ErrSkip):
		s.prepares = true
	case err != nil:
		return err
	default:
		if err := rows.Close(); err != nil {
			return err
		}
	}
	e.settings.Store(&s)
	return nil
}

func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
