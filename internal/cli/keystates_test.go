package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
)

// A key goes through its states by the commands: replaced, retired, restored,
// destroyed. What it sealed opens accordingly, and what is still needed is not
// taken away.
func TestAKeyGoesThroughItsStatesByTheCommands(t *testing.T) {
	everyEngine(t, func(b *bench) {
		tenants(b).Close()
		version := func() string { // the newest of acme's
			b.t.Helper()
			out := b.keys(exitOK, "keys", "show", "partition:acme")
			at := strings.Index(out, "ss1/ik/shop/orders/acme@")
			if at < 0 {
				b.t.Fatalf("no key is shown:\n%s", out)
			}
			return strings.Fields(out[at:])[0]
		}
		reads := func(want error) {
			b.t.Helper()
			db := b.encrypted()
			defer db.Close()
			var ssn string
			err := db.QueryRow("SELECT ssn FROM keyholders WHERE id = 0 AND tenant = 'acme'").Scan(&ssn)
			if want == nil && (err != nil || ssn != "ssn-0") || !errors.Is(err, want) {
				b.t.Errorf("read %q, %v, want %v", ssn, err, want)
			}
		}
		old := version()
		b.has(b.keys(exitFault, "keys", "retire", old), "in use")
		time.Sleep(1100 * time.Millisecond) // keys are named by the second
		b.has(b.keys(exitOK, "keys", "rotate", "partition:acme"), `^made ss1/ik/shop/orders/acme@\d+$`)
		if version() == old {
			b.t.Fatal("no other key is the newest")
		}
		reads(nil)
		b.has(b.keys(exitFault, "keys", "destroy", "--yes", old), "retire")
		b.has(b.keys(exitOK, "keys", "retire", old), "is retired$")
		b.has(b.keys(exitOK, "keys", "show", old), "retired")
		reads(sealsql.ErrKeyRetired)
		b.has(b.keys(exitOK, "keys", "restore", old), "opens again; it stays revoked$")
		reads(nil)
		b.keys(exitOK, "keys", "retire", old)
		b.has(b.keys(exitFault, "keys", "destroy", old), "")
		b.has(b.keys(exitOK, "keys", "list", "--state", "retired"), old)
		b.has(b.keys(exitFault, "keys", "destroy", "--yes", old), "a process may still use the key until .*newer one")
		b.has(b.keys(exitOK, "keys", "destroy", "--yes", "--now", old), "is destroyed$")
		b.has(b.keys(exitOK, "keys", "show", old), "destroyed")
		reads(sealsql.ErrShredded)
		b.has(b.keys(exitFault, "keys", "restore", old), "")
		b.has(b.keys(exitFault, "keys", "retire", "system"), "")
	})
}

func TestProgressIsALineOnTerminalsAlone(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "counting", 100)
	p.at(50)
	p.end()
	if out.Len() > 0 {
		t.Errorf("printed %q", out.String())
	}
	p.out = &out
	p.at(50)
	if got := out.String(); !strings.HasPrefix(got, "\rcounting [############............]  50% 50 of about 100, ") {
		t.Errorf("printed %q", got)
	}
	p.at(51) // less than a tenth of a second later
	if strings.Contains(out.String(), "51") {
		t.Errorf("printed %q", out.String())
	}
	p.end()
	if got := out.String(); !strings.HasSuffix(got, " \r") {
		t.Errorf("the line is left: %q", got)
	}
	if got := (&progress{label: "rows"}).line(30, 2*time.Second); got != "rows: 30 (15/s)" {
		t.Errorf("of an unknown number: %q", got)
	}
}
