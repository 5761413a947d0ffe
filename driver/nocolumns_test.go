package driver

import (
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/sealsql/sealsql"
)

func TestResultWithoutColumnsIsEmpty(t *testing.T) {
	inner := &fakeRows{}
	r := noColumns{inner}
	if len(r.Columns()) != 0 || !errors.Is(r.Next(nil), io.EOF) {
		t.Error("a result without columns has rows")
	}
	if err := r.Close(); err != nil || !inner.closed {
		t.Errorf("the inner result stays open: %v", err)
	}
}

func TestRowsWithoutColumnsAreNotHandedOut(t *testing.T) {
	r := noColumns{&fakeRows{rows: make([][]driver.Value, 1)}}
	if err := r.Next(nil); !errors.Is(err, sealsql.ErrCatalogChanged) {
		t.Errorf("got %v", err)
	}
}
