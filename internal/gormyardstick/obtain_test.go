package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArchiveIsTheMachinesOwn(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       archive
	}{
		"one line":                {"sources.list", "# deb http://no.example/debian x main\ndeb http://a.example/debian-security s main\ndeb http://mirror.example/debian bookworm main\n", archive{"http://mirror.example/debian", ""}},
		"one line with a key":     {"sources.list.d/a.list", "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/pub/debian/ trixie main\n", archive{"http://mirror.example/pub/debian/", "/k.gpg"}},
		"stanzas":                 {"sources.list.d/debian.sources", "Types: deb\nURIs: http://a.example/debian-security\nSuites: s\n\nTypes: deb\n# note\nURIs: http://mirror.example/debian\nSuites: bookworm\nSigned-By: /k.gpg\n", archive{"http://mirror.example/debian", "/k.gpg"}},
		"others alone":            {"sources.list", "deb http://a.example/ubuntu noble main\n", archive{}},
		"a file that is not read": {"sources.list.d/debian.sources.off", "URIs: http://mirror.example/debian\n", archive{}},
	} {
		etc := t.TempDir()
		file := filepath.Join(etc, c.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := archiveOf(etc)
		if got != c.want || (err == nil) != (c.want.uri != "") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, want := (archive{"http://m/debian", "/k"}).unstable(), "Types: deb\nURIs: http://m/debian\nSuites: unstable\nComponents: main\nSigned-By: /k\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestSourcesThatAreThereAreNotFetchedAgain(t *testing.T) {
	keep := t.TempDir()
	tests := filepath.Join(keep, suiteFolder, "tests")
	if err := os.MkdirAll(tests, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tests, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := obtain(keep); err != nil || got != filepath.Join(keep, suiteFolder) {
		t.Errorf("%q, %v", got, err)
	}
}
