package cli

import (
	"os"
	"strings"
	"testing"
	"time"
)

// Two databases opened with rotate_ahead: one of them replaces the system key
// before it expires, without a statement that asks for it.
func TestKeysAreReplacedAheadByTheConfiguration(t *testing.T) {
	for _, l := range lives {
		t.Run(l.dialect, func(t *testing.T) {
			t.Parallel()
			b := newRaceBench(t, l)
			b.edit("policy: {revoke_check: 1s}", "policy: {expire_after: 1m, created_precision: 1s, revoke_check: 1s, rotate_ahead: 57s}")
			one, two := b.encrypted(), b.encrypted()
			b.exec(one, "INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (1, 'acme', 's', 'f')")
			var fax string
			if err := two.QueryRow("SELECT fax FROM keyholders WHERE tenant = 'acme' AND id = 1").Scan(&fax); err != nil || fax != "f" {
				t.Fatalf("%q, %v", fax, err)
			}
			began := time.Now()
			for b.systemKeys() < 2 {
				if time.Since(began) > 2*time.Minute {
					t.Fatal("the key was not replaced")
				}
				time.Sleep(200 * time.Millisecond)
			}
			one.Close()
			two.Close()
			n := b.systemKeys()
			time.Sleep(time.Second)
			if again := b.systemKeys(); again != n {
				t.Errorf("%d keys after the databases were closed, %d before", again, n)
			}
			if took := time.Since(began); n > 2+int(took/(3*time.Second)) {
				t.Errorf("%d keys in %v", n, took)
			}
		})
	}
}

func (b *bench) systemKeys() int {
	return strings.Count(b.keys(exitOK, "keys", "list", "--kind", "system"), "ss1/sk/")
}

// edit changes the configuration.
func (b *bench) edit(old, next string) {
	b.t.Helper()
	text, err := os.ReadFile(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, next, 1)
	if changed == string(text) {
		b.t.Fatalf("the configuration has no %s", old)
	}
	if err := os.WriteFile(b.config, []byte(changed), 0o600); err != nil {
		b.t.Fatal(err)
	}
}
