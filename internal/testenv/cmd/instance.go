package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/freeport"
)

// stopTimeout is how long a server may take to stop before it is killed.
const stopTimeout = 10 * time.Second

// instance is a private server in the making.
type instance struct {
	host     *host
	dir      string // holds everything, mode 0700, owned by who runs the server
	tree     string // root of the system in which the server runs, "" for this one
	port     int
	password string
}

// newInstance makes the directory, and picks the port and the password.
func (h *host) newInstance(name string, p programs) (*instance, error) {
	tmp, err := h.ensureTmp(p.tree)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(tmp, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := giveAway(dir); err != nil {
		return nil, err
	}
	port, err := freeport.Port()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return &instance{host: h, dir: dir, tree: p.tree, port: port, password: hex.EncodeToString(secret)}, nil
}

// ensureTmp makes the directory of all instances of a tree. Its path, as seen
// there, is short: a Unix socket's may not pass 107 bytes.
func (h *host) ensureTmp(tree string) (string, error) {
	if tmp := h.tmp[tree]; tmp != "" {
		return tmp, nil
	}
	base := ""
	if os.Geteuid() == 0 {
		base = tree + "/tmp" // root's TMPDIR may lie where nobody cannot go
	}
	tmp, err := os.MkdirTemp(base, "sealsql-testenv-")
	if err != nil {
		return "", err
	}
	if h.tmp == nil {
		h.tmp = map[string]string{}
	}
	h.tmp[tree] = tmp
	h.undo = append(h.undo, func() {
		if err := os.RemoveAll(tmp); err != nil {
			fmt.Fprintf(os.Stderr, "testenv: remove %s: %v\n", tmp, err)
		}
	})
	return tmp, giveAway(tmp)
}

// seen is a path as the server sees it.
func (i *instance) seen(path string) string { return strings.TrimPrefix(path, i.tree) }

// write puts a file that only the server's user can read into the directory.
func (i *instance) write(name, content string) (string, error) {
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", err
	}
	return path, giveAway(path)
}

// initialise runs the program that makes the data directory.
func (i *instance) initialise(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(i.host.ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	i.confine(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, bytes.TrimSpace(out))
	}
	return nil
}

// serve starts the server, waits for its first answer and arranges its stop.
// When it does not answer, its log is printed.
func (i *instance) serve(e engine, dsn string, stop os.Signal, program string, args ...string) error {
	log, err := os.OpenFile(filepath.Join(i.dir, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	i.confine(cmd)
	lifeline(cmd, stop)
	if err := cmd.Start(); err != nil {
		log.Close()
		return err
	}
	exited := make(chan struct{})
	go func() {
		// How it ended matters only before the first answer, and then the log
		// says it better.
		_ = cmd.Wait()
		close(exited)
	}()
	i.host.undo = append(i.host.undo, func() {
		stopProcess(cmd.Process, stop, exited)
		log.Close()
	})
	if err := i.host.awaitReady(e, dsn, exited); err != nil {
		if errors.Is(err, errInterrupted) {
			return err
		}
		return fmt.Errorf("%s on port %d: %w; its log:\n%s", e.name, i.port, err, readAll(log))
	}
	return nil
}

// confine makes the command run in its own process group (a terminal's Ctrl-C
// is for testenv, which stops it in order), as nobody when testenv is root, in
// its directory and with an environment that holds nothing of the user's.
func (i *instance) confine(cmd *exec.Cmd) {
	ownGroup(cmd)
	dropPrivileges(cmd)
	enter(cmd, i.tree)
	cmd.Dir = i.seen(i.dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
}

func stopProcess(p *os.Process, stop os.Signal, exited <-chan struct{}) {
	// An error means that it is gone already, and then exited is closed.
	_ = p.Signal(stop)
	select {
	case <-exited:
	case <-time.After(stopTimeout):
		_ = p.Kill()
		<-exited
	}
}

func readAll(f *os.File) string {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b))
}
