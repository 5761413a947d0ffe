package testenv

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// searchChunk is how much of a file is in memory at a time.
const searchChunk = 1 << 20

// clockSlack is how far the times of a file system's files may lie behind the
// clock: the kernel stamps them by its tick, some file systems by the second.
const clockSlack = 5 * time.Second

// Search looks for the needles in every regular file below dir (a database's
// data directory, say) and returns the paths of the files that hold one. Files
// that vanish meanwhile are passed over. The comparison is byte for byte, so a
// canary should be ASCII and long enough never to occur by chance; pages that
// the server holds in memory are seen only after a CHECKPOINT.
func Search(dir string, needles ...string) ([]string, error) {
	return SearchSince(dir, time.Time{}, needles...)
}

// SearchSince looks only at files that were written at since or later, less
// 5 s. A canary that was drawn at since cannot be in another, and a server's
// directory is mostly others. Not for files that are written through memory
// maps, whose times may be old.
func SearchSince(dir string, since time.Time, needles ...string) ([]string, error) {
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
	buf := make([]byte, searchChunk+longest)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		hit, err := fileHolds(path, d, since, needles, longest, buf)
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

// fileHolds reads the file into buf in chunks that overlap by the longest
// needle less one byte.
func fileHolds(path string, d fs.DirEntry, since time.Time, needles []string, longest int, buf []byte) (bool, error) {
	info, err := d.Info()
	if err != nil || !since.IsZero() && info.ModTime().Before(since.Add(-clockSlack)) {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	kept := 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		read := buf[:kept+n]
		for _, needle := range needles {
			if bytes.Contains(read, []byte(needle)) {
				return true, nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		kept = copy(buf, read[len(read)-longest+1:])
	}
}
