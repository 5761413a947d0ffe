package audit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Sink takes lines. One goroutine calls it.
type Sink interface {
	// Write stores lines, in order, whole or not at all as far as it can; after
	// an error the same lines are tried again.
	Write(ctx context.Context, lines []Written) error
	// Close stores what is not stored yet.
	Close() error
}

// Written is a line for a sink: its text, without the end of the line, and what
// it says.
type Written struct {
	Text []byte
	*Record
}

// Policy says what happens when there is no room for an event.
type Policy int

// The policies. What is done with keys inside the program is never waited for,
// or nothing could go on: its events are dropped and counted when there are more
// than the queue holds.
const (
	// Block waits: statements on audited columns are not sent while the trail
	// cannot be written.
	Block Policy = iota
	// Drop goes on, and counts what was left out; the number is in the trail as
	// soon as there is room.
	Drop
)

// Options are what a Log is made of. Sinks are required.
type Options struct {
	Sinks []Sink
	// Queue is the number of events that wait at most; 4096 if zero.
	Queue  int
	Policy Policy
	// Logger hears that the trail cannot be written; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Log writes an audit trail. All methods may be called concurrently.
type Log struct {
	o       Options
	writer  string
	queue   chan Event
	keys    chan func(context.Context) (key, error)
	stop    chan struct{}
	done    chan struct{}
	dropped atomic.Int64
	lost    atomic.Uint64
	closing atomic.Bool
	once    sync.Once
	err     error // of the writer, when done is closed
	wait    time.Duration

	// Of the writing goroutine alone.
	seq    int64
	prev   string
	key    key
	keyAt  time.Time
	source func(context.Context) (key, error)
	warned time.Time
}

// ErrClosed is returned by Ready and Record after Close.
var ErrClosed = errors.New("sealsql: the audit trail is closed")

// New makes a Log. It writes nothing before Use names the Sealer whose key
// authenticates the lines; events wait until then.
func New(o Options) (*Log, error) {
	if len(o.Sinks) == 0 {
		return nil, errors.New("sealsql: an audit trail needs a place")
	}
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	l := &Log{
		o: o, writer: hex.EncodeToString(id[:]), queue: make(chan Event, o.Queue),
		keys: make(chan func(context.Context) (key, error), 1), stop: make(chan struct{}), done: make(chan struct{}),
		wait: closeWait,
	}
	go l.run()
	return l, nil
}

// Use names the Sealer whose key authenticates the lines. The Log is to be closed
// before the Sealer: give its Close as envelope.Config.OnClose.
func (l *Log) Use(s *envelope.Sealer) {
	l.use(func(ctx context.Context) (key, error) { return s.MACKey(ctx, KeyName, 0) })
}

func (l *Log) use(source func(context.Context) (key, error)) {
	select {
	case l.keys <- source:
	default:
	}
}

// Ready waits until there is room for an event, where the policy is to block: a
// statement that it would have to record is not sent before. The error is that
// of ctx, or ErrClosed.
func (l *Log) Ready(ctx context.Context) error {
	if l.closing.Load() {
		return ErrClosed
	}
	if l.o.Policy != Block || len(l.queue) < cap(l.queue) {
		return nil
	}
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for len(l.queue) == cap(l.queue) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.stop:
			return ErrClosed
		case <-t.C:
		}
	}
	return nil
}

// Record takes an event: by the policy it waits for room, or drops it. It also
// drops it when ctx ends first, or the Log is closed.
func (l *Log) Record(ctx context.Context, e Event) {
	if l.closing.Load() {
		l.drop()
		return
	}
	select {
	case l.queue <- e:
		return
	default:
	}
	if l.o.Policy == Drop {
		l.drop()
		return
	}
	select {
	case l.queue <- e:
	case <-ctx.Done():
		l.drop()
	case <-l.stop:
		l.drop()
	}
}

// Key records what was done with a key. It never waits.
func (l *Log) Key(e Event) {
	if l.closing.Load() {
		return
	}
	select {
	case l.queue <- e:
	default:
		l.drop()
	}
}

// Dropped is the number of events that were dropped and are not in the trail yet.
func (l *Log) Dropped() int64 { return l.dropped.Load() }

// drop counts an event that is left out.
func (l *Log) drop() {
	l.dropped.Add(1)
	l.lost.Add(1)
}

// Lost is the number of all events that were dropped so far, and Waiting that of
// those that are not written yet.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Waiting: see Lost.
func (l *Log) Waiting() int { return len(l.queue) }

// closeWait bounds the wait of Close for sinks that do not answer.
const closeWait = 5 * time.Second

// Close writes what waits and ends the trail with a line that says so. What a
// sink does not take within a few seconds is lost, and an error. It may be called
// twice.
func (l *Log) Close() error {
	l.once.Do(func() {
		l.closing.Store(true)
		close(l.stop)
	})
	<-l.done
	return l.err
}
