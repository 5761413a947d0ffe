package readahead

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// waiting is a connection on which all of data waits, of which a read gets at most
// most, and then err.
type waiting struct {
	net.Conn
	data  []byte
	most  int
	err   error
	reads int
}

func (w *waiting) Read(p []byte) (int, error) {
	w.reads++
	if len(w.data) == 0 {
		return 0, w.err
	}
	n := copy(p[:min(len(p), w.most)], w.data)
	if w.data = w.data[n:]; len(w.data) == 0 {
		return n, w.err // as a TLS connection may: the error with the last bytes
	}
	return n, nil
}

func TestWhatIsReadIsWhatCame(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	broken := errors.New("broken")
	for range 300 {
		want := make([]byte, dice.IntN(4*Size))
		for i := range want {
			want[i] = byte(dice.Uint32())
		}
		in := &waiting{data: bytes.Clone(want), most: 1 + dice.IntN(2*Size), err: broken}
		c := Conn(in)
		var got []byte
		for {
			p := make([]byte, 1+dice.IntN([]int{4, 8192, 2 * Size}[dice.IntN(3)]))
			n, err := c.Read(p)
			got = append(got, p[:n]...)
			if err == nil && n == 0 {
				t.Fatal("neither bytes nor an error")
			}
			if err != nil {
				if err != broken {
					t.Fatal(err)
				}
				break
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of %d, or others", len(got), len(want))
		}
		if _, err := c.Read(make([]byte, 1)); err != broken {
			t.Fatalf("behind the end: %v", err)
		}
		if c.(*conn).buf != nil {
			t.Fatal("an idle connection has a buffer")
		}
	}
}

func TestLongResultsAreReadInFewPieces(t *testing.T) {
	const total = 40 * Size
	in := &waiting{data: make([]byte, total), most: total, err: io.EOF}
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{Conn(in)}, make([]byte, 8192)); n != total || err != nil {
		t.Fatal(n, err)
	}
	if in.reads > 40+4 {
		t.Errorf("%d reads of %d bytes", in.reads, total)
	}
}

func TestShortAnswersAreReadAsTheyAre(t *testing.T) {
	in := &waiting{data: make([]byte, 100*300), most: 300, err: io.EOF}
	c := Conn(in).(*conn)
	p := make([]byte, 8192)
	for range 99 {
		if n, err := c.Read(p); n != 300 || err != nil || c.buf != nil || c.long {
			t.Fatal(n, err, c.long)
		}
	}
	if in.reads != 99 {
		t.Errorf("%d reads", in.reads)
	}
	in.data, in.most = make([]byte, 100), 300
	for range 99 { // what answers a request for TLS is read by itself
		if n, err := c.Read(p[:1]); n != 1 || err != nil || c.long {
			t.Fatal(n, err, c.long)
		}
	}
	if n := testing.AllocsPerRun(10, func() { in.data = make([]byte, 0); c.Read(p) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// TestADeadlineInterruptsARead is how pgx ends a statement whose context is done.
func TestADeadlineInterruptsARead(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	c := Conn(ours)
	done := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 8)); done <- err }()
	if err := c.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestTLSGoesOverAConnectionThatIsReadAhead(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			_, _ = w.Write(bytes.Repeat([]byte("0123456789"), 1000))
		}
	}))
	defer server.Close()
	transport := server.Client().Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return Conn(c), nil
	}
	for range 3 { // on one connection
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(got, bytes.Repeat([]byte("0123456789"), 100_000)) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
}
