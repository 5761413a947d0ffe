package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Required reports whether tests that need something from outside must not be
// left out: under CI=true or SEALSQL_REQUIRE_SERVERS=1.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv(EnvRequire) == "1"
}

// NPM installs what a package.json and its lock file in the directory source
// name, once, in the directory target, without running scripts of packages. Where
// node and npm are missing and Required says so it installs them, as root on
// Debian or a descendant; otherwise that is the error.
func NPM(source, target string) error {
	if err := node(); err != nil {
		return err
	}
	done := filepath.Join(target, "installed")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join(source, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(target, name), b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := download(target, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return fmt.Errorf("in %s: %w", target, err)
	}
	return os.WriteFile(done, nil, 0o644)
}

// node looks for node and npm, or installs them.
func node() error {
	look := func() error {
		for _, name := range []string{"node", "npm"} {
			if _, err := exec.LookPath(name); err != nil {
				return err
			}
		}
		return nil
	}
	err := look()
	if err == nil || !Required() || os.Geteuid() != 0 {
		return err
	}
	if _, apt := exec.LookPath("apt-get"); apt != nil {
		return err
	}
	options := []string{"-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=600"}
	// Lists that are old name packages that are gone; without any, what is here
	// already may do.
	err = download("", "apt-get", append(options, "update")...)
	if e := download("", "apt-get", append(options, "install", "-y", "--no-install-recommends", "nodejs", "npm")...); e != nil {
		return errors.Join(e, err)
	}
	return look()
}

// download runs a program that fetches something, three times if it must.
func download(dir, program string, args ...string) error {
	for try := 1; ; try++ {
		c := exec.Command(program, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		out, err := c.CombinedOutput()
		if err == nil {
			return nil
		}
		if try == 3 {
			return fmt.Errorf("%s %s: %w\n%s", program, args[0], err, out)
		}
		time.Sleep(time.Duration(try) * 10 * time.Second)
	}
}
