// Package seldom logs warnings that an operator must act on once in an interval,
// and not once for every statement that meets their cause.
package seldom

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Interval is the time between two warnings of the same text.
const Interval = time.Minute

// Logger holds back warnings. Its methods may be called concurrently.
type Logger struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last map[string]entry
}

type entry struct {
	at   time.Time
	held int // since
}

// New returns a Logger that logs to log. now is the clock; nil is time.Now.
func New(log *slog.Logger, now func() time.Time) *Logger {
	if now == nil {
		now = time.Now
	}
	return &Logger{log: log, now: now, last: map[string]entry{}}
}

// Warn logs a warning unless it has logged one of the same text, which must be a
// constant, within the interval. The attribute "held_back" is the number of those
// that were not logged since the last one.
func (l *Logger) Warn(text string, args ...any) { l.at(slog.LevelWarn, text, args) }

// Error is Warn at level error: what users notice.
func (l *Logger) Error(text string, args ...any) { l.at(slog.LevelError, text, args) }

func (l *Logger) at(level slog.Level, text string, args []any) {
	if held, ok := l.due(text); ok {
		if held > 0 {
			args = append(args[:len(args):len(args)], "held_back", held)
		}
		l.log.Log(context.Background(), level, text, args...)
	}
}

func (l *Logger) due(text string) (held int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.last[text]
	now := l.now()
	if d := now.Sub(e.at); known && d >= 0 && d < Interval {
		e.held++
		l.last[text] = e
		return 0, false
	}
	l.last[text] = entry{at: now}
	return e.held, true
}
