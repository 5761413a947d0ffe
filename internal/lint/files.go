package lint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 256 << 20

// kinds of files, by the end of the name.
var kinds = map[string]string{".sql": "sql", ".go": "go", ".jsonl": "jsonl", ".ndjson": "jsonl"}

// left are directories that hold other people's code or test data.
var left = map[string]bool{"vendor": true, "node_modules": true, "testdata": true}

// ErrUnknownKind is the error for a path that names a file of a kind that is
// not read.
var ErrUnknownKind = errors.New("not a .sql, .go, .jsonl or .ndjson file")

// Find lists the files below paths, each once, in order. Directories are
// walked, apart from hidden ones, vendor, node_modules and testdata; of their
// Go files those that end in _test.go are left out unless tests is set. A file
// that is named itself is always listed.
func Find(paths []string, tests bool) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if kinds[strings.ToLower(filepath.Ext(path))] == "" {
				return nil, fmt.Errorf("%s: %w", path, ErrUnknownKind)
			}
			out = append(out, path)
			continue
		}
		found, err := walk(path, tests)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	for i := range out {
		out[i] = filepath.Clean(out[i])
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func walk(root string, tests bool) (out []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != root && (left[name] || strings.HasPrefix(name, ".") && name != ".." && name != ".") {
				return fs.SkipDir
			}
		case !d.Type().IsRegular() || kinds[strings.ToLower(filepath.Ext(name))] == "":
		case strings.HasSuffix(name, "_test.go") && !tests:
		default:
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

// open reads a file.
func open(name string) (*script.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d MiB", name, maxFile>>20)
	}
	return script.NewFile(filepath.ToSlash(name), string(data)), nil
}

// siblings reads the other Go files of a directory, for their constants.
func siblings(dir string, have map[string]*script.File) ([]*script.File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []*script.File
	for _, e := range entries {
		name := filepath.ToSlash(filepath.Join(dir, e.Name()))
		if !e.Type().IsRegular() || !strings.HasSuffix(name, ".go") {
			continue
		}
		f := have[name]
		if f == nil {
			if f, err = open(name); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, nil
}
