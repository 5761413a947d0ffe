package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the directory of reference data (corpora, sample databases,
// vectors) that lies beside the repository: the value of SEALSQL_SHARED, or
// ../shared seen from the root of the repository. A bare clone has none: Shared
// then logs a line and returns "", and the test runs on what is checked in.
func Shared(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(EnvShared); dir != "" {
		if !isDir(dir) {
			t.Fatalf("testenv: %s does not name a directory", EnvShared)
		}
		return dir
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	if dir := sharedAbove(wd); dir != "" {
		return dir
	}
	t.Logf("testenv: no ../shared beside the repository and %s is not set: the part of this test that reads it is left out", EnvShared)
	return ""
}

// sharedAbove looks beside every module root between dir and the root of the
// file system: nested modules lie below the repository's own.
func sharedAbove(dir string) string {
	for {
		parent := filepath.Dir(dir)
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if shared := filepath.Join(parent, "shared"); isDir(shared) {
				return shared
			}
		}
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
