package endtoend_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/session"
)

// letters(id, tenant, v, w, b, j, c): v, w, b and j are in Asherah's format, c is
// compact.
const lettersConfig = head + `metastore: {sql: same}
guards: require
tables:
  ` + here + `letters:
    partition: {column: tenant, type: int}
    format: asherah
    columns:
      v: encrypted
      w: {type: varchar(40)}
      b: {type: bytes}
      j: {type: json}
      c: {type: text, format: compact}
`

const lettersTable = "CREATE TABLE letters (id int PRIMARY KEY, tenant int NOT NULL, v text, w varchar(40), b %s, j json, c text)"

// asherahPair is a sealed database with columns in Asherah's format, and a
// session factory on its key table.
type asherahPair struct {
	*pair
	raw     *sql.DB
	factory *session.SessionFactory
}

// openLetters makes the table by the statement given, or through the sealed
// driver.
func openLetters(t *testing.T, f flavour, plainTable string) *asherahPair {
	t.Helper()
	config := lettersConfig
	if plainTable != "" {
		config = replaceOnce(t, config, "guards: require", "guards: off")
	}
	p := f.open(t, config)
	a := &asherahPair{pair: p, raw: p.stored(t)}
	dialect := map[string]builtin.Dialect{"postgres": builtin.Postgres, "mysql": builtin.MySQL, "sqlite": builtin.SQLite}[f.name]
	keys := p.sealedDSN
	if f.name == "sqlite" {
		keys = keyFile(p.sealedDSN)
	}
	store, err := builtin.OpenSQL(openDB(t, f.plain, keys), dialect, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	kms, err := builtin.NewEnv(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	a.factory, err = session.NewSessionFactory(&session.Config{Service: "endtoend", Product: "tests"}, store, kms)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.factory.Close(); store.Close(); kms.Close() })
	bytesType := map[string]string{"postgres": "bytea", "mysql": "blob", "sqlite": "blob"}[f.name]
	if plainTable == "" {
		_, err = p.sealed.Exec(fmt.Sprintf(lettersTable, bytesType))
	} else {
		_, err = a.raw.Exec(plainTable)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *asherahPair) session(t *testing.T, tenant string) *session.Session {
	t.Helper()
	s, err := a.factory.GetSession(tenant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (a *asherahPair) insert(t *testing.T, id, tenant int, v string) {
	t.Helper()
	q := "INSERT INTO letters (id, tenant, v, w, b, j, c) VALUES (" + a.mark(1) + ", " + a.mark(2) + ", " + a.mark(3) + ", " + a.mark(4) + ", " + a.mark(5) + ", " + a.mark(6) + ", " + a.mark(7) + ")"
	if _, err := a.sealed.Exec(q, id, tenant, v, "w "+v, []byte("b "+v), `{"a": "`+v+`"}`, "c "+v); err != nil {
		t.Fatal(err)
	}
}

// stored reads a column through the plain driver.
func (a *asherahPair) storedText(t *testing.T, column string, id int) string {
	t.Helper()
	var text string
	if err := a.raw.QueryRow("SELECT "+column+" FROM letters WHERE id = "+a.mark(1), id).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func (a *asherahPair) overwrite(t *testing.T, column, value string, id int) {
	t.Helper()
	if _, err := a.raw.Exec("UPDATE letters SET "+column+" = "+a.mark(1)+" WHERE id = "+a.mark(2), value, id); err != nil {
		t.Fatal(err)
	}
}

func (a *asherahPair) read(column string, id int) (v string, err error) {
	err = a.sealed.QueryRow("SELECT "+column+" FROM letters WHERE id = "+a.mark(1), id).Scan(&v)
	return v, err
}

func asherahEngines(t *testing.T, plainTable func(f flavour) string, test func(t *testing.T, a *asherahPair)) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			table := ""
			if plainTable != nil {
				table = plainTable(f)
			}
			test(t, openLetters(t, f, table))
		})
	}
}

func checkLetters(t *testing.T, a *asherahPair) {
	t.Helper()
	a.insert(t, 1, 7, "letter é")
	for column, want := range map[string]string{"v": "letter é", "w": "w letter é", "b": "b letter é", "c": "c letter é"} {
		if got, err := a.read(column, 1); err != nil || got != want {
			t.Errorf("%s is %q, %v", column, got, err)
		}
	}
	var j struct{ A string }
	if text, err := a.read("j", 1); err != nil || json.Unmarshal([]byte(text), &j) != nil || j.A != "letter é" {
		t.Errorf("j is %q, %v", text, err)
	}
	// What is stored opens by Asherah's interface, with the payload as it is.
	for column, want := range map[string]string{"v": "letter é", "w": "w letter é", "b": "b letter é"} {
		var r session.DataRowRecord
		if err := json.Unmarshal([]byte(a.storedText(t, column, 1)), &r); err != nil {
			t.Fatalf("%s: %v", column, err)
		}
		if got, err := a.session(t, "7").Decrypt(t.Context(), r); err != nil || string(got) != want || r.Key.ParentKeyMeta.ID != "_IK_7_endtoend_tests" {
			t.Errorf("%s under %s is %q, %v", column, r.Key.ParentKeyMeta.ID, got, err)
		}
	}
	// And the other way round.
	rec, err := a.session(t, "7").Seal(t.Context(), nil, []byte("from a session"))
	if err != nil {
		t.Fatal(err)
	}
	a.overwrite(t, "v", string(rec), 1)
	if got, err := a.read("v", 1); err != nil || got != "from a session" {
		t.Errorf("v is %q, %v", got, err)
	}
}

func TestColumnsInAsherahsFormat(t *testing.T) {
	asherahEngines(t, nil, func(t *testing.T, a *asherahPair) {
		checkLetters(t, a)
		if _, err := a.sealed.Exec("INSERT INTO letters (id, tenant, v) VALUES (2, 7, NULL), (3, 7, '')"); err != nil {
			t.Fatal(err)
		}
		var null, empty sql.NullString
		if err := a.sealed.QueryRow("SELECT v FROM letters WHERE id = 2").Scan(&null); err != nil || null.Valid {
			t.Errorf("NULL is %v, %v", null, err)
		}
		if err := a.sealed.QueryRow("SELECT v FROM letters WHERE id = 3").Scan(&empty); err != nil || !empty.Valid || empty.String != "" {
			t.Errorf("the empty text is %v, %v", empty, err)
		}
		// A literal, an update, another connection state.
		if _, err := a.sealed.Exec("UPDATE letters SET v = 'it''s' WHERE id = 3 AND tenant = 7"); err != nil {
			t.Fatal(err)
		}
		a.sealed = a.reopen(t)
		if got, err := a.read("v", 3); err != nil || got != "it's" {
			t.Errorf("v is %q, %v", got, err)
		}
	})
}

// Tables that Asherah's users have: JSON types, and no guards.
func TestColumnsInAsherahsFormatOnJSONTypes(t *testing.T) {
	types := map[string]string{"postgres": "jsonb", "mysql": "json", "sqlite": "text"}
	asherahEngines(t, func(f flavour) string {
		c := map[string]string{"postgres": "bytea", "mysql": "blob", "sqlite": "blob"}[f.name]
		return fmt.Sprintf("CREATE TABLE letters (id int PRIMARY KEY, tenant int NOT NULL, v %[1]s, w %[1]s, b %[1]s, j %[1]s, c %[2]s)", types[f.name], c)
	}, checkLetters)
}

func TestGuardsOfAsherahsFormatKeepPlaintextOut(t *testing.T) {
	asherahEngines(t, nil, func(t *testing.T, a *asherahPair) {
		for _, text := range []string{"plain text that is longer than twenty bytes", `{"json": "of the application, not a record"}`, ""} {
			if _, err := a.raw.Exec("INSERT INTO letters (id, tenant, v) VALUES (9, 7, "+a.mark(1)+")", text); err == nil {
				t.Errorf("%q is stored", text)
			}
		}
	})
}

func TestAsherahRecordsOfOtherPlacesAreRefused(t *testing.T) {
	asherahEngines(t, func(f flavour) string { // without guards, as a database writer has it
		c := map[string]string{"postgres": "text", "mysql": "text", "sqlite": "text"}[f.name]
		return fmt.Sprintf("CREATE TABLE letters (id int PRIMARY KEY, tenant int NOT NULL, v %[1]s, w %[1]s, b %[1]s, j %[1]s, c %[2]s)", c,
			map[string]string{"postgres": "bytea", "mysql": "blob", "sqlite": "blob"}[f.name])
	}, func(t *testing.T, a *asherahPair) {
		a.insert(t, 1, 7, "of seven")
		a.insert(t, 2, 8, "of eight")
		eight := a.storedText(t, "v", 2)
		var compact []byte
		if err := a.raw.QueryRow("SELECT c FROM letters WHERE id = 1").Scan(&compact); err != nil {
			t.Fatal(err)
		}
		cases := map[string]struct {
			value string
			want  error
		}{
			"a record of another partition": {eight, sealsql.ErrTampered},
			"plaintext":                     {"plain text", envelope.ErrNotSealed},
			"JSON that is no record":        {`{"a": 1}`, sealsql.ErrTampered},
			"a compact record as text":      {string(envelope.AppendArmour(nil, compact)), envelope.ErrNotSealed},
			"a changed record":              {replaceOnce(t, a.storedText(t, "v", 1), `"Data":"`, `"Data":"AAAA`), sealsql.ErrTampered},
		}
		for name, c := range cases {
			a.overwrite(t, "v", c.value, 1)
			if got, err := a.read("v", 1); !errors.Is(err, c.want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if _, err := a.raw.Exec("UPDATE letters SET c = v"); err == nil {
			if got, err := a.read("c", 2); err == nil {
				t.Errorf("a compact column opens a record in Asherah's format: %q", got)
			}
		}
	})
}

// What the format cannot prevent, and its documentation says: another record of
// the partition opens in any place.
func TestAsherahRecordsOfOnePartitionCanBeExchanged(t *testing.T) {
	f := sqliteFlavour()
	a := openLetters(t, f, "")
	a.insert(t, 1, 7, "first")
	a.insert(t, 2, 7, "second")
	a.overwrite(t, "v", a.storedText(t, "w", 2), 1)
	if got, err := a.read("v", 1); err != nil || got != "w second" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestResultColumnsOfSeveralAsherahColumnsAreRefused(t *testing.T) {
	asherahEngines(t, nil, func(t *testing.T, a *asherahPair) {
		for _, q := range []string{
			"SELECT v FROM letters WHERE tenant = 7 UNION ALL SELECT w FROM letters WHERE tenant = 7",
			"SELECT v FROM letters WHERE tenant = 7 UNION ALL SELECT c FROM letters WHERE tenant = 7",
		} {
			rows, err := a.sealed.Query(q)
			if err == nil {
				rows.Close()
			}
			var u *rewrite.UnsupportedError
			if !errors.As(err, &u) {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
}

func TestValuesOfAnotherKindAreRefusedInAsherahsFormat(t *testing.T) {
	a := openLetters(t, sqliteFlavour(), "")
	for column, v := range map[string]any{"v": []byte("bytes in a text column"), "b": "text in a bytes column"} {
		if _, err := a.sealed.Exec("INSERT INTO letters (id, tenant, "+column+") VALUES (1, 7, ?)", v); err == nil {
			t.Errorf("%T is stored in %s", v, column)
		}
	}
}

func replaceOnce(t *testing.T, s, from, to string) string {
	t.Helper()
	out := strings.Replace(s, from, to, 1)
	if out == s && !strings.Contains(s, from) {
		t.Fatalf("%q is not in the text", from)
	}
	return out
}

// keyFile is the data source name of the keys beside a SQLite database.
func keyFile(dsn string) string {
	path, _, _ := strings.Cut(dsn, "?")
	return path + sqlite.KeyFileSuffix + "?_pragma=busy_timeout(60000)"
}

// A search index is a column of its own, whatever the format of the values.
func TestColumnsInAsherahsFormatAreSearched(t *testing.T) {
	p := sqliteFlavour().open(t, head+`metastore: {sql: same}
tables:
  people:
    columns:
      email: {format: asherah, search: equality}
`)
	if _, err := p.sealed.Exec("CREATE TABLE people (id int PRIMARY KEY, email text)"); err != nil {
		t.Fatal(err)
	}
	for id, email := range []string{"a@example.org", "b@example.org"} {
		if _, err := p.sealed.Exec("INSERT INTO people (id, email) VALUES (?, ?)", id, email); err != nil {
			t.Fatal(err)
		}
	}
	var id int
	var email string
	if err := p.sealed.QueryRow("SELECT id, email FROM people WHERE email = ?", "b@example.org").Scan(&id, &email); err != nil || id != 1 || email != "b@example.org" {
		t.Fatalf("%d, %q, %v", id, email, err)
	}
}
