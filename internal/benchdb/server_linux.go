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
	return func() (time.Duration, error) {
		all, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return 0, err
		}
		var sum time.Duration
		for _, p := range all {
			pid, _ := strconv.Atoi(filepath.Base(p))
			if up, err := parentOf(pid); err != nil || up != parent && pid != parent {
				continue // another process, or one that has just ended
			}
			d, err := onCPU(filepath.Join(p, "schedstat"))
			if err == nil {
				sum += d
			}
		}
		return sum, nil
	}, nil
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
	return func() (time.Duration, error) {
		threads, err := filepath.Glob(tasks)
		if err != nil || len(threads) == 0 {
			return 0, errServerElsewhere
		}
		var sum time.Duration
		for _, t := range threads {
			if d, err := onCPU(t); err == nil {
				sum += d
			}
		}
		return sum, nil
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
