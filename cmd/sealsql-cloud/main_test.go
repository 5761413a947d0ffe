package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/cli"
)

const head = "version: 1\nservice: shop\nproduct: orders\n"

func runWith(t *testing.T, kms string) (int, string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	t.Setenv("VAULT_TOKEN", "canary")
	path := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(path, []byte(head+kms), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := cli.Run("sealsql-cloud", []string{"kms", "check", "--config", path}, &out, &errs)
	if all := out.String() + errs.String(); strings.Contains(all, "canary") {
		t.Errorf("prints a secret: %s", all)
	}
	return code, out.String() + errs.String()
}

// Every service of the configuration is linked in and takes the options that
// the configuration makes of its section.
func TestEveryServiceIsLinkedInAndTakesItsOptions(t *testing.T) {
	for name, c := range map[string]struct{ kms, want string }{
		"aws":   {"kms: {aws: {preferred_region: us-west-2, regions: {us-west-2: alias/x, eu-west-1: alias/y}, endpoints: {us-west-2: \"http://127.0.0.1:1\", eu-west-1: \"http://127.0.0.1:1\"}, former_keys: [\"arn:aws:kms:us-west-2:1:key/a\"], min_regions: 2, profile: \"\", timeout: 300ms}}", "[us-west-2] aws in us-west-2: generate with alias/x: not reachable"},
		"vault": {"kms: {vault: {address: \"http://127.0.0.1:1\", key: k, mount: m/n, namespace: n, auth: {token_env: VAULT_TOKEN}, timeout: 300ms}}", "vault in http://127.0.0.1:1: encrypt with key k: not reachable"},
		"gcp":   {"kms: {gcp: {key: projects/p/locations/l/keyRings/r/cryptoKeys/k, credentials_file: absent.json, endpoint: \"127.0.0.1:1\", timeout: 300ms}}", "gcp: open with projects/p/locations/l/keyRings/r/cryptoKeys/k: permission denied (no usable credentials)"},
		"azure": {"kms: {azure: {vault: \"https://127.0.0.1:1\", key: k, version: v1, algorithm: A256KW, timeout: 300ms}}", "azure in https://127.0.0.1:1: wrap with key k: "},
	} {
		t.Run(name, func(t *testing.T) {
			code, text := runWith(t, c.kms)
			if code != 1 || !strings.Contains(text, c.want) {
				t.Errorf("exit %d: %s", code, text)
			}
		})
	}
}

func TestWrongUsageAndFaultyFilesAreTold(t *testing.T) {
	var out, errs bytes.Buffer
	if code := cli.Run("sealsql-cloud", []string{"nonsense"}, &out, &errs); code != 2 {
		t.Errorf("exit %d", code)
	}
	if code, text := runWith(t, "kms: {aws: {region: x}}"); code != 1 || !strings.Contains(text, "write regions: {REGION: KEY}") {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestRepairOpensTheKeysOfTheConfiguration(t *testing.T) {
	t.Setenv("SEALSQL_TEST_MASTER", strings.Repeat("0a1b", 16))
	file := filepath.Join(t.TempDir(), "app.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil { // SQLite takes an empty file for an empty database
		t.Fatal(err)
	}
	t.Setenv("SEALSQL_TEST_DSN", file)
	t.Setenv("SEALSQL_TEST_MISSPELT", file+"x")
	for name, c := range map[string]struct {
		text string
		args []string
		code int
		want string
	}{
		"memory":      {"metastore: memory", nil, 0, "wrapped in every region"},
		"SQLite":      {"metastore: {sql: same}", []string{"--dialect", "sqlite", "--dsn-env", "SEALSQL_TEST_DSN"}, 0, "wrapped in every region"},
		"no file":     {"metastore: {sql: same}", []string{"--dialect", "sqlite", "--dsn-env", "SEALSQL_TEST_MISSPELT"}, 1, "there is no such database file"},
		"no dialect":  {"metastore: {sql: same}", nil, 1, "name its engine with --dialect"},
		"no database": {"metastore: {sql: same}", []string{"--dialect", "sqlite"}, 1, "name it with --dsn or --dsn-env"},
		"faulty file": {"metastore: {dynamodb: {}}", nil, 1, "the key region is missing"},
		"env has no regions, so no table is asked": {"metastore: {dynamodb: {region: us-west-2, endpoints: {us-west-2: \"http://127.0.0.1:1\"}, timeout: 200ms}}", nil, 0, "wrapped in every region"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sealsql.yaml")
			if err := os.WriteFile(path, []byte(head+"kms: {env: SEALSQL_TEST_MASTER}\n"+c.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			code := cli.Run("sealsql-cloud", append([]string{"kms", "repair", "--config", path}, c.args...), &out, &errs)
			if text := out.String() + errs.String(); code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("exit %d: %s", code, text)
			}
		})
	}
}

// The commands that work on keys reach the services that are linked in here,
// and tell to run this program.
func TestEveryCommandIsThereWithEveryService(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	path := filepath.Join(t.TempDir(), "sealsql.yaml")
	text := head + "kms: {aws: {regions: {us-west-2: alias/x}, endpoints: {us-west-2: \"http://127.0.0.1:1\"}, timeout: 300ms}}\nmetastore: memory\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"keys":    {[]string{"keys", "create", "system", "--config", path}, 1, "by kms aws: no region made a data key: [us-west-2] aws in us-west-2: generate with alias/x: not reachable"},
		"shred":   {[]string{"shred", "--help"}, 0, "sealsql-cloud shred --reapply REPORT"},
		"audit":   {[]string{"audit", "verify", "--help"}, 0, "sealsql-cloud audit head"},
		"interop": {[]string{"interop", "verify", "--help"}, 0, "Asherah"},
		"ddl":     {[]string{"ddl", "--help"}, 0, "sealsql-cloud ddl"},
		"version": {[]string{"version"}, 0, "sealsql-cloud "},
		"usage":   {[]string{"keys", "show"}, 2, "Usage: sealsql-cloud keys show KEY [flags]\nTry sealsql-cloud keys show --help"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := cli.Run("sealsql-cloud", c.args, &out, &errs)
			if text := out.String() + errs.String(); code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "canary") {
				t.Errorf("exit %d: %s", code, text)
			}
		})
	}
}
