package securemem

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The child runs with little lockable memory, unprivileged where the parent may
// arrange that (root is not bound by the limit).
const childEnv = "SEALSQL_TEST_MEMLOCK_CHILD"

func TestMemoryLimitsAreAnErrorAndNeverAPanic(t *testing.T) {
	if mode := os.Getenv(childEnv); mode != "" {
		limitedChild(t, mode)
		return
	}
	for _, c := range []struct {
		limit string
		mode  string
	}{{"0", "none"}, {"65536", "some"}, {"8388608", "some"}} {
		t.Run(c.limit, func(t *testing.T) {
			out, err := runLimited(t, c.limit, c.mode)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

func runLimited(t *testing.T, limit, mode string) (string, error) {
	t.Helper()
	exe := copySelf(t)
	cmd := exec.Command("/bin/sh", "-c", `ulimit -l "$1" && exec "$2" -test.run='^TestMemoryLimitsAreAnErrorAndNeverAPanic$' -test.v`,
		"sh", kib(limit), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	cmd.Dir = os.TempDir()
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copySelf puts the test binary where an unprivileged user can run it.
func copySelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "securemem")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "child.test")
	if err := os.WriteFile(exe, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

func kib(bytes string) string {
	return map[string]string{"0": "0", "65536": "64", "8388608": "8192"}[bytes]
}

func limitedChild(t *testing.T, mode string) {
	if mode == "none" {
		_, err := Open(Require, Config{})
		var le *LockError
		if !errors.As(err, &le) || le.Limit != 0 || !strings.Contains(err.Error(), "ulimit -l") {
			t.Fatalf("require: %v", err)
		}
	}
	for range 40 { // many arenas: far more than fit
		a, err := Open(Prefer, Config{})
		if err != nil {
			t.Fatalf("prefer: %v", err)
		}
		if mode == "none" && a.Locked() {
			t.Fatal("says that memory is locked")
		}
		var secrets []*Secret
		for range 600 { // more than the first slab holds
			s := secret(t, a, 1)
			c, err := s.NewCipher()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Destroy()
			secrets = append(secrets, s)
		}
		defer a.Close()
		for _, s := range secrets {
			if err := s.Use(func([]byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
			defer s.Destroy()
		}
	}
	if mode == "some" {
		requireChild(t)
	}
}

// requireChild sees that nothing rests unlocked under Require: when slots run
// out, ciphers are refused rather than put on the heap.
func requireChild(t *testing.T) {
	a, err := Open(Require, Config{MaxBytes: 16 << 10})
	if err != nil {
		var le *LockError
		if !errors.As(err, &le) {
			t.Fatalf("require: %v", err)
		}
		return // the arenas above hold all that may be locked
	}
	defer a.Close()
	key := testKey(1)
	for range 100 {
		c, err := a.NewCipher(key)
		if errors.Is(err, ErrExhausted) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Destroy()
	}
	t.Fatal("a hundred ciphers fit 16 KiB")
}

func TestSlabsAreLockedAndKeptFromCoreDumps(t *testing.T) {
	a := open(t, Prefer, Config{MaxBytes: 16 << 10})
	if !a.Locked() {
		t.Log("memory cannot be locked here")
		return
	}
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	flags := vmFlags(string(b), a.slabs[0].mem)
	if !strings.Contains(flags, " lo") || !strings.Contains(flags, " dd") {
		t.Fatalf("VmFlags of the slab:%s; want lo (locked) and dd (no dump)", flags)
	}
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &r); err != nil || r.Cur != 0 {
		t.Fatalf("core limit %d, %v", r.Cur, err)
	}
}
