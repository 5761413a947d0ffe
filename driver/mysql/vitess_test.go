package mysql

import "testing"

func TestTargetsOfVitessNameAKeyspace(t *testing.T) {
	for target, want := range map[string]string{
		"clinic": "clinic", "clinic@replica": "clinic", "clinic:-80": "clinic", "clinic/80-": "clinic", "clinic:-80@primary": "clinic",
		"": "", "@replica": "",
	} {
		if got := keyspaceOf(target); got != want {
			t.Errorf("%q is in %q, want %q", target, got, want)
		}
	}
}

func TestVitessIsKnownByItsVersion(t *testing.T) {
	for version, want := range map[string]bool{"8.4.6-Vitess": true, "10.11.19-MariaDB-Vitess": true, "8.4.6": false, "10.11.19-MariaDB-0+deb12u1": false} {
		if got := isVitess(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

func TestNamesOfKeyspacesAreNoSQL(t *testing.T) {
	for name, want := range map[string]string{"clinic": "'clinic'", "a'b": "''", `a\`: "''"} {
		if got := quoteText(name); got != want {
			t.Errorf("%q is written %s, want %s", name, got, want)
		}
	}
}
