package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/schema"
)

var update = flag.Bool("update", false, "rewrite expected output")

func parseFile(t testing.TB, path string) *config.Config {
	t.Helper()
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// glob fails when nothing matches, so that moved files are noticed.
func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	return files
}

// provider checks the KMS and takes it out of c.
func provider(t *testing.T, c *config.Config, name, options string) {
	t.Helper()
	if c.KMS.Provider != name || string(c.KMS.Options) != options {
		t.Errorf("KMS is %s, %s", c.KMS.Provider, c.KMS.Options)
	}
	c.KMS = config.Provider{}
}

func TestDefaultsAreComplete(t *testing.T) {
	c := parseFile(t, "testdata/good/smallest.yaml")
	if c.Catalog == nil || len(c.Catalog.Tables()) != 0 {
		t.Errorf("catalog is %v", c.Catalog)
	}
	provider(t, c, "env", `{"env":"SEALSQL_MASTER_KEY"}`)
	c.Catalog = nil
	want := &config.Config{
		File:    "testdata/good/smallest.yaml",
		Service: "shop", Product: "orders",
		Metastore: config.Metastore{Provider: "sql", Same: true, Table: "encryption_key", Options: []byte(`{"table":"encryption_key"}`)},
		Policy: config.Policy{
			ExpireAfter: 90 * 24 * time.Hour, RevokeCheck: time.Hour, MaxStale: 2 * time.Hour, CreatedPrecision: time.Minute,
			DataKey: config.DataKey{MaxUses: 65536, MaxAge: time.Minute},
		},
		Cache: config.Cache{
			Intermediate: config.KeyCache{Size: 10000, Policy: "tinylfu", TTL: 2 * time.Hour},
			Data:         config.KeyCache{Size: 1024, Policy: "clock", TTL: 10 * time.Minute},
		},
		Memory:       "prefer",
		CatalogMode:  "auto",
		MaxAge:       30 * time.Second,
		Guards:       "warn",
		Declarations: config.Declarations{Routines: map[string]bool{}, Triggers: map[string]bool{}},
		Limits:       config.Limits{Plans: 4096, Keys: 10_000, Scans: 10_000},
		Format:       "compact",
		Algorithm:    "AES-256-GCM",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("configuration is\n%#v, want\n%#v", c, want)
	}
}

func TestEveryKeyReachesTheConfiguration(t *testing.T) {
	c := parseFile(t, "testdata/good/everything.yaml")
	provider(t, c, "file", `{"file":"testdata/good/keys/master.key"}`)
	cat := c.Catalog
	c.Catalog = nil
	want := &config.Config{
		File:    "testdata/good/everything.yaml",
		Service: "shop", Product: "orders",
		Metastore: config.Metastore{Provider: "sql", Table: "shop_keys", Options: []byte(`{"dsn_env":"KEYS_DSN","table":"shop_keys"}`)},
		Policy: config.Policy{
			ExpireAfter: 30 * 24 * time.Hour, RevokeCheck: 90 * time.Minute, MaxStale: 4 * time.Hour, CreatedPrecision: 5 * time.Minute,
			NotBefore: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC),
			DataKey:   config.DataKey{MaxUses: 1, MaxAge: 500 * time.Millisecond},
		},
		Cache: config.Cache{
			Intermediate: config.KeyCache{Size: 100, Policy: "lru", TTL: 30 * time.Minute},
			Data:         config.KeyCache{Size: 200, Policy: "clock", TTL: time.Minute},
		},
		Memory:       "require",
		Eager:        true,
		CatalogMode:  "none",
		MaxAge:       time.Minute,
		Guards:       "require",
		Declarations: config.Declarations{Routines: map[string]bool{"add_user": true}, Triggers: map[string]bool{"users_touch": true}},
		Limits:       config.Limits{Plans: 100, Keys: 500, Scans: 700},
		Format:       "compact",
		Algorithm:    "AES-256-GCM",
		Asherah:      config.Asherah{RegionSuffix: "eu-west-1", ReadSuffixes: []string{"", "us-east-1"}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("configuration is\n%#v, want\n%#v", c, want)
	}
	tables := cat.Tables()
	if len(tables) != 3 || !cat.IsClear("Countries") || !cat.IsClearIn("log", "levels") || cat.IsClear("levels") {
		t.Fatalf("tables are %v", tables)
	}
	var views []string
	for _, v := range cat.Views() {
		for i := range v.Columns {
			c := &v.Columns[i]
			views = append(views, fmt.Sprintf("%s.%s %v %t %t", v, c.Name, c.Column, c.Table != nil && c.Partition(c.Table), c.Table != nil && c.Identity(c.Table)))
		}
	}
	if want := []string{"contacts.id <nil> false false", "contacts.mail users.ssn false false", "contacts.tenant <nil> true false", "contacts.row <nil> false true", "log.recent.line entries.line false false"}; !reflect.DeepEqual(views, want) {
		t.Errorf("views are %q", views)
	}
	users := tables[0]
	for name, want := range map[string]schema.Verification{"ssn": schema.VerifyAlways, "odd name": schema.VerifyNever} {
		if c := users.Column(name); c == nil || c.Verify != want {
			t.Errorf("%s: verify is %v", name, c)
		}
	}
	if c := users.Column("salary"); c.ClientSort != 500 {
		t.Errorf("salary: client_sort is %d", c.ClientSort)
	}
	if got := tables[1].Columns[0].Verify; got != schema.VerifyReport {
		t.Errorf("defaults: verify is %v", got)
	}
	if !users.Relaxed || users.Partition.Kind != schema.PartitionColumn || users.Partition.Column != "tenant_id" || users.Partition.Type.Name != "uuid" {
		t.Errorf("users is %+v", users)
	}
	var columns []string
	for _, col := range users.Columns {
		columns = append(columns, strings.Join([]string{col.Name, col.ID, col.Type.Name, col.Type.Declared, col.Carrier.String()}, "/"))
	}
	wantColumns := []string{
		"notes/users.notes/text/text/binary",
		"salary/users.salary/numeric(10,2)/numeric(10,2)/binary",
		"seen/users.seen/timestamptz(3)/timestamp(3) with time zone/text",
		"ssn/people.ssn/text/text/binary",
		"odd name/users.odd name/text/text/binary",
	}
	if !reflect.DeepEqual(columns, wantColumns) {
		t.Errorf("columns are %q", columns)
	}
	if a := tables[1]; a.Schema != "app" || a.Name != "accounts" || a.Partition.Const != "all" || a.Relaxed {
		t.Errorf("accounts is %+v", a)
	}
	e := tables[2]
	if e.Partition.Kind != schema.PartitionContext {
		t.Errorf("the default partition of entries is %+v", e.Partition)
	}
	if e.Columns[0].Carrier != schema.CarrierAsherah || e.Columns[1].Carrier != schema.CarrierBinary {
		t.Errorf("the formats of entries are %s and %s", e.Columns[0].Carrier, e.Columns[1].Carrier)
	}
}

func TestFormsOfRecordsComeFromColumnTableAndDefaults(t *testing.T) {
	c := parseFile(t, "testdata/good/sealing.yaml")
	if !c.Policy.NotBefore.Equal(time.Date(2026, 2, 28, 11, 0, 0, 0, time.UTC)) || c.Policy.MaxStale != 25*time.Minute {
		t.Errorf("policy is %+v", c.Policy)
	}
	wrapped, aes := schema.SuiteWrapped, string(schema.SuiteAES)
	for name, want := range map[string]schema.Sealing{
		"a": {Suite: wrapped, Pad: 32, Read: []string{aes}},
		"b": {Suite: wrapped},
		"c": {Suite: schema.SuiteAES, Pad: schema.PadPadme, Compress: 256, Read: []string{"unbound", "unpadded"}},
		"d": {Suite: schema.SuiteChaCha20, Pad: 4096, Compress: 1024, Read: []string{aes}},
		"e": {Suite: schema.SuiteAES, Pad: 32, Read: []string{aes}},
	} {
		found := false
		for _, table := range c.Catalog.Tables() {
			col := table.Column(name)
			if col == nil {
				continue
			}
			found = true
			if !reflect.DeepEqual(col.Sealing, want) {
				t.Errorf("%s is %+v, want %+v", name, col.Sealing, want)
			}
			if bound := name == "a" || name == "c"; col.BindsRow() != bound {
				t.Errorf("%s binds rows: %t", name, col.BindsRow())
			}
		}
		if !found {
			t.Errorf("no column %s", name)
		}
	}
	if r := c.Catalog.Lookup("", "users").Row; r.Column != "id" || r.Type.Name != "uuid" {
		t.Errorf("row identity is %+v", r)
	}
}

func TestGoodFilesAreAccepted(t *testing.T) {
	for _, f := range glob(t, "testdata/good/*.yaml") {
		t.Run(filepath.Base(f), func(t *testing.T) { parseFile(t, f) })
	}
}

// A case is a txtar file: why, sealsql.yaml, whether the JSON Schema accepts
// it (jsonschema_test.go), and the errors without the file's name.
type badCase struct {
	archive *txtar.Archive
	file    string
}

func (c badCase) section(t testing.TB, name string) *txtar.File {
	t.Helper()
	for i := range c.archive.Files {
		if c.archive.Files[i].Name == name {
			return &c.archive.Files[i]
		}
	}
	t.Fatalf("%s: no section %s", c.file, name)
	return nil
}

func badCases(t testing.TB) map[string]badCase {
	out := map[string]badCase{}
	for _, f := range glob(t, "testdata/bad/*.txtar") {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Files) != 3 || len(a.Comment) == 0 {
			t.Fatalf("%s: want a reason and the sections sealsql.yaml, schema, errors", f)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".txtar")] = badCase{a, f}
	}
	return out
}

func TestBadFilesAreRefusedWithPlaceAndSuggestion(t *testing.T) {
	for name, c := range badCases(t) {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Parse("sealsql.yaml", c.section(t, "sealsql.yaml").Data)
			var found config.Errors
			if !errors.As(err, &found) || len(found) == 0 || cfg != nil {
				t.Fatalf("Parse gives %v, %v", cfg, err)
			}
			got := strings.ReplaceAll(err.Error(), "sealsql.yaml:", "") + "\n"
			want := c.section(t, "errors")
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(want.Data) {
				t.Errorf("errors are\n%swant\n%s", got, want.Data)
			}
			inside(t, found, string(c.section(t, "sealsql.yaml").Data))
			noSecrets(t, found)
		})
	}
}

// inside checks that every error points into the file.
func inside(t *testing.T, found config.Errors, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for _, e := range found {
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len([]rune(lines[e.Line-1]))+2 {
			t.Errorf("the error is outside the file: %v", e)
		}
	}
}

// noSecrets checks messages and excerpts for the secrets of the cases.
func noSecrets(t *testing.T, found config.Errors) {
	t.Helper()
	for _, e := range found {
		for _, secret := range []string{"AAECAwQF", "00010203", "hunter2"} {
			if strings.Contains(e.Error()+e.Excerpt(), secret) {
				t.Errorf("%q shows a secret", secret)
			}
		}
	}
}

func TestExcerptsPointAtThePlace(t *testing.T) {
	_, err := config.Parse("f", []byte("version: 1\nservice: shop\nproduct: orders\nkms: {env: K}\ntables:\n  größe: {columns: {ö: {typ: text}}}\n"))
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := "    6 |   größe: {columns: {ö: {typ: text}}}\n      |                         ^\n"
	if got := e.Excerpt(); got != want {
		t.Errorf("excerpt is\n%swant\n%s", got, want)
	}
}

func TestLinesThatMayHoldSecretsAreNotShown(t *testing.T) {
	for name, text := range map[string]string{
		"under kms":                     "version: 1\nkms:\n  static:\n    key: SECRET\n    insecre: true\n",
		"under a misspelled kms":        "version: 1\nksm:\n  static:\n    key: SECRET\n",
		"under a quoted kms":            "version: 1\n\"kms\":\n  static:\n    key: SECRET\n    x: SECRET\n",
		"in a file of one line":         "{version: 1, kms: {static: {key: SECRET, x: SECRET}}}",
		"in a metastore":                "version: 1\nmetastore: {sql: {dsn: SECRET, x: SECRET}}\n",
		"where a quote is left open":    "version: 1\nkms: {static: {key: \"SECRET}}\ntables: {}\n",
		"in a block text":               "version: 1\nkms:\n  static:\n    key: |\n      SECRET\n    : x\n",
		"before any key":                "  SECRET: [\n",
		"with carriage returns":         "version: 1\r\nkms:\r\n  static:\r\n    key: SECRET\r\n    x: SECRET\r\n",
		"after a carriage return alone": "version: 1\rkms: {static: {key: SECRET, x: SECRET}}\n",
		"as a top-level key":            "SECRET: 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("f", []byte(text))
			var found config.Errors
			if !errors.As(err, &found) {
				t.Fatal(err)
			}
			for _, e := range found {
				if strings.Contains(e.Excerpt(), "SECRET") || strings.Contains(e.Message+e.Suggestion, "SECRET") {
					t.Errorf("shown: %v\n%s", e, e.Excerpt())
				}
			}
		})
	}
}

func TestTheNumberOfErrorsIsBounded(t *testing.T) {
	_, err := config.Parse("f", []byte(manyUnknownKeys(1000)))
	var found config.Errors
	if !errors.As(err, &found) || len(found) > 50 {
		t.Errorf("%d errors", len(found))
	}
}

func manyUnknownKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ": 1\n")
	}
	return b.String()
}

func TestHugeFilesAreRefusedQuickly(t *testing.T) {
	const size = 1 << 18 // enough to pass every bound but that of the length
	for name, text := range map[string]string{
		"too long":          strings.Repeat("#", 1<<20+1),
		"as long as may be": strings.Repeat("[", 1<<20),
		"many keys":         repeat("k: v\n", size),
		"many braces":       repeat("{a: ", size),
		"nested lists":      repeat("- ", size),
		"explicit keys":     repeat("? ", size),
		"anchors":           repeat("&a ", size),
		"tags":              repeat("! ", size),
		"one long word":     repeat("x", size),
		"one long text":     "a: \"" + repeat("\\n", size) + "\"",
		"blanks":            repeat(" ", size),
		"comments":          repeat("# x\n", size),
		"a block text":      "a: |\n" + repeat("  x\n", size),
		"colons":            repeat(":", size),
		"staircase":         staircase(),
		"quotes":            repeat("'", size),
		"dashes":            repeat("-", size),
		"document markers":  repeat("---\n", size),
		"percent signs":     repeat("%", size),
		"bars":              repeat("|\n", size),
		"commas":            "[" + repeat(",", size),
		"carriage returns":  repeat("\r", size),
		"aliases":           repeat("*a ", size),
		"folded with keys":  repeat(">\na: b\n", size),
		"words in one line": repeat("x ", size),
		"fewer keys":        repeat("k: v\n", 60_000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := config.Parse("f", []byte(text)); err == nil {
				t.Error("accepted")
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// repeat fills size bytes with s.
func repeat(s string, size int) string { return strings.Repeat(s, size/len(s)) }

// staircase nests by indentation, as deep as a megabyte allows.
func staircase() string {
	var b strings.Builder
	for i := 0; b.Len() < 1<<19; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestAConfigurationDoesNotPrintItsSecrets(t *testing.T) {
	c := parseFile(t, "testdata/good/aliases_share_a_mapping.yaml")
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, *c); strings.Contains(s, "AAECAw") || strings.Contains(s, "65 65 69") || strings.Contains(s, "0x41, 0x41") {
			t.Errorf("%s shows the key", format)
		}
	}
}

func TestFindLooksInThreePlaces(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv(config.EnvFile, "")
	if _, err := config.Find(""); !errors.Is(err, config.ErrNoFile) {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(config.DefaultFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := config.Find(""); err != nil || p != "sealsql.yaml" {
		t.Errorf("in the working directory: %q, %v", p, err)
	}
	t.Setenv(config.EnvFile, "/etc/x.yaml")
	if p, err := config.Find(""); err != nil || p != "/etc/x.yaml" {
		t.Errorf("by the environment: %q, %v", p, err)
	}
	if p, err := config.Find("mine.yaml"); err != nil || p != "mine.yaml" {
		t.Errorf("by name: %q, %v", p, err)
	}
}

func TestAFileThatCannotBeReadSaysSo(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent.yaml") || strings.Contains(err.Error(), config.EnvFile) {
		t.Errorf("error is %v", err)
	}
	t.Setenv(config.EnvFile, "forgotten.yaml")
	if _, err := config.Load("forgotten.yaml"); err == nil || !strings.Contains(err.Error(), "forgotten.yaml, which SEALSQL_CONFIG names: ") {
		t.Errorf("error of a file that the environment names is %v", err)
	}
	if _, err = config.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("error of a directory is %v", err)
	}
}

func TestAKeyFileIsRelativeToTheConfiguration(t *testing.T) {
	text := []byte("version: 1\nservice: a\nproduct: b\nkms: {file: m.key}\n")
	for name, want := range map[string]string{"sealsql.yaml": `{"file":"m.key"}`, "/etc/app/sealsql.yaml": `{"file":"/etc/app/m.key"}`, "": `{"file":"m.key"}`} {
		c, err := config.Parse(name, text)
		if err != nil || string(c.KMS.Options) != want {
			t.Errorf("%q: %s, %v", name, c.KMS.Options, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range glob(f, "testdata/good/*.yaml") {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range badCases(f) {
		f.Add(c.section(f, "sealsql.yaml").Data)
	}
	r := validator(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("f", data)
		if err == nil {
			if v, err := decoded(data); err == nil && r.Validate(v) != nil {
				t.Errorf("the schema refuses it: %v", r.Validate(v))
			}
			if c.Catalog == nil || c.Service == "" || c.KMS.Provider == "" {
				t.Errorf("accepted an incomplete configuration: %+v", c)
			}
			return
		}
		var found config.Errors
		if !errors.As(err, &found) || len(found) == 0 || c != nil {
			t.Fatalf("error is %v", err)
		}
		for _, e := range found {
			if e.Message == "" || e.Line < 1 || e.Column < 1 {
				t.Errorf("error without message or place: %+v", e)
			}
			e.Excerpt()
		}
	})
}

func TestDefaultsOfColumnsAreTheTextsOfTheirScalars(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sealsql.yaml")
	text := "version: 1\nservice: s\nproduct: p\nkms: {env: K}\nmetastore: memory\ntables:\n  t:\n    columns:\n" +
		"      a: {default: new}\n      b: {default: \"\"}\n      c: {type: int, default: -18}\n      d: {type: \"numeric(6,2)\", default: 1.50}\n" +
		"      e: {type: boolean, default: true}\n      f: {default: \"it's\"}\n      g: encrypted\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	table := parseFile(t, file).Catalog.Lookup("", "t")
	for name, want := range map[string]string{"a": "new", "b": "", "c": "-18", "d": "1.50", "e": "true", "f": "it's"} {
		if got := table.Column(name).Default; got == nil || *got != want {
			t.Errorf("%s: got %v, want %q", name, got, want)
		}
	}
	if got := table.Column("g").Default; got != nil {
		t.Errorf("g has the default %q", *got)
	}
}
