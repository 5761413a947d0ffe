package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestOnlyDebianItselfHasAnUnstableSuite(t *testing.T) {
	for _, tc := range []struct {
		name, release, codename string
		ok                      bool
	}{
		{"debian", "ID=debian\nVERSION_CODENAME=bookworm\n", "bookworm", true},
		{"quotes do not matter", "ID=\"debian\"\nVERSION_CODENAME='trixie'", "trixie", true},
		{"a descendant has a mirror of its own", "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", "", false},
		{"without a code name the mirror is not found", "ID=debian\n", "", false},
		{"empty", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			codename, ok := debianCodename(tc.release)
			if ok != tc.ok || ok && codename != tc.codename {
				t.Errorf("got %q, %v", codename, ok)
			}
		})
	}
}

func TestTheNewestInATreeIsNamedAsSeenInside(t *testing.T) {
	dir := t.TempDir()
	if _, err := treePostgres(dir); err == nil {
		t.Error("PostgreSQL found in an empty tree")
	}
	if _, err := treeMySQL(dir); err == nil {
		t.Error("MySQL found in an empty tree")
	}
	for _, path := range []string{
		"usr/lib/postgresql/9/bin/initdb", "usr/lib/postgresql/9/bin/postgres",
		"usr/lib/postgresql/18/bin/initdb", "usr/lib/postgresql/18/bin/postgres", "usr/sbin/mysqld",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pg, err := treePostgres(dir)
	if err != nil || pg.serve != "/usr/lib/postgresql/18/bin/postgres" || pg.initialise != "/usr/lib/postgresql/18/bin/initdb" {
		t.Errorf("got %+v, %v", pg, err)
	}
	my, err := treeMySQL(dir)
	if err != nil || my.serve != "/usr/sbin/mysqld" {
		t.Errorf("got %+v, %v", my, err)
	}
}

func TestProgramsOfAnotherKindAreNotTaken(t *testing.T) {
	program := func(says string) programs {
		path := filepath.Join(t.TempDir(), "server")
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return programs{serve: path}
	}
	for says, want := range map[string]bool{
		"postgres (PostgreSQL) 18.1 (Debian 18.1-1)":   true,
		"postgres (PostgreSQL) 19beta1":                true,
		"postgres (PostgreSQL) 17.6 (Debian 17.6-1)":   false,
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0)": false,
		"": false,
	} {
		if got := isNewestPostgres(program(says)); got != want {
			t.Errorf("%q: got %v", says, got)
		}
	}
	for says, want := range map[string]bool{
		"/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))":                   true,
		"/usr/sbin/mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64": false,
		"": false,
	} {
		if got := isMySQL(program(says)); got != want {
			t.Errorf("%q: got %v", says, got)
		}
	}
	if isMySQL(programs{serve: filepath.Join(t.TempDir(), "nothing")}) {
		t.Error("a program that does not exist was taken")
	}
}

// What a variable names is looked at, too: the usual MariaDB is not MySQL.
func TestAServerOfAnotherKindIsRefused(t *testing.T) {
	db, err := sql.Open("mysql", testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	text, err := acceptMySQL(context.Background(), db)
	if maria := testenv.MariaDB(t, db); maria != (err != nil) {
		t.Errorf("MariaDB is %v: got %q, %v", maria, text, err)
	}
	if err != nil && !strings.Contains(err.Error(), "not MySQL") {
		t.Errorf("got %v", err)
	}
}

func TestLastLinesAreTheLast(t *testing.T) {
	if got := string(lastLines([]byte("a\nb\nc\n"), 2)); got != "b\nc" {
		t.Errorf("got %q", got)
	}
	if got := string(lastLines([]byte("a"), 2)); got != "a" {
		t.Errorf("got %q", got)
	}
}
