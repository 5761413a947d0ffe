//go:build unix

package builtin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate refuses a key file that others can read or replace.
func checkPrivate(info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("mode is %04o, others have access: chmod 600 it, and change the key if it was ever exposed", perm)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the owner cannot be determined")
	}
	if uid := os.Geteuid(); int(st.Uid) != uid && st.Uid != 0 {
		return fmt.Errorf("the file belongs to user %d, not to this process's user %d or root", st.Uid, uid)
	}
	return nil
}

// restrict sets the mode again: the umask does not matter, an ACL default might.
func restrict(f *os.File) error { return f.Chmod(0o600) }

// syncDir makes the directory entry of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
