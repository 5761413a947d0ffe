package dynamodb_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// The tests run on dynalite, a stand-in for DynamoDB in Node.js that npm
// installs below .build, once. Its lock file is checked in; scripts of packages
// are not run.

const noNode = `dynalite, which stands in for DynamoDB, needs node and npm (%v).
Do one of: apt-get install nodejs npm | set TEST_DYNALITE to the path of its cli.js`

// cli finds or installs dynalite and returns the path of its program.
var cli = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TEST_DYNALITE"); path != "" {
		return path, nil
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", ".build", "dynalite"))
	if err != nil {
		return "", err
	}
	if err := testenv.NPM(filepath.Join("testdata", "dynalite"), dir); err != nil {
		return "", fmt.Errorf(noNode, err)
	}
	return filepath.Join(dir, "node_modules", "dynalite", "cli.js"), nil
})

// server is a running dynalite, one region.
type server struct {
	addr string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

func (s *server) url() string { return "http://" + s.addr }

// start runs a dynalite on a free port until the test ends.
func start(t *testing.T) *server {
	t.Helper()
	path, err := cli()
	if err != nil {
		if testenv.Required() {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String()}
	l.Close()
	s.run(t, path)
	t.Cleanup(s.stop)
	return s
}

func (s *server) run(t *testing.T, path string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command("node", path, "--host", host, "--port", port, "--createTableMs", "0", "--deleteTableMs", "0")
	s.cmd.Stderr = &s.log
	tie(s.cmd)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if res, err := http.Get(s.url()); err == nil {
			res.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("dynalite does not answer: %s", strings.TrimSpace(s.log.String()))
}

func (s *server) stop() {
	if s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}
