package builtin

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxKeyFile bounds what is read of a key file in bytes.
const maxKeyFile = 1024

// GenerateKeyFile makes a master key of 32 random bytes and writes it to a new
// file, readable for its owner only, as one line of base64. An existing file is
// never overwritten: that would lose everything sealed under its key. The file
// and its directory are synced, so that a key in use survives a crash.
func GenerateKeyFile(path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("sealsql: %q exists; a master key is never overwritten: %w", path, fs.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("sealsql: make key file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
			err = fmt.Errorf("sealsql: write key file %q: %w", path, err)
		}
	}()
	err = writeKey(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeKey(f *os.File) error {
	var key [masterSize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // documented never to fail
	line := make([]byte, base64.StdEncoding.EncodedLen(len(key))+1)
	defer clear(line)
	base64.StdEncoding.Encode(line, key[:])
	line[len(line)-1] = '\n'
	if err := restrict(f); err != nil {
		return err
	}
	if _, err := f.Write(line); err != nil {
		return err
	}
	return f.Sync()
}

// readKeyFile checks the file that was opened, not the path: nobody can put
// another in its place between the two.
func readKeyFile(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("no path is given")
	}
	f, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the caller names the path
		}
		return nil, fmt.Errorf("%w (make one with: sealsql keys generate)", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if err := checkPrivate(info); err != nil {
		return nil, err
	}
	// One allocation of full size: growing would leave copies of the key.
	buf := make([]byte, maxKeyFile+1)
	defer clear(buf)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n > maxKeyFile {
		return nil, errors.New("the file is too long for a key")
	}
	return decodeMaster(buf[:n])
}
