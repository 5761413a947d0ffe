//go:build !cgo

package pgquerycheck

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Fprintln(os.Stderr, "pgquerycheck: left out the comparison with PostgreSQL's own parser, which needs a C compiler (CGO_ENABLED=1)")
	os.Exit(m.Run())
}
