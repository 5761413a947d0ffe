package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	c := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	c.Dir = target
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", target, err, out)
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
	if out, e := exec.Command("apt-get", "install", "-y", "--no-install-recommends", "nodejs", "npm").CombinedOutput(); e != nil {
		return fmt.Errorf("apt-get install nodejs npm: %w\n%s", e, out)
	}
	return look()
}
