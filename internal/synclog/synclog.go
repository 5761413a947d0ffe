// Package synclog has a log for tests that is read while it is written: what a
// handler of slog locks is the writing alone.
package synclog

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer is an io.Writer. The zero Buffer is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Len is the number of bytes written so far.
func (b *Buffer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Len()
}

// Has reports whether it holds every one of the words.
func (b *Buffer) Has(words ...string) bool {
	all := b.String()
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}
