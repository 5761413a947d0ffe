package testenv

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackagesThatTakeSamplesAreTestedWholeAsWell reads the repository: what is
// taken from the runs with the race detector must stand in those without it.
func TestPackagesThatTakeSamplesAreTestedWholeAsWell(t *testing.T) {
	root := filepath.Join("..", "..")
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`(?m)^WHOLE := (.*)$`).FindSubmatch(makefile)
	if whole == nil {
		t.Fatal("the Makefile names no packages")
	}
	named := strings.Fields(string(whole[1]))
	sampling := samplingPackages(t, root)
	for _, p := range named {
		if !slices.Contains(sampling, p) {
			t.Errorf("%s takes no samples: one run of it is enough", p)
		}
	}
	for _, p := range sampling {
		if !slices.Contains(named, p) {
			t.Errorf("%s takes samples, and WHOLE in the Makefile does not name it", p)
		}
	}
}

func samplingPackages(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("testenv."+"Sample")) {
			rel, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return err
			}
			if p := "./" + path.Clean(filepath.ToSlash(rel)); !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
