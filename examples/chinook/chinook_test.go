package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestChinookAnswersTheSameEncrypted(t *testing.T) {
	for _, tc := range []struct {
		engine string
		server func(testing.TB) string
	}{
		{"sqlite", func(testing.TB) string { return "" }},
		{"postgres", testenv.Postgres},
		{"mysql", testenv.MySQL},
	} {
		t.Run(tc.engine, func(t *testing.T) {
			shared := testenv.Shared(t)
			if shared == "" {
				t.Skip("the Chinook scripts are not part of the repository; set " + testenv.EnvShared)
			}
			server := tc.server(t)
			r, err := demonstrate(t.Context(), engines[tc.engine], filepath.Join(shared, "data", "chinook"), server)
			if r != nil {
				var out strings.Builder
				r.print(&out, true)
				t.Log(out.String())
			}
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, r)
		})
	}
}

// checkReport asks for what an error-free run could still lack.
func checkReport(t *testing.T, r *report) {
	t.Helper()
	if len(r.results) < 25 {
		t.Errorf("only %d queries were compared", len(r.results))
	}
	if len(r.refused) != len(refusals) {
		t.Errorf("%d refusals, want %d", len(r.refused), len(refusals))
	}
	if want := sealedColumns(); len(r.blocked) != want {
		t.Errorf("the guards stopped %d writes in clear, want %d", len(r.blocked), want)
	}
	if r.unseen != "" && os.Getenv(r.unseen) == "" {
		t.Logf("%s does not name the server's files: they are not searched", r.unseen)
	} else if len(r.found) != 4 {
		t.Errorf("%d searches, want two on each encrypted database", len(r.found))
	}
	if r.sample[0] == "" || r.sample[0] == r.sample[1] || !strings.Contains(r.sample[0], "@") {
		t.Errorf("sample %q", r.sample)
	}
	for _, b := range r.blocked {
		if strings.Contains(b.message, inClear) {
			t.Errorf("the database's refusal %q holds the value", b.message)
		}
	}
	for _, f := range r.refused {
		for _, secret := range []string{"gmail", "SELECT", "UPPER"} {
			if strings.Contains(f.message+f.hint, secret) {
				t.Errorf("the refusal %q holds text of the statement", f.message+f.hint)
			}
		}
	}
}
