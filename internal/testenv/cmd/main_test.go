package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/freeport"
)

// TestMain lets the test binary stand in for the command.
func TestMain(m *testing.M) {
	if os.Getenv("TESTENV_AS_COMMAND") == "1" {
		main()
	}
	os.Exit(m.Run())
}

func TestOnlyDebianAndItsDescendantsUseApt(t *testing.T) {
	for _, tc := range []struct {
		name, release string
		want          bool
	}{
		{"debian", "NAME=\"Debian GNU/Linux\"\nID=debian\n", true},
		{"ubuntu", "ID=ubuntu\nID_LIKE=debian\n", true},
		{"a descendant that names two ancestors", "ID=pop\nID_LIKE=\"ubuntu debian\"\n", true},
		{"fedora", "ID=fedora\nNAME=\"not debian\"\n", false},
		{"a variant key is not the ID", "VARIANT_ID=debian\nID=alpine\n", false},
		{"empty", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := debianLike(tc.release); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTheHighestVersionComesFirst(t *testing.T) {
	root := t.TempDir()
	for _, v := range []string{"9.6", "15", "17"} {
		if err := os.MkdirAll(filepath.Join(root, "pg", v, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root) // the temporary directory's own path has numbers, too
	got := newestFirst("pg/*/bin")
	if len(got) != 3 || got[0] != "pg/17/bin" || got[2] != "pg/9.6/bin" {
		t.Errorf("got %v", got)
	}
}

func TestTheLastWordNamesWhatWasTriedAndWhatHelps(t *testing.T) {
	got := mariadb().unobtainable([]string{"TEST_MYSQL_DSN is not set", "docker not on PATH"}).Error()
	for _, part := range []string{
		"no MariaDB", "TEST_MYSQL_DSN is not set; docker not on PATH",
		"apt-get install mariadb-server-core mariadb-client", "set TEST_MYSQL_DSN",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
}

func TestAnUnparsableDSNIsNotQuoted(t *testing.T) {
	h := &host{ctx: t.Context()}
	err := h.awaitReady(mariadb(), "root:hunter2@tcp(127.0.0.1:1", nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatExitedIsNotAwaited(t *testing.T) {
	h := &host{ctx: t.Context()}
	exited := make(chan struct{})
	close(exited)
	port, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.awaitReady(postgres(), postgres().containerDSN(port), exited); err == nil || !strings.Contains(err.Error(), "exited") {
		t.Errorf("got %v", err)
	}
}

func TestExitStatusOfWhatNeverRan(t *testing.T) {
	if got := exitStatus(errors.New("x")); got != 1 {
		t.Errorf("got %d", got)
	}
}

func TestWithoutACommandThereIsUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"--"}} {
		if got := run(args); got != 2 {
			t.Errorf("%q: got %d", args, got)
		}
	}
}
