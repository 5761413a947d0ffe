package dynamodb_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
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
Do one of: apt-get install nodejs npm | set TEST_DYNALITE to the directory of the package`

// pack finds or installs dynalite and returns the directory of its package.
var pack = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TEST_DYNALITE"); path != "" {
		return strings.TrimSuffix(path, string(filepath.Separator)+"cli.js"), nil
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", ".build", "dynalite"))
	if err != nil {
		return "", err
	}
	if err := testenv.NPM(filepath.Join("testdata", "dynalite"), dir); err != nil {
		return "", fmt.Errorf(noNode, err)
	}
	return filepath.Join(dir, "node_modules", "dynalite"), nil
})

// program runs dynalite on a port that the kernel chooses while it listens, so
// that nobody else can have it, and says which. Its own program takes a port from
// outside. Idle connections stay open: Node.js closes them after five seconds, and
// a request that is just being sent on one fails.
const program = `
const server = require(process.argv[1])({ createTableMs: 0, deleteTableMs: 0 })
server.keepAliveTimeout = server.requestTimeout = server.headersTimeout = 0
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

// server is a running dynalite, one region.
type server struct {
	addr string
	cmd  *exec.Cmd
	log  bytes.Buffer // complete when ended is closed
	// stopped is closed before it is killed, ended when it is gone.
	stopped, ended chan struct{}
}

func (s *server) url() string { return "http://" + s.addr }

// startTime bounds the wait for Node.js: on a machine that does much else it
// takes seconds.
const startTime = time.Minute

// start runs a dynalite until the test ends.
func start(t *testing.T) *server {
	t.Helper()
	dir, err := pack()
	if err != nil {
		if testenv.Required() {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s := &server{stopped: make(chan struct{}), ended: make(chan struct{})}
	s.cmd = exec.Command("node", "-e", program, dir)
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	tie(s.cmd)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	port := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() { // to its end, so that it can print
			select {
			case port <- lines.Text():
			default:
			}
		}
		_ = s.cmd.Wait()
	}()
	t.Cleanup(func() { s.stop(t) })
	select {
	case p := <-port:
		s.addr = net.JoinHostPort("127.0.0.1", p)
	case <-s.ended:
		t.Fatalf("dynalite ended: %s", &s.log)
	case <-time.After(startTime):
		t.Fatal("dynalite does not start")
	}
	return s
}

// stop ends it. One that has ended before says why: what failed then failed for
// that reason.
func (s *server) stop(t *testing.T) {
	select {
	case <-s.stopped:
		return
	case <-s.ended:
		t.Errorf("dynalite ended while it was needed: %s", &s.log)
	default:
	}
	close(s.stopped)
	_ = s.cmd.Process.Kill()
	<-s.ended
	if t.Failed() && s.log.Len() > 0 {
		t.Logf("dynalite printed: %s", &s.log)
	}
}
