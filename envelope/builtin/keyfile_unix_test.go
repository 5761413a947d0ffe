//go:build unix

package builtin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope/builtin"
)

func TestKeyFileOfOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	if err := builtin.GenerateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o601, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, link} {
			k, err := builtin.NewFile(p)
			if err == nil {
				k.Close()
				t.Errorf("mode %o is accepted for %s", mode, filepath.Base(p))
			} else if strings.Contains(err.Error(), strings.TrimSpace(string(text))) {
				t.Error("the error quotes the key")
			}
		}
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, link} {
			k, err := builtin.NewFile(p)
			if err != nil {
				t.Fatalf("mode %o: %v", mode, err)
			}
			k.Close()
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := builtin.NewFile(path); err == nil {
			t.Error("another user's file is accepted")
		}
	}
}

func TestWhatIsNoKeyFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, path := range map[string]string{
		"absent":    filepath.Join(dir, "absent"),
		"directory": dir,
		"empty":     write("empty", ""),
		"short":     write("short", "c2hvcnQ=\n"),
		"huge":      write("huge", strings.Repeat("A", 1<<20)),
		"no path":   "",
		"device":    "/dev/zero",
	} {
		if k, err := builtin.NewFile(path); err == nil {
			k.Close()
			t.Errorf("%s is accepted", name)
		}
	}
}
