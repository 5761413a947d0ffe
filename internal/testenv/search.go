package testenv

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// searchChunk is how much of a file is in memory at a time.
const searchChunk = 1 << 20

// Search looks for the needles in every regular file below dir (a database's
// data directory, say) and returns the paths of the files that hold one. Files
// that vanish meanwhile are passed over. The comparison is byte for byte, so a
// canary should be ASCII and long enough never to occur by chance; pages that
// the server holds in memory are seen only after a CHECKPOINT.
func Search(dir string, needles ...string) ([]string, error) {
	longest := 0
	for _, n := range needles {
		if n == "" {
			return nil, errors.New("testenv: an empty needle is in every file")
		}
		longest = max(longest, len(n))
	}
	if longest == 0 {
		return nil, errors.New("testenv: nothing to search for")
	}
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		hit, err := fileHolds(path, needles, longest)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if hit {
			found = append(found, path)
		}
		return err
	})
	return found, err
}

// fileHolds reads the file in chunks that overlap by the longest needle less
// one byte.
func fileHolds(path string, needles []string, longest int) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf := make([]byte, 0, searchChunk+longest)
	for {
		n, err := io.ReadFull(f, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		for _, needle := range needles {
			if bytes.Contains(buf, []byte(needle)) {
				return true, nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		buf = buf[:copy(buf, buf[len(buf)-longest+1:])]
	}
}
