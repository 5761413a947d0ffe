package testenv

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/internal/freeport"
)

// EnvPgBouncer names PgBouncer's program where it is not on PATH.
const EnvPgBouncer = "TEST_PGBOUNCER"

// FindPgBouncer returns the path of PgBouncer's program, or "".
func FindPgBouncer() string {
	for _, name := range []string{os.Getenv(EnvPgBouncer), "pgbouncer", "/usr/sbin/pgbouncer"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// PgBouncer puts a PgBouncer in transaction mode, with two server connections,
// in front of the server of dsn, and returns a URL of the same database behind
// it. It runs until t ends. Without the program the test is skipped, with what
// to install.
func PgBouncer(t testing.TB, dsn string) string {
	t.Helper()
	program := FindPgBouncer()
	if program == "" {
		t.Skipf("testenv: PgBouncer is not installed and %s is not set; `make test` as root on Debian installs it, elsewhere install pgbouncer", EnvPgBouncer)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal("testenv: the data source name of PostgreSQL cannot be read") // the cause would quote it
	}
	port, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	file := writePgBouncer(t, config, port)
	args := []string{file}
	if os.Geteuid() == 0 {
		args = []string{"-u", "nobody", file} // it refuses to run as root
	}
	var output bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("testenv: start PgBouncer: %v", err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	behind := (&url.URL{
		Scheme: "postgres", User: url.User("app"), Host: fmt.Sprintf("127.0.0.1:%d", port),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}).String()
	awaitPgBouncer(t, behind, ended, &output)
	return behind
}

// writePgBouncer writes the configuration. Clients are not asked who they are:
// the pooler listens on this machine alone, for one test.
func writePgBouncer(t testing.TB, c *pgx.ConnConfig, port int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sealsql-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	server := fmt.Sprintf("host=%s port=%d user=%s", quote(c.Host), c.Port, quote(c.User))
	if c.Password != "" {
		server += " password=" + quote(c.Password)
	}
	text := fmt.Sprintf(`[databases]
* = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
`, server, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		handToNobody(t, dir, file)
	}
	return file
}

func awaitPgBouncer(t testing.TB, dsn string, ended <-chan struct{}, output *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, dsn)
		if err == nil {
			_ = c.Close(ctx)
			return
		}
		select {
		case <-ended:
			t.Fatalf("testenv: PgBouncer ended:\n%s", output)
		case <-ctx.Done():
			t.Fatalf("testenv: PgBouncer does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// handToNobody gives files to the user as whom the pooler runs.
func handToNobody(t testing.TB, paths ...string) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("testenv: PgBouncer does not run as root, and there is no user nobody: %v", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Skip("testenv: PgBouncer does not run as root, and nobody has no number")
	}
	for _, p := range paths {
		if err := os.Chown(p, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
}
