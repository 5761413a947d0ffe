package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errServerElsewhere is for servers whose processes cannot be seen.
var errServerElsewhere = errors.New("the server's CPU time cannot be read: it must run on this machine, outside containers")

// postgresCPU adds up the postmaster and its children.
func postgresCPU(db *sql.DB) (func() (time.Duration, error), error) {
	var backend int
	if err := db.QueryRow("SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return nil, err
	}
	parent, err := parentOf(backend)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errServerElsewhere, err)
	}
	all := ticks{}
	return func() (time.Duration, error) { return all.sum(func() []string { return family(parent) }) }, nil
}

// family lists where the CPU times of a server's processes are read.
func family(parent int) (out []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if up, err := parentOf(pid); err == nil && (up == parent || pid == parent) {
			out = append(out, filepath.Join(p, "schedstat"))
		}
	}
	return out
}

// ticks is the CPU time that processes or threads were last seen with, and what
// they took together: the time of one that ends does not go back.
type ticks struct {
	seen  map[string]time.Duration
	total time.Duration
}

func (x *ticks) sum(list func() []string) (time.Duration, error) {
	seen := map[string]time.Duration{}
	for _, path := range list() {
		d, err := onCPU(path)
		if err != nil {
			continue // it has just ended
		}
		seen[path] = d
		if before := x.seen[path]; d >= before {
			x.total += d - before
		}
	}
	if len(seen) == 0 {
		return 0, errServerElsewhere
	}
	x.seen = seen
	return x.total, nil
}

// mysqlCPU adds up the threads of the server.
func mysqlCPU(db *sql.DB) (func() (time.Duration, error), error) {
	var file, dir string
	if err := db.QueryRow("SELECT @@pid_file, @@datadir").Scan(&file, &dir); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errServerElsewhere, err)
	}
	tasks := "/proc/" + string(bytes.TrimSpace(pid)) + "/task/*/schedstat"
	all := ticks{}
	return func() (time.Duration, error) {
		return all.sum(func() []string {
			threads, _ := filepath.Glob(tasks)
			return threads
		})
	}, nil
}

// parentOf reads proc(5) stat: the name in parentheses may hold anything.
func parentOf(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 {
		return 0, errors.New("stat has no parent")
	}
	return strconv.Atoi(fields[1])
}

// onCPU reads the first field of proc(5) schedstat, in nanoseconds.
func onCPU(path string) (time.Duration, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseInt(first, 10, 64)
	return time.Duration(n), err
}
