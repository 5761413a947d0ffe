// Quickstart shows sealsql's main job on an embedded SQLite database, with
// nothing else installed:
//
//	CGO_ENABLED=0 go run ./examples/quickstart
//
// It opens a database through "encrypted-sqlite", creates a table with plain
// SQL, writes and reads rows, finds one by an encrypted value, shows the same
// rows as the plain driver sees them, shows a statement that is refused, and
// searches the database's files for the plaintext.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	_ "modernc.org/sqlite" // the plain driver "sqlite", to look at what is stored

	"github.com/sealsql/sealsql"
	_ "github.com/sealsql/sealsql/driver/sqlite" // registers "encrypted-sqlite"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/rewrite"
)

const configuration = `version: 1
service: quickstart
product: demo
kms: {file: master.key}
metastore: {sql: same}
defaults: {partition: {const: demo}}
tables:
  patients:
    columns:
      name: encrypted
      diagnosis: encrypted
      born: {type: date}
      insurance_no: {type: bigint, search: {equality: {unique: exact}}}
`

const schema = `CREATE TABLE patients (
  id           INTEGER PRIMARY KEY,
  ward         TEXT NOT NULL,
  name         TEXT NOT NULL,
  born         DATE,
  insurance_no BIGINT UNIQUE,
  diagnosis    TEXT
)`

type patient struct {
	ward, name, diagnosis string
	born                  time.Time
	insurance             int64
}

var patients = []patient{
	{"cardiology", "Ada Lovelace", "arrhythmia", date(1815, 12, 10), 4711_0815_001},
	{"oncology", "Grace Hopper", "in remission", date(1906, 12, 9), 4711_0815_002},
	{"cardiology", "Alan Turing", "hypertension", date(1912, 6, 23), 4711_0815_003},
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "sealsql-quickstart-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir); err != nil {
		os.RemoveAll(dir)
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) error {
	if err := setUp(dir); err != nil {
		return err
	}
	// The one word that changes: "sqlite" becomes "encrypted-sqlite".
	file := filepath.Join(dir, "clinic.db")
	db, err := sql.Open("encrypted-sqlite", "file:"+file+"?_pragma=journal_mode(wal)&sealsql_config="+filepath.Join(dir, "sealsql.yaml"))
	if err != nil {
		return err
	}
	defer db.Close()

	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if err := insert(ctx, db); err != nil {
		return err
	}
	fmt.Println("\n-- what the application reads: SELECT * FROM patients WHERE ward = 'cardiology'")
	if err := show(ctx, db, "SELECT * FROM patients WHERE ward = ? ORDER BY id", "cardiology"); err != nil {
		return err
	}

	fmt.Println("\n-- a column with a search index is found by its value: WHERE insurance_no = 47110815002")
	if err := show(ctx, db, "SELECT id, name, born FROM patients WHERE insurance_no = ?", patients[1].insurance); err != nil {
		return err
	}

	plain, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer plain.Close()
	fmt.Println("\n-- what the database holds: the same rows through the plain driver")
	if err := show(ctx, plain, "SELECT * FROM patients WHERE ward = ? ORDER BY id", "cardiology"); err != nil {
		return err
	}

	fmt.Println("\n-- a statement that cannot be proven safe is refused before anything is sent")
	if err := refused(ctx, db); err != nil {
		return err
	}
	fmt.Println("\n-- a write past the driver is stopped by the guard in the database")
	if _, err := plain.ExecContext(ctx, "UPDATE patients SET name = 'in clear' WHERE id = 1"); err == nil {
		return errors.New("the guard let plaintext through")
	} else {
		fmt.Println("  ", err)
	}
	return search(dir)
}

// setUp writes a master key (mode 0600) and the configuration.
func setUp(dir string) error {
	if err := builtin.GenerateKeyFile(filepath.Join(dir, "master.key")); err != nil {
		return err
	}
	fmt.Printf("-- sealsql.yaml\n%s", indent(configuration))
	return os.WriteFile(filepath.Join(dir, "sealsql.yaml"), []byte(configuration), 0o644)
}

func insert(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, p := range patients {
		if _, err := tx.ExecContext(ctx,
			"INSERT INTO patients (ward, name, born, insurance_no, diagnosis) VALUES (?, ?, ?, ?, ?)",
			p.ward, p.name, p.born, p.insurance, p.diagnosis); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func show(ctx context.Context, db *sql.DB, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "   "+strings.Join(cols, "\t"))
	for rows.Next() {
		vals := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		cells := make([]string, len(vals))
		for i, v := range vals {
			cells[i] = cell(v)
		}
		fmt.Fprintln(w, "   "+strings.Join(cells, "\t"))
	}
	w.Flush()
	return rows.Err()
}

func cell(v any) string {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("%x… (%d bytes)", v[:8], len(v))
	case time.Time:
		return v.Format(time.DateOnly)
	}
	return fmt.Sprint(v)
}

func refused(ctx context.Context, db *sql.DB) error {
	const query = "SELECT id FROM patients WHERE diagnosis = 'hypertension'"
	_, err := db.QueryContext(ctx, query)
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, sealsql.ErrRefused) {
		return fmt.Errorf("the statement should have been refused: %w", err)
	}
	fmt.Printf("   %s\n   %s^\n   %v\n", query, strings.Repeat(" ", u.Pos), err)
	return nil
}

// search reads every file of the database and looks for what was stored.
func search(dir string) error {
	fmt.Println("\n-- the database's files, searched for the plaintext")
	files, err := filepath.Glob(filepath.Join(dir, "clinic.db*"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no files to search: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		for _, p := range patients {
			for _, needle := range []string{p.name, p.diagnosis, p.born.Format(time.DateOnly), fmt.Sprint(p.insurance)} {
				if bytes.Contains(data, []byte(needle)) {
					return fmt.Errorf("%s holds %q in clear", filepath.Base(f), needle)
				}
			}
		}
		fmt.Printf("   %-20s %7d bytes: none of the names, dates, numbers and diagnoses\n", filepath.Base(f), len(data))
	}
	return nil
}

func indent(s string) string {
	return "   " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n   ") + "\n"
}
