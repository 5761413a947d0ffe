package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// aptGet says whether packages can be installed here.
type aptGet struct {
	err     error
	updated bool
}

func (h *host) askApt() *aptGet {
	if h.apt == nil {
		h.apt = &aptGet{err: aptUsable()}
	}
	return h.apt
}

func aptUsable() error {
	if os.Geteuid() != 0 {
		return errors.New("not root, so no apt-get")
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil || !debianLike(string(release)) {
		return errors.New("not Debian or a descendant, so no apt-get")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("apt-get not on PATH")
	}
	return nil
}

// debianLike reads os-release(5): the ID, or the list of what it descends from.
func debianLike(release string) bool {
	for s := bufio.NewScanner(strings.NewReader(release)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for _, id := range strings.Fields(strings.Trim(value, `"'`)) {
			if id == "debian" || id == "ubuntu" {
				return true
			}
		}
	}
	return false
}

// install obtains Debian packages, or says why it cannot.
func (h *host) install(packages ...string) error {
	a := h.askApt()
	if a.err != nil {
		return a.err
	}
	var err error
	for try := range downloadTries {
		if err = h.wait(time.Duration(try) * 10 * time.Second); err != nil {
			break
		}
		if !a.updated {
			if err = h.runApt("update"); err != nil {
				continue
			}
			a.updated = true
		}
		if err = h.runApt(append([]string{"install", "-y", "--no-install-recommends"}, packages...)...); err == nil {
			break
		}
		a.updated = false // the lists may be half of what they should be
	}
	return err
}

// downloadTries is how often a mirror is asked before that is an error.
const downloadTries = 3

// wait waits, unless the program is to end.
func (h *host) wait(d time.Duration) error {
	select {
	case <-h.ctx.Done():
		return errInterrupted
	case <-time.After(d):
		return nil
	}
}

func (h *host) runApt(args ...string) error {
	fmt.Fprintf(os.Stderr, "testenv: apt-get %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(h.ctx, "apt-get", append([]string{"-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=600"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	// Hundreds of lines that matter only when it fails.
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// ensureCompiler obtains what the race detector links with.
func (h *host) ensureCompiler() error {
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "gcc"
		if _, err := exec.LookPath("clang"); err == nil && !lookable("gcc") {
			return nil // the go command takes clang where there is no gcc
		}
	}
	if lookable(strings.Fields(compiler)[0]) {
		return nil
	}
	if err := h.install("gcc", "libc6-dev"); err != nil {
		return fmt.Errorf("no C compiler for go test -race: %s not on PATH; %w. Do one of: sudo apt-get install gcc libc6-dev | set CC", compiler, err)
	}
	return nil
}

func lookable(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}
