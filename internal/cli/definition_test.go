package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestConfigCheckNamesIndexesOfOtherSettings: an edit that forgot next: is found
// without a key, and before a program runs.
func TestConfigCheckNamesIndexesOfOtherSettings(t *testing.T) {
	cfg, dsn := leakingShop(t)
	changed := strings.Replace(leakageConfig, "email: {search: equality}", "email: {search: {equality: {bits: 64}}}", 1)
	if err := os.WriteFile(cfg, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"config", "check", "--dialect", "sqlite", "--db", dsn, cfg},
		{"ddl", "--dialect", "sqlite", "--db", dsn, "--check", "--config", cfg},
	} {
		var out, stderr bytes.Buffer
		code := run(args, &out, &stderr)
		for _, want := range []string{"users.email_bidx", "was filled with bits=128, and the configuration has bits=64", "sealsql reindex"} {
			if code != 1 || !strings.Contains(out.String(), want) {
				t.Errorf("%s: %d, lacks %q\n%s%s", args[0], code, want, &out, &stderr)
			}
		}
	}
}
