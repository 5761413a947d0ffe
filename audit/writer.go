package audit

import (
	"context"
	"errors"
	"time"
)

const (
	batch      = 256
	keyRefresh = time.Hour // a revoked key authenticates new lines for this long at most
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
)

// run is the writing goroutine.
func (l *Log) run() {
	defer close(l.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // Close gives running calls some time
		<-l.stop
		select {
		case <-l.done:
		case <-time.After(l.wait):
			cancel()
		}
	}()
	l.err = l.loop(ctx)
	if l.key != nil {
		l.key.Close()
	}
	for _, s := range l.o.Sinks {
		l.err = errors.Join(l.err, s.Close())
	}
}

func (l *Log) loop(ctx context.Context) error {
	select {
	case l.source = <-l.keys:
	case <-l.stop:
		select {
		case l.source = <-l.keys:
		default:
			return nil // never used: there is nothing that could authenticate
		}
	}
	events := l.collect()
	if events == nil {
		return nil // nothing happened
	}
	for events = append([]Event{{Op: "open"}}, events...); events != nil; events = l.collect() {
		if err := l.write(ctx, events); err != nil {
			return err
		}
	}
	return l.write(ctx, append(l.missing(nil), Event{Op: "close"}))
}

// collect waits for an event and takes what else there is; nil at the end.
func (l *Log) collect() (events []Event) {
	select {
	case e := <-l.queue:
		events = append(events, e)
	case <-l.stop:
		select {
		case e := <-l.queue:
			events = append(events, e)
		default:
			return nil
		}
	}
	for len(events) < batch {
		select {
		case e := <-l.queue:
			events = append(events, e)
			continue
		default:
		}
		break
	}
	return l.missing(events)
}

// missing adds how many events were dropped.
func (l *Log) missing(events []Event) []Event {
	if n := l.dropped.Swap(0); n > 0 {
		events = append(events, Event{Op: "dropped", Dropped: n})
	}
	return events
}

// write makes lines and hands them to every sink, again and again until it takes
// them: what could not be written is not passed over.
func (l *Log) write(ctx context.Context, events []Event) error {
	var lines []Written
	err := l.retry(ctx, func() (err error) {
		lines, err = l.lines(ctx, events)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range l.o.Sinks {
		if err := l.retry(ctx, func() error { return s.Write(ctx, lines) }); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) retry(ctx context.Context, f func() error) error {
	wait := retryFirst
	for {
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(errors.New("sealsql: the audit trail could not be written to its end"), err)
		}
		if now := time.Now(); now.Sub(l.warned) > time.Minute {
			l.warned = now
			l.o.Logger.Error("sealsql: the audit trail cannot be written; trying again", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// lines chains events.
func (l *Log) lines(ctx context.Context, events []Event) ([]Written, error) {
	if err := l.fresh(ctx); err != nil {
		return nil, err
	}
	out := make([]Written, 0, len(events))
	seq, prev := l.seq, l.prev
	for i := range events {
		seq++
		r := &Record{V: 1, Writer: l.writer, Seq: seq, Time: l.o.Now().UTC(), Event: events[i], Prev: prev}
		text, mac, err := encode(r, l.key)
		if err != nil {
			return nil, err
		}
		out, prev = append(out, Written{text, r}), mac
	}
	l.seq, l.prev = seq, prev
	return out, nil
}

// fresh has a key at hand whose state was looked at lately.
func (l *Log) fresh(ctx context.Context) error {
	now := time.Now()
	if l.key != nil && now.Sub(l.keyAt) < keyRefresh {
		return nil
	}
	k, err := l.source(ctx)
	if err != nil {
		if l.key != nil { // an outage does not stop the trail
			l.keyAt = now.Add(time.Minute - keyRefresh)
			return nil
		}
		return err
	}
	if l.key != nil {
		l.key.Close()
	}
	l.key, l.keyAt = k, now
	return nil
}
