package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// brittleCodec panics where it is told to.
type brittleCodec struct {
	logical.Codec
	at string
}

func (c *brittleCodec) Encode(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	if c.at == "encode" {
		panic(fmt.Sprintf("thrown with %v", v))
	}
	return c.Codec.Encode(dst, t, v)
}

func (c *brittleCodec) Decode(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, error) {
	if c.at == "decode" {
		panic("thrown with " + string(payload))
	}
	return c.Codec.Decode(t, tag, payload)
}

func isFault(t *testing.T, err error) {
	t.Helper()
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonFault || !strings.Contains(u.Hint, "fault_test.go:") {
		t.Fatalf("error is %v", err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Fatalf("the error holds the value: %v", err)
	}
}

func TestAPanicWhileSealingIsARefusalAndNothingIsSent(t *testing.T) {
	h := newHarness(t)
	codec := &brittleCodec{h.eng.codec, "encode"}
	h.eng.codec = codec
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	c := h.conn()
	_, err := c.(driver.ExecerContext).ExecContext(bg, "ins", namedArgs(secret))
	isFault(t, err)
	if len(h.db.log) > 0 {
		t.Fatalf("sent %v", h.db.log)
	}
	codec.at = ""
	if _, err := c.(driver.ExecerContext).ExecContext(bg, "ins", namedArgs(secret)); err != nil {
		t.Fatal(err)
	}
	if got := h.opened(h.ssn, "p", h.db.last(t).args[0].Value); got != secret {
		t.Fatalf("sealed %q", got)
	}
	if err := c.(driver.SessionResetter).ResetSession(bg); err != nil {
		t.Fatalf("the connection was not used, and is thrown away: %v", err)
	}
}

func TestAPanicWhileOpeningIsAnErrorOfTheRow(t *testing.T) {
	h := newHarness(t)
	h.eng.codec = &brittleCodec{h.eng.codec, "decode"}
	h.plans.plans["sel"] = &rewrite.Plan{Text: "SEL", ArgsSame: true, Results: []rewrite.Open{{
		Columns: []*schema.Column{h.ssn}, Partitions: []rewrite.PartitionSource{constPartition()},
	}}, ResultNames: []string{""}}
	h.db.rows = func() driver.Rows {
		return &fakeRows{names: []string{"ssn"}, rows: [][]driver.Value{{h.record(h.ssn, "p", secret)}}}
	}
	rows, err := h.conn().(driver.QueryerContext).QueryContext(bg, "sel", nil)
	if err != nil {
		t.Fatal(err)
	}
	dest := make([]driver.Value, 1)
	isFault(t, rows.Next(dest))
	if dest[0] != nil {
		t.Fatalf("the row holds %v", dest[0])
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

// brittlePlanner panics.
type brittlePlanner struct{}

func (brittlePlanner) Plan(string, rewrite.Catalog, *rewrite.Session, rewrite.Options) (*rewrite.Plan, error) {
	panic("thrown with " + secret)
}

func TestAConnectionWhoseStatementPanickedIsNotUsedAgain(t *testing.T) {
	for name, run := range map[string]func(driver.Conn) error{
		"exec": func(c driver.Conn) error {
			_, err := c.(driver.ExecerContext).ExecContext(bg, "x", nil)
			return err
		},
		"query": func(c driver.Conn) error {
			_, err := c.(driver.QueryerContext).QueryContext(bg, "x", nil)
			return err
		},
		"prepare": func(c driver.Conn) error {
			_, err := c.(driver.ConnPrepareContext).PrepareContext(bg, "x")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			c := h.conn()
			h.cr.plans = brittlePlanner{}
			isFault(t, run(c))
			if err := c.(driver.SessionResetter).ResetSession(bg); !errors.Is(err, driver.ErrBadConn) {
				t.Fatalf("the connection goes back to the pool: %v", err)
			}
		})
	}
}

// throwingConn is an inner connection that panics.
type throwingConn struct{ *fakeConn }

func (*throwingConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	panic("of the inner driver")
}

func TestAPanicOfTheInnerDriverGoesOn(t *testing.T) {
	h := newHarness(t)
	h.db.wrap = func(c *fakeConn) driver.Conn { return &throwingConn{c} }
	c := h.conn()
	defer func() {
		if r := recover(); r != "of the inner driver" {
			t.Fatalf("recovered %v", r)
		}
	}()
	_, err := c.(driver.ExecerContext).ExecContext(bg, "x", nil)
	t.Fatalf("it became %v", err)
}

func TestTheModuleOfADriverIsTold(t *testing.T) {
	for pkg, want := range map[string]string{
		"github.com/jackc/pgx/v5/stdlib":           "github.com/jackc/pgx",
		"modernc.org/sqlite":                       "modernc.org/sqlite",
		"github.com/sealsql/sealsql/driver/sqlite": "",
	} {
		if got := moduleOf(pkg); got != want {
			t.Errorf("%s is of %q", pkg, got)
		}
	}
}
