//go:build unix

package vitesscheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/testenv"
)

// envProgram names the program vtcombo, which `make test-vitess` builds.
const envProgram = "TEST_VTCOMBO"

// topology is a keyspace of two shards and one that is not sharded. Each shard has
// a database of its own on the server.
const topology = `cells: "test"
keyspaces { name: "clinic" shards { name: "-80" } shards { name: "80-" } }
keyspaces { name: "keys" shards { name: "0" } }`

var shards = []string{"vt_clinic_-80", "vt_clinic_80-"}

var databases = append([]string{"vt_keys_0", "_vt"}, shards...)

// vschemas say how the tables of a keyspace are distributed.
var vschemas = map[string]string{
	"clinic": `{"sharded": true, "vindexes": {"hash": {"type": "xxhash"}}, "tables": {
		"patients": {"column_vindexes": [{"column": "id", "name": "hash"}]},
		"visits": {"column_vindexes": [{"column": "patient_id", "name": "hash"}]},
		"rooms": {"column_vindexes": [{"column": "id", "name": "hash"}]}}}`,
	"keys": `{"sharded": false, "tables": {"encryption_key": {}}}`,
}

// cluster is a vtcombo beside the server that the environment names.
type cluster struct {
	server *sql.DB // behind Vitess
	addr   string  // of vtgate
	data   string  // directory of the server's files, "" where it is not known
}

// dsn is the data source name of a keyspace.
func (c *cluster) dsn(keyspace, parameters string) string {
	return "app@tcp(" + c.addr + ")/" + keyspace + "?" + parameters
}

func start(t *testing.T) *cluster {
	t.Helper()
	program, dsn := os.Getenv(envProgram), os.Getenv(testenv.EnvMySQLDSN)
	if program == "" || dsn == "" {
		t.Fatalf("%s and %s are not set: run make test-vitess", envProgram, testenv.EnvMySQLDSN)
	}
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal("the data source name of the server cannot be read") // the cause would quote it
	}
	t.Cleanup(func() { server.Close() })
	c := &cluster{server: server, data: os.Getenv(testenv.EnvMySQLDataDir)}
	for _, name := range databases {
		c.exec(t, "DROP DATABASE IF EXISTS `"+name+"`")
		if name != "_vt" {
			c.exec(t, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4")
		}
	}
	t.Cleanup(func() {
		for _, name := range databases {
			c.exec(t, "DROP DATABASE IF EXISTS `"+name+"`")
		}
	})
	c.run(t, program)
	return c
}

func (c *cluster) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := c.server.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// account makes a user of the server for Vitess, which takes the server's socket:
// over TCP it would try to replicate.
func (c *cluster) account(t *testing.T) (name, password, socket string) {
	t.Helper()
	if err := c.server.QueryRow("SELECT @@socket").Scan(&socket); err != nil {
		t.Fatal(err)
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	name, password = "vitess_"+hex.EncodeToString(secret[:4]), hex.EncodeToString(secret)
	c.exec(t, "CREATE USER "+name+"@localhost IDENTIFIED BY '"+password+"'")
	c.exec(t, "GRANT ALL ON *.* TO "+name+"@localhost")
	t.Cleanup(func() { c.exec(t, "DROP USER "+name+"@localhost") })
	return name, password, socket
}

// run starts vtcombo, as nobody where this is root, until the test ends.
func (c *cluster) run(t *testing.T, program string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sealsql-vitess-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for keyspace, vschema := range vschemas {
		write(t, filepath.Join(dir, "schema", keyspace, "vschema.json"), vschema)
	}
	name, password, socket := c.account(t)
	port, web := freePort(t), freePort(t)
	c.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	args := []string{
		"--bind-address=127.0.0.1", "--grpc-bind-address=127.0.0.1", fmt.Sprintf("--port=%d", web),
		"--mysql-server-bind-address=127.0.0.1", fmt.Sprintf("--mysql-server-port=%d", port), "--mysql-auth-server-impl=none",
		"--db-socket=" + socket, "--db-charset=utf8mb4",
		"--schema-dir=" + filepath.Join(dir, "schema"), "--proto-topo=" + topology,
		"--queryserver-config-pool-size=4", "--queryserver-config-stream-pool-size=4", "--queryserver-config-transaction-cap=20",
		"--log-format=text", "--mysql-server-version=10.11.19-MariaDB-Vitess",
	}
	for _, role := range []string{"app", "dba", "allprivs", "appdebug", "repl", "filtered", "clone"} {
		args = append(args, "--db-"+role+"-user="+name, "--db-"+role+"-password="+password, "--db-"+role+"-use-ssl=false")
	}
	var log bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Dir, cmd.Env = dir, []string{"VTDATAROOT=" + dir, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	asNobody(t, cmd, dir)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start vtcombo: %v", err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	if err := c.await(ended); err != nil {
		_ = cmd.Process.Kill()
		<-ended
		tail := log.Bytes()
		t.Fatalf("vtcombo: %v; the end of its log:\n%s", err, tail[max(0, len(tail)-4000):])
	}
}

// await returns once both keyspaces answer.
func (c *cluster) await(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	db, err := sql.Open("mysql", c.dsn("", ""))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := error(nil)
		for _, k := range []string{"clinic", "keys"} {
			var n int
			if err == nil {
				err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+k+"'").Scan(&n)
			}
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ended:
			return fmt.Errorf("it ended")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// asNobody gives the directory away and drops root's rights.
func asNobody(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid) // the system's own number
	gid, _ := strconv.Atoi(nobody.Gid)
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
