// Package readahead reads long results from a connection in few pieces.
//
// Records are longer than the values that they hold, and a driver that reads eight
// kilobytes at a time asks the system for each eight. On one machine that is a fifth
// of what reading a thousand rows takes the client: every such read lets the server
// send a little more, which is done in the reader's time.
package readahead

import (
	"net"
	"sync"
)

// Size is how much is asked for at once, in bytes, where there is more than the
// caller has room for.
const Size = 32 << 10

// little is what a caller may ask for and get without more being behind it: a byte
// that answers a request for TLS, behind which plaintext must not be read.
const little = 1 << 10

// buffers are lent to connections while something in them is unread: an idle
// connection has none.
var buffers = sync.Pool{New: func() any { return new([Size]byte) }}

// conn is a connection that may have been read from further than its user asked. It
// gives what it has even behind a deadline, as every buffered reader does.
type conn struct {
	net.Conn

	mu   sync.Mutex
	buf  *[Size]byte
	rest []byte // of buf, unread
	err  error  // what came behind rest
	long bool   // the last read filled what it was given: there is more
}

// Conn returns c, read ahead of its user. It has the methods of net.Conn alone: a
// method that goes around Read, such as SyscallConn, would miss what is buffered.
func Conn(c net.Conn) net.Conn { return &conn{Conn: c} }

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf != nil {
		return c.buffered(p)
	}
	if c.long && len(p) < Size {
		return c.ahead(p)
	}
	n, err := c.Conn.Read(p)
	c.long = n == len(p) && n >= little
	return n, err
}

// ahead reads more than p has room for.
func (c *conn) ahead(p []byte) (int, error) {
	b := buffers.Get().(*[Size]byte)
	n, err := c.Conn.Read(b[:])
	if c.long = n > len(p); !c.long {
		copy(p, b[:n])
		buffers.Put(b)
		return n, err
	}
	c.buf, c.rest, c.err = b, b[:n], err
	return c.buffered(p)
}

// buffered gives what was read ahead, and behind it the error that came with it.
func (c *conn) buffered(p []byte) (n int, err error) {
	n = copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) > 0 {
		return n, nil
	}
	buffers.Put(c.buf)
	err = c.err
	c.buf, c.rest, c.err = nil, nil, nil
	return n, err
}
