//go:build unix

package killtest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// moment is where a process is killed.
type moment struct {
	// after is the number of the client's message, counted over all its
	// connections, SQLite's the number of the event; 0 for a time instead.
	after int64
	// how: before the message is forwarded, after it, or at its answer.
	how string
	// pause has the process stopped there instead, for as long.
	pause time.Duration
}

// relay stands between a process and its server, and counts what the process
// sends.
type relay struct {
	listener net.Listener
	server   func() (net.Conn, error)
	at       moment
	kill     func()

	sent  atomic.Int64
	mu    sync.Mutex
	conns []net.Conn
	ports []int // of the connections to the server
	ended bool
	wg    sync.WaitGroup
}

// newRelay listens; kill ends the process, once.
func newRelay(t testing.TB, server func() (net.Conn, error), at moment, kill func()) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, server: server, at: at, kill: sync.OnceFunc(kill)}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.serve(c) })
		}
	})
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// close cuts all connections and waits until nothing is forwarded any more.
func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	r.ended = true
	for _, c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

func (r *relay) hold(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		c.Close()
		return false
	}
	r.conns = append(r.conns, c)
	return true
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := r.server()
	if err != nil {
		return
	}
	defer server.Close()
	if !r.hold(client) || !r.hold(server) {
		return
	}
	if a, ok := server.LocalAddr().(*net.TCPAddr); ok {
		r.mu.Lock()
		r.ports = append(r.ports, a.Port)
		r.mu.Unlock()
	}
	var answer atomic.Bool // kill when it comes
	r.wg.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && answer.Load() {
				if r.kill(); r.at.pause == 0 {
					return
				}
			}
			if _, e := client.Write(buf[:n]); err != nil || e != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			due := r.sent.Add(1) == r.at.after
			if due && r.at.how == "before" {
				if r.kill(); r.at.pause == 0 {
					return
				}
			}
			if due && r.at.how == "answer" {
				answer.Store(true)
			}
			if _, e := server.Write(buf[:n]); e != nil {
				return
			}
			if due && r.at.how == "after" {
				if r.kill(); r.at.pause == 0 {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}
