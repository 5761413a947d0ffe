package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// configured writes the configuration of an engine.
func configured(t *testing.T, e engine) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(file, []byte(e.configuration(filepath.Join(dir, "master.key"), true)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEncryptedColumnsAndNoOthersGetGuards(t *testing.T) {
	ddl := []string{
		"CREATE TABLE Artist (ArtistId INT NOT NULL, FirstName VARCHAR(40))",
		"CREATE TABLE Invoice (InvoiceId INT NOT NULL, BillingAddress VARCHAR(70), BillingCity VARCHAR(40), BillingCountry VARCHAR(40), CustomerId INT)",
		"CREATE INDEX i ON Invoice (CustomerId)",
	}
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			in := make([]string, len(ddl))
			for i, text := range ddl {
				in[i] = e.spell(text)
			}
			out, err := e.physicalDDL(configured(t, e), in)
			if err != nil {
				t.Fatal(err)
			}
			if len(out) != len(in) || out[0] != in[0] || out[2] != in[2] {
				t.Errorf("got %q", out)
			}
			if strings.Count(out[1], "CHECK") != 1 || strings.Contains(out[1], "VARCHAR(70)") || strings.Count(out[1], "VARCHAR(40)") != 2 {
				t.Errorf("got %s", out[1])
			}
		})
	}
}

func TestADefinitionThatCannotBeKeptIsAnError(t *testing.T) {
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			in := []string{e.spell("CREATE TABLE Invoice (InvoiceId INT, BillingAddress VARCHAR(70) UNIQUE, BillingCountry VARCHAR(40), CustomerId INT)")}
			out, err := e.physicalDDL(configured(t, e), in)
			if err == nil || out != nil {
				t.Errorf("a UNIQUE over ciphertext: got %q, %v", out, err)
			}
		})
	}
}

func TestOnlyAViolatedCheckCountsAsStopped(t *testing.T) {
	for name, e := range engines {
		if e.blocked(nil) || e.blocked(os.ErrNotExist) {
			t.Errorf("%s: another outcome counts as the guard's refusal", name)
		}
	}
}
