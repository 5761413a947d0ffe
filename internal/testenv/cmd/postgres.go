package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
)

// startPostgres makes a cluster with encoding UTF8 and starts it.
func (h *host) startPostgres(p programs) (server, error) {
	i, err := h.newInstance("pg", p)
	if err != nil {
		return server{}, err
	}
	data := filepath.Join(i.dir, "data")
	password, err := i.write("password", i.password+"\n")
	if err != nil {
		return server{}, err
	}
	if err := i.initialise(p.initialise, "-D", i.seen(data), "-U", "postgres", "--pwfile="+i.seen(password), "--auth=scram-sha-256",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return server{}, err
	}
	dsn := fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", i.password, i.port)
	args := []string{"-D", i.seen(data), "-h", "127.0.0.1", "-p", strconv.Itoa(i.port), "-k", i.seen(i.dir)}
	for _, setting := range []string{
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "TimeZone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	// SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for the clients.
	if err := i.serve(postgres(), dsn, syscall.SIGINT, p.serve, args...); err != nil {
		return server{}, err
	}
	return server{dsn: dsn, dataDir: data, origin: fmt.Sprintf("private instance of %s on port %d", p.serve, i.port)}, nil
}
