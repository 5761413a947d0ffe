package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
	_ "github.com/sealsql/sealsql/kms/vault"
	"github.com/sealsql/sealsql/lifecycle"
	"github.com/sealsql/sealsql/observe"
	sealotel "github.com/sealsql/sealsql/otel"
	"github.com/sealsql/sealsql/session"
)

// watch collects whatever can be seen of the program.
type watch struct {
	mu       sync.Mutex
	log      bytes.Buffer
	errors   []string
	spans    *tracetest.SpanRecorder
	registry *prometheus.Registry
	recorder []*observe.Recorder
	secrets  map[string]string // by what they are
}

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newWatch(t *testing.T) *watch {
	w := &watch{spans: tracetest.NewSpanRecorder(), registry: prometheus.NewRegistry(), secrets: map[string]string{}}
	was, out, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})))
	log.SetOutput(w)
	t.Cleanup(func() {
		slog.SetDefault(was)
		log.SetOutput(out)
		log.SetFlags(flags)
	})
	return w
}

// secret notes something that must not be seen, as it is and encoded.
func (w *watch) secret(what string, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[what] = string(b)
	w.secrets[what+" in hexadecimal"] = hex.EncodeToString(b)
	w.secrets[what+" in upper case hexadecimal"] = strings.ToUpper(hex.EncodeToString(b))
	w.secrets[what+" in decimal"] = strings.Trim(fmt.Sprint(b), "[]")
	for shift := range 3 { // in base64, wherever it begins
		whole := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
		inner := whole[4*(shift+2)/3 : len(whole)-4]
		w.secrets[fmt.Sprintf("%s in base64 (%d)", what, shift)] = inner
		w.secrets[fmt.Sprintf("%s in base64url (%d)", what, shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(inner)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// note keeps all forms of an error and of what it wraps. A test that expects one
// demands it.
func (w *watch) note(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
	}
	w.see(err)
}

func (w *watch) see(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	w.errors = append(w.errors, err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", fmt.Errorf("wrapped: %w", err)))
	w.mu.Unlock()
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		w.see(u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			w.see(e)
		}
	}
}

// export attaches telemetry to a database: everything that can be asked for.
func (w *watch) export(t *testing.T, r *observe.Recorder) {
	t.Helper()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(prometheus.WrapRegistererWith(prometheus.Labels{"n": fmt.Sprint(len(w.recorder))}, w.registry)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealotel.Recorder(r, sealotel.WithDigests(), sealotel.WithAsherahNames(), sealotel.WithKeyIDs(sealotel.ClearKeyIDs),
		sealotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(exporter))),
		sealotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(w.spans)))); err != nil {
		t.Fatal(err)
	}
	w.recorder = append(w.recorder, r)
}

// seen returns all that was collected, by channel.
func (w *watch) seen(t *testing.T) map[string]string {
	t.Helper()
	var metrics, spans, stats bytes.Buffer
	if err := write(&metrics, w.registry); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.spans.Ended() {
		fmt.Fprintf(&spans, "%s %v %v %v %v\n", s.Name(), s.Attributes(), s.Status(), s.Events(), s.Links())
	}
	for _, r := range w.recorder {
		b, err := json.Marshal(r.Stats())
		if err != nil {
			t.Fatal(err)
		}
		stats.Write(b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[string]string{
		"log": w.log.String(), "errors": strings.Join(w.errors, "\n"),
		"metrics": metrics.String(), "spans": spans.String(), "statistics": stats.String(),
	}
}

// found lists the secrets that were seen.
func (w *watch) found(t *testing.T) (out []string) {
	t.Helper()
	for channel, text := range w.seen(t) {
		for what, secret := range w.secrets {
			if at := strings.Index(text, secret); at >= 0 {
				out = append(out, fmt.Sprintf("%s: %s, after …%q", channel, what, text[max(0, at-120):at]))
			}
		}
	}
	return out
}

// malicious is a transit engine that answers, or fails and repeats in its message
// what it was sent. It notes the system keys that it wraps.
type malicious struct {
	*httptest.Server
	w    *watch
	mu   sync.Mutex
	kept map[string]string
	fail int // status; 0 does what is asked
}

func newMalicious(t *testing.T, w *watch) *malicious {
	m := &malicious{w: w, kept: map[string]string{}}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *malicious) answer(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = status
}

func (m *malicious) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var q struct{ Plaintext, Ciphertext string }
	_ = json.NewDecoder(r.Body).Decode(&q)
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Plaintext != "" {
		if b, err := base64.StdEncoding.DecodeString(q.Plaintext); err == nil && len(b) == 64 {
			m.w.secret("system key", b[32:])
		}
	}
	key := m.kept[q.Ciphertext]
	switch {
	case m.fail == http.StatusOK:
		fmt.Fprintf(out, `{"data": "%s %s"`, q.Plaintext, key)
	case m.fail != 0:
		out.Header().Set("Location", "http://127.0.0.1:1/"+r.Header.Get("X-Vault-Token"))
		out.WriteHeader(m.fail)
		fmt.Fprintf(out, `{"errors": ["token %s: %s %s"]}`, r.Header.Get("X-Vault-Token"), q.Plaintext, key)
	case q.Plaintext != "":
		name := fmt.Sprintf("vault:v1:%x", random(16))
		m.kept[name] = q.Plaintext
		fmt.Fprintf(out, `{"data": {"ciphertext": %q}}`, name)
	default:
		fmt.Fprintf(out, `{"data": {"plaintext": %q}}`, key)
	}
}

// engine is a database with a password in its data source name.
type engine struct {
	name, driver string
	plain        string
	dsn          string
	mark         func(int) string
	keys         func(dsn string, cfg *config.Config) (*envelope.Sealer, error)
}

func (e engine) query(text string) string {
	for n := 1; strings.Contains(text, "?"); n++ {
		text = strings.Replace(text, "?", e.mark(n), 1)
	}
	return text
}

func engines(t *testing.T, w *watch) []engine {
	password := hex.EncodeToString(random(12))
	w.secret("password of the database", []byte(password))
	question := func(int) string { return "\x00" }
	lite := engine{"sqlite", "encrypted-sqlite", "sqlite", "file:" + filepath.Join(t.TempDir(), "app.db") + "?_pragma=busy_timeout(60000)", question, sqlite.OpenKeys}
	if os.Getenv("TEST_POSTGRES_DSN") == "" || os.Getenv("TEST_MYSQL_DSN") == "" {
		t.Log("on SQLite alone: no servers")
		return []engine{lite}
	}
	pg := withRole(t, testenv.Postgres(t), password)
	return []engine{
		lite,
		{"postgres", "encrypted-postgres", "pgx", pg, func(n int) string { return fmt.Sprintf("$%d", n) }, postgres.OpenKeys},
		{"mysql", "encrypted-mysql", "mysql", withUser(t, testenv.MySQL(t), password), question, mysql.OpenKeys},
	}
}

// withRole makes a role with a password who may do everything.
func withRole(t *testing.T, dsn, password string) string {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "canary" + hex.EncodeToString(random(4))
	t.Cleanup(func() {
		_, err := db.Exec("DROP OWNED BY " + name)
		_, err2 := db.Exec("DROP ROLE " + name)
		if err := errors.Join(err, err2, db.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec("CREATE ROLE " + name + " SUPERUSER LOGIN PASSWORD '" + password + "'"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}

// withUser makes a user with a password who may do everything in the database.
func withUser(t *testing.T, dsn, password string) string {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "canary" + hex.EncodeToString(random(4))
	t.Cleanup(func() {
		_, err := db.Exec("DROP USER " + name)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	})
	for _, q := range []string{"CREATE USER " + name + " IDENTIFIED BY '" + password + "'", "GRANT ALL ON *.* TO " + name} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	_, rest, _ := strings.Cut(dsn, "@")
	return name + ":" + password + "@" + rest
}

const canaryConfig = `version: 1
service: shop
product: canary
kms: {vault: {address: "VAULT", key: orders, timeout: 2s, auth: {token_env: SEALSQL_CANARY_TOKEN}}}
metastore: {sql: same}
guards: off
audit: {log: true, file: "AUDIT"}
cache: {intermediate: {size: 100}}
tables:
  HERE.people:
    partition: {column: tenant, type: text}
    columns:
      name: {type: text, audit: [read, write]}
      age: {type: int}
      born: {type: date}
      code: {type: varchar(8)}
`

func TestNothingThatIsSeenHoldsASecret(t *testing.T) {
	w := newWatch(t)
	plain := "CANARY plain " + hex.EncodeToString(random(8))
	w.secret("plaintext", []byte(plain))
	w.secrets["age"] = "9182736455"
	token := "hvs." + hex.EncodeToString(random(16))
	w.secret("token", []byte(token))
	t.Setenv("SEALSQL_CANARY_TOKEN", token)
	vault := newMalicious(t, w)
	for _, e := range engines(t, w) {
		t.Run(e.name, func(t *testing.T) { w.scenario(t, e, vault, plain) })
	}
	t.Run("session", func(t *testing.T) { w.sessions(t, plain) })
	for _, f := range w.found(t) {
		t.Error(f)
	}
	for channel, text := range w.seen(t) {
		if len(text) < 1000 {
			t.Errorf("%s holds %d bytes only: is it collected?", channel, len(text))
		}
	}
	w.control(t, plain)
}

// control plants secrets in every channel: they must be found.
func (w *watch) control(t *testing.T, plain string) {
	t.Helper()
	slog.Debug("planted", "value", plain)
	w.see(fmt.Errorf("planted %w", errors.New(plain)))
	r := observe.New()
	w.export(t, r)
	r.Refused(plain)
	ctx, timing := r.Call(observe.Op{Kind: observe.KMS, Provider: plain, Name: "wrap"}).Begin(t.Context(), "")
	timing.End(observe.OK)
	_ = ctx
	found := strings.Join(w.found(t), "\n")
	for _, channel := range []string{"log: plaintext", "errors: plaintext", "metrics: plaintext", "spans: plaintext", "statistics: plaintext"} {
		if !strings.Contains(found, channel) {
			t.Errorf("what was planted is not found: %s", channel)
		}
	}
	for what, secret := range w.secrets {
		if len(secret) < 8 {
			t.Errorf("%s is too short to be looked for", what)
		}
	}
}

// open writes a configuration and opens the database with it.
func (w *watch) open(t *testing.T, e engine, configuration string) (db *sql.DB, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	join := "?"
	if strings.Contains(e.dsn, "?") {
		join = "&"
	}
	db, err := sql.Open(e.driver, e.dsn+join+"sealsql_config="+url.QueryEscape(file))
	if err != nil {
		w.see(err)
		return nil, file
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, file
}

func (w *watch) scenario(t *testing.T, e engine, vault *malicious, plain string) {
	vault.answer(0)
	ctx := sealsql.WithActor(sealsql.WithPurpose(t.Context(), "canary"), "test")
	here := ""
	if e.name == "mysql" {
		_, name, _ := strings.Cut(e.dsn, "/")
		name, _, _ = strings.Cut(name, "?")
		here = name + "."
	}
	text := strings.NewReplacer("HERE.", here, "VAULT", vault.URL, "AUDIT", filepath.Join(t.TempDir(), "audit.jsonl")).Replace(canaryConfig)
	db, file := w.open(t, e, text)
	if db == nil {
		t.Fatal(w.errors)
	}
	raw, err := sql.Open(e.plain, e.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	w.keyTable(t, e, raw)
	r, err := sealdriver.RecorderOf(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	w.export(t, r)

	exec := func(q string, args ...any) error {
		_, err := db.ExecContext(ctx, strings.ReplaceAll(e.query(q), "\x00", "?"), args...)
		return err
	}
	must := func(q string, args ...any) {
		t.Helper()
		if err := exec(q, args...); err != nil {
			w.see(err)
			t.Fatal(err)
		}
	}
	must("CREATE TABLE people (id int PRIMARY KEY, tenant varchar(40) NOT NULL, name text, age int, born date, code varchar(8))")
	must("INSERT INTO people (id, tenant, name, age) VALUES (?, ?, ?, ?)", 1, "a", plain, 42)
	must("INSERT INTO people (id, tenant, name) VALUES (2, 'b', '" + plain + "')")
	if e.name != "mysql" { // its collations take several texts for one partition
		must("UPDATE people SET name = ? WHERE id = 1 AND tenant = 'a'", plain)
	}
	var got string
	if err := db.QueryRowContext(ctx, strings.ReplaceAll(e.query("SELECT name FROM people WHERE id = ?"), "\x00", "?"), 1).Scan(&got); err != nil || got != plain {
		t.Fatal(got != plain, err)
	}
	w.values(t, exec, plain)
	w.refusals(t, e, exec, plain)
	w.tampering(t, e, db, raw)
	w.outages(t, e, text, vault, plain)
	w.reload(t, ctx, db, file, text, plain)
	w.shredding(t, ctx, e, file, db)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	w.note(t, "a closed database", exec("INSERT INTO people (id, tenant, name) VALUES (90, 'a', ?)", plain))
}

// keyTable makes the key table where it is not made at first use.
func (w *watch) keyTable(t *testing.T, e engine, raw *sql.DB) {
	t.Helper()
	dialect, ok := map[string]builtin.Dialect{"postgres": builtin.Postgres, "mysql": builtin.MySQL}[e.name]
	if !ok {
		return
	}
	store, err := builtin.OpenSQL(raw, dialect, builtin.SQLOptions{})
	if err == nil {
		err = store.Init(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// values sends values that their columns cannot hold.
func (w *watch) values(t *testing.T, exec func(string, ...any) error, plain string) {
	t.Helper()
	const insert = "INSERT INTO people (id, tenant, name, age, born, code) VALUES (?, ?, ?, ?, ?, ?)"
	for what, args := range map[string][]any{
		"arguments are missing":  {10, "a", plain},
		"a partition of NULL":    {12, nil, plain, 1, nil, nil},
		"a partition too long":   {13, strings.Repeat("t", 300), plain, 1, nil, nil},
		"a type that is none":    {14, "a", struct{ Secret string }{plain}, 1, nil, nil},
		"a valuer that fails":    {15, "a", failing{plain}, 1, nil, nil},
		"a value beyond the row": {1, "a", plain, 1, nil, nil}, // the primary key is taken
	} {
		w.note(t, what, exec(insert, args...))
	}
	for _, args := range [][]any{ // SQLite takes what others refuse
		{16, "a", plain, plain, nil, nil},
		{17, "a", plain, "9182736455", nil, nil},
		{18, "a", plain, 9182736455, nil, nil},
		{19, "a", plain, 1, plain, nil},
		{20, "a", plain, 1, nil, plain},
		{21, "a", []byte(plain), 1, nil, nil},
		{22, "a", "\x00" + plain, 1, nil, nil},
		{23, "a", "\xff" + plain, 1, nil, nil},
	} {
		w.see(exec(insert, args...))
	}
	func() { // what a program's own code does with the value is its own
		defer func() { _ = recover() }()
		_ = exec(insert, 24, "a", panicking{}, 1, nil, nil)
	}()
}

// refusals sends statements that are refused, with the value in their text.
func (w *watch) refusals(t *testing.T, e engine, exec func(string, ...any) error, plain string) {
	t.Helper()
	lit := "'" + plain + "'"
	for _, q := range []string{
		"SELECT id FROM people WHERE name = " + lit,
		"SELECT id FROM people WHERE name LIKE " + lit,
		"SELECT id FROM people WHERE name > " + lit + " ORDER BY name",
		"SELECT upper(name) FROM people WHERE tenant = " + lit,
		"SELECT name || " + lit + " FROM people",
		"UPDATE people SET name = upper(" + lit + ") WHERE tenant = 'a'",
		"UPDATE people SET name = " + lit,
		"INSERT INTO people (id, tenant, name) VALUES (30, 'a', concat(" + lit + ", 'x'))",
		"INSERT INTO people (id, tenant, name) SELECT 31, 'a', " + lit + " FROM nowhere",
		"INSERT INTO nowhere (name) VALUES (" + lit + ")",
		"DELETE FROM people WHERE name IN (" + lit + ")",
		"SELECT " + lit + " FROM people WHERE name = " + lit,
		"SELECT name FROM people WHERE name REGEXP " + lit,
		"CREATE TRIGGER tr AFTER INSERT ON people BEGIN UPDATE people SET name = " + lit + "; END",
		"INSERT INTO people (id, tenant, nome) VALUES (32, 'a', " + lit + ")",
		"INSERT INTO people (id, tenant, name) VALUES (33, 'a', " + lit,
		"UPDATE people SET name = " + lit + " WHERE !!! people",
		"SELECT 1; UPDATE people SET name = lower(" + lit + ")",
		"MERGE people " + lit,
	} {
		w.note(t, "refused", exec(q))
	}
	ctx := sealsql.WithPartition(t.Context(), "z")
	_ = ctx
}

// tampering changes stored records and reads them.
func (w *watch) tampering(t *testing.T, e engine, db, raw *sql.DB) {
	t.Helper()
	change := func(q string) {
		t.Helper()
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	read := func(what string, id int) {
		t.Helper()
		var v any
		w.note(t, what, db.QueryRow(fmt.Sprintf("SELECT name FROM people WHERE id = %d", id)).Scan(&v))
	}
	raw.SetMaxOpenConns(1)
	guards := map[string]string{"sqlite": "PRAGMA ignore_check_constraints = 1"}[e.name]
	if guards == "" {
		guards = "ALTER TABLE people DROP CONSTRAINT sealsql_guard_people_name"
	}
	change(guards)
	change("INSERT INTO people (id, tenant, name) SELECT 50, 'b', name FROM people WHERE id = 1")
	read("a record of another partition", 50)
	change("INSERT INTO people (id, tenant, age) SELECT 51, 'a', age FROM people WHERE id = 1")
	if e.name != "postgres" { // where carriers of the two columns are the same
		change("UPDATE people SET name = age WHERE id = 51")
		read("a record of another column", 51)
	}
	change("INSERT INTO people (id, tenant, name) SELECT 52, 'a', substr(name, 1, 60) FROM people WHERE id = 1")
	read("a record cut off", 52)
	bytes := map[string]string{"sqlite": "x'00112233'", "postgres": `'\x00112233'`, "mysql": "x'00112233'"}[e.name]
	change("INSERT INTO people (id, tenant, name) VALUES (53, 'a', " + bytes + ")")
	read("no record", 53)
}

// outages opens the database anew while the key service or the metastore fail.
func (w *watch) outages(t *testing.T, e engine, text string, vault *malicious, plain string) {
	t.Helper()
	try := func(what string) {
		t.Helper()
		own := strings.ReplaceAll(text, "audit.jsonl", "audit"+hex.EncodeToString(random(4))+".jsonl")
		if what != "status 403" || e.name != "sqlite" { // closing a trail without a key takes seconds
			own = strings.Replace(own, "audit: {log", "#", 1)
		}
		db, _ := w.open(t, e, own)
		if db == nil {
			return
		}
		defer db.Close()
		r, err := sealdriver.RecorderOf(t.Context(), db)
		if err != nil {
			w.see(err)
			return
		}
		w.export(t, r)
		_, err = db.Exec("INSERT INTO people (id, tenant, name) VALUES (60, 'c', '" + plain + "')")
		w.note(t, what, err)
		var v any
		w.note(t, what, db.QueryRow("SELECT name FROM people WHERE id = 1").Scan(&v))
	}
	statuses := []int{http.StatusOK, 403}
	if e.name == "sqlite" { // what the service answers is the same for all
		statuses = []int{http.StatusOK, 302, 400, 403, 404, 429, 500}
	}
	for _, status := range statuses {
		vault.answer(status)
		try(fmt.Sprintf("status %d", status))
	}
	vault.answer(0)
	wrong := e
	if e.name != "sqlite" {
		wrong.dsn = strings.Replace(e.dsn, e.dsn[strings.Index(e.dsn, ":"):strings.LastIndex(e.dsn, "@")], map[string]string{
			"mysql": ":" + plain, "postgres": "://nobody:" + url.QueryEscape(plain),
		}[e.name], 1)
		db, _ := w.open(t, wrong, text)
		if db != nil {
			w.see(db.Ping())
		}
	}
	for what, bad := range map[string]string{
		"an unknown member":      text + "secret: " + plain + "\n",
		"an unknown provider":    strings.Replace(text, "metastore: {sql: same}", "metastore: {oracle: "+plain+"}", 1),
		"a data source name":     strings.Replace(text, "metastore: {sql: same}", "metastore: {sql: {dsn: \"://:"+plain+"\"}}", 1),
		"a missing environment":  strings.Replace(text, "SEALSQL_CANARY_TOKEN", "SEALSQL_CANARY_MISSING", 1),
		"an address with a user": strings.Replace(text, "http://", "http://root:"+plain+"@", 1),
	} {
		db, _ := w.open(t, e, bad)
		if db == nil {
			continue
		}
		_, err := db.Exec("INSERT INTO people (id, tenant, name) VALUES (61, 'd', 'x')")
		if what == "an unknown member" { // opens at all?
			t.Errorf("%s: opened, %v", what, err)
		}
		w.see(err)
	}
}

func (w *watch) reload(t *testing.T, ctx context.Context, db *sql.DB, file, text, plain string) {
	t.Helper()
	replace := func(s string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace(strings.Replace(text, "product: canary", "product: other", 1))
	_, err := sealdriver.Reload(ctx, db)
	w.note(t, "a configuration that orphans values", err)
	replace(text + "tables: [" + plain)
	_, err = sealdriver.Reload(ctx, db)
	w.note(t, "a configuration that is not one", err)
	replace(strings.Replace(text, "size: 100", "size: 200", 1))
	if _, err = sealdriver.Reload(ctx, db); err != nil {
		w.see(err)
		t.Error(err)
	}
}

// shredding destroys the keys of partition b and revokes the system key.
func (w *watch) shredding(t *testing.T, ctx context.Context, e engine, file string, db *sql.DB) {
	t.Helper()
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Audit.File = ""
	s, err := e.keys(e.dsn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w.export(t, s.Recorder())
	keys, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	x := &lifecycle.Shredder{Keys: keys, Catalog: cfg.Catalog}
	if _, err := x.Begin(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	_, err = x.Finish(ctx, "b", false)
	w.note(t, "too early", err)
	if _, err := x.Finish(ctx, "b", true); err != nil {
		t.Fatal(err)
	}
	next, _ := w.open(t, e, mustRead(t, file))
	defer next.Close()
	var v any
	w.note(t, "a destroyed key", next.QueryRow("SELECT name FROM people WHERE id = 2").Scan(&v))
	_, err = next.Exec("INSERT INTO people (id, tenant, name) VALUES (70, 'b', 'x')")
	w.note(t, "a destroyed partition", err)
	if _, err := keys.RotateSystem(ctx); err != nil {
		w.see(err)
	}
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// failing and panicking are values of programs.
type failing struct{ secret string }

func (f failing) Value() (any, error) { return nil, errors.New("cannot") }

type panicking struct{}

func (panicking) Value() (any, error) { panic("a program's own panic") }

// moody is a key service and a metastore that panic with what they were given.
type moody struct {
	envelope.AsherahKMS
	envelope.Metastore
	w     *watch
	panic bool
}

func (m *moody) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	m.w.secret("system key of a session", key)
	if m.panic {
		panic(fmt.Sprintf("%x %s", key, key))
	}
	return m.AsherahKMS.EncryptKey(ctx, kc, key)
}

func (m *moody) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	key, err := m.AsherahKMS.DecryptKey(ctx, kc, wrapped)
	if m.panic {
		panic(fmt.Sprintf("%x %s %v", key, key, key))
	}
	return key, err
}

func (m *moody) Close() error { return nil }

// sessions has a key service panic, records damaged and payloads too large.
func (w *watch) sessions(t *testing.T, plain string) {
	master := random(32)
	w.secret("master key", master)
	kms, err := builtin.NewInsecureStatic(master)
	if err != nil {
		t.Fatal(err)
	}
	m := &moody{AsherahKMS: kms.(envelope.AsherahKMS), Metastore: builtin.NewMemory(), w: w}
	factory := func() *session.SessionFactory {
		t.Helper()
		f, err := session.NewSessionFactory(&session.Config{Service: "s", Product: "p", Format: session.Compact}, m.Metastore, m,
			session.WithLogger(slog.Default()))
		if err != nil {
			t.Fatal(err)
		}
		w.export(t, f.Recorder())
		return f
	}
	seal := func(f *session.SessionFactory) (*session.DataRowRecord, error) {
		t.Helper()
		defer f.Close()
		s, err := f.GetSession("tenant")
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Encrypt(t.Context(), []byte(plain))
		if err != nil {
			return nil, err
		}
		r.Data[len(r.Data)-1] ^= 1
		_, err = s.Decrypt(t.Context(), *r)
		w.note(t, "a damaged record", err)
		r.Data[len(r.Data)-1] ^= 1
		return r, nil
	}
	m.panic = true
	_, err = seal(factory())
	w.note(t, "a key service that panics when it wraps", err)
	m.panic = false
	r, err := seal(factory())
	if err != nil {
		t.Fatal(err)
	}
	m.panic = true
	f := factory()
	defer f.Close()
	s, err := f.GetSession("tenant")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Decrypt(t.Context(), *r)
	w.note(t, "a key service that panics when it unwraps", err)
	ended, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err = s.Encrypt(ended, []byte(plain))
	w.note(t, "no time", err)
}
