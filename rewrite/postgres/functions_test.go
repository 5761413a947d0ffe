package postgres

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/internal/testenv"
)

// newer are the listed functions that came after PostgreSQL 15, with their
// first version.
var newer = map[string]int{
	"any_value": 16, "array_sample": 16, "array_shuffle": 16, "date_add": 16, "date_subtract": 16,
	"erf": 16, "erfc": 16, "pg_input_error_info": 16, "pg_input_is_valid": 16, "random_normal": 16, "system_user": 16,
	"icu_unicode_version": 17, "pg_basetype": 17, "to_bin": 17, "to_oct": 17, "unicode_assigned": 17,
	"unicode_version": 17, "uuid_extract_timestamp": 17, "uuid_extract_version": 17, "xmltext": 17,
	"array_reverse": 18, "array_sort": 18, "casefold": 18, "crc32": 18, "crc32c": 18, "gamma": 18, "lgamma": 18,
	"uuidv4": 18, "uuidv7": 18,
}

// gone are those that a later version renamed, with that version. A function of
// a user with the name is a routine like others.
var gone = map[string]int{"pg_timezone_abbrevs": 18}

// grammar are forms that look like functions but are not in the catalog.
var grammar = map[string]bool{
	"coalesce": true, "nullif": true, "greatest": true, "least": true, "current_date": true, "current_time": true,
	"current_timestamp": true, "localtime": true, "localtimestamp": true, "current_role": true,
	"current_catalog": true, "user": true,
}

func TestFunctionListIsSorted(t *testing.T) {
	if !slices.IsSorted(functions[:]) || len(functions) < 500 {
		t.Errorf("%d functions, sorted: %v", len(functions), slices.IsSorted(functions[:]))
	}
}

func TestListedFunctionsExistInTheServer(t *testing.T) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(ctx, "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, f := range functions {
		_, ok := slices.BinarySearch(names, f)
		if last := gone[f]; last > 0 && version >= last {
			continue
		}
		if !ok && !grammar[f] && newer[f] <= version && version >= 15 {
			t.Errorf("%s does not exist in PostgreSQL %d", f, version)
		}
	}
}
