package driver

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Where no guard says with which settings an index was filled (guards from before
// they did, tables without guards), the length of one stored index is looked at
// before the index is first used. It tells the form and order of a range, the bits
// of a hash, the number of lengths of a prefix; not normalizers, groups and scopes.

// undefined is an index that is to be looked at.
type undefined struct {
	rewrite.UndefinedIndex
	*looks
}

// looks is what came of looking at an index, for all connections.
type looks struct {
	// fits is set when a stored index was found to be as long as it should be.
	fits atomic.Bool
	// next is when it is looked at again, in nanoseconds since catalogs.start:
	// where no row has one, not with every statement.
	next atomic.Int64
}

// due reports that the index is to be looked at.
func (l *looks) due(cs *catalogs) bool {
	return !l.fits.Load() && int64(time.Since(cs.start)) >= l.next.Load()
}

// absent notes that there was nothing to look at: what is stored from now on is
// noticed after the time for which a catalog is believed.
func (l *looks) absent(cs *catalogs) {
	l.next.Store(int64(time.Since(cs.start) + cs.maxAge))
}

func undefinedOf(snap *rewrite.Snapshot, annotations *schema.Catalog) []undefined {
	var out []undefined
	for _, u := range rewrite.UndefinedIndexes(snap, annotations) {
		out = append(out, undefined{u, new(looks)})
	}
	return out
}

// filledAlike looks at the indexes of the tables of a plan that were not looked at.
// What cannot be read now is looked at another time: whoever may search an index
// may read it.
func (c *conn) filledAlike(ctx context.Context, query string, p *rewrite.Plan) error {
	if p.Pass || p.Defines {
		return nil
	}
	for i := range c.view.undefined {
		u := &c.view.undefined[i]
		if !u.due(c.cr.cats) || !slices.Contains(p.Tables, u.Index.Column().Table) || !c.cr.engine.Ready(c.inner) {
			continue
		}
		ix := c.cr.seals.indexes[u.Index]
		if fitting(ix, 0) {
			u.fits.Store(true) // any length fits
			continue
		}
		n, found := c.lengthFor(ctx, query, u)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !found:
			u.absent(c.cr.cats)
		case !fitting(ix, n):
			return &sealsql.IndexDefinitionError{
				Column: u.Index.Column().String(), Index: u.Index.Physical(),
				Stored: storedForm(ix, n), Configured: configuredForm(ix),
			}
		default:
			u.fits.Store(true)
		}
	}
	return nil
}

// lookedAt bounds the rows among which a stored index is looked for: where no index
// of the server's leads to one, a large table would be read from end to end.
const lookedAt = "1000"

// lengthFor is storedLength in front of a text, on a connection of its own where
// the text asks about the statement before.
func (c *conn) lengthFor(ctx context.Context, query string, u *undefined) (n int, found bool) {
	if c.asks(query) == 0 {
		return c.storedLength(ctx, c.reader(), u)
	}
	err := c.aside(ctx, func(r *Reader) error {
		n, found = c.storedLength(ctx, r, u)
		return nil
	})
	return n, found && err == nil
}

// storedLength reads the length of one stored index. On PostgreSQL an error would
// end the caller's transaction, but for a savepoint.
func (c *conn) storedLength(ctx context.Context, r *Reader, u *undefined) (n int, found bool) {
	d, q := c.cr.front.Dialect(), c.cr.front.QuoteIdent
	length := "octet_length"
	if d == rewrite.SQLite {
		length = "length"
	}
	column, table := q(u.Index.Physical()), q(u.Table.Schema)+"."+q(u.Table.Name)
	saved := false
	none := func(Row) error { return nil }
	if d == rewrite.Postgres {
		saved = r.Query(ctx, "SAVEPOINT sealsql_look", nil, none) == nil
	}
	few := "(SELECT " + column + " AS x FROM " + table + " LIMIT " + lookedAt + ") AS few"
	err := r.Query(ctx, "SELECT "+length+"(x) FROM "+few+" WHERE x IS NOT NULL LIMIT 1", nil, func(row Row) error {
		n, found = int(row.Int(0)), true
		return nil
	})
	if saved {
		if err != nil {
			_ = r.Query(ctx, "ROLLBACK TO SAVEPOINT sealsql_look", nil, none)
		}
		_ = r.Query(ctx, "RELEASE SAVEPOINT sealsql_look", nil, none)
	}
	return n, found && err == nil
}

// fitting reports a length that a stored index may have; of 0, which none has, that
// any length fits.
func fitting(ix index, n int) bool {
	switch ix := ix.(type) {
	case *ranged:
		return n == rangeLength(ix, ix.of)
	case *equality:
		return n == ix.of.Bytes()
	case *compound:
		return n == ix.of.Bytes()
	case *fragments:
		if ix.of.Kind != schema.ContainsFragments {
			return n > 0 && n <= ix.of.Bytes() && n%schema.TokenBytes == 0
		}
	}
	return true
}

// rangeLength is the length of an index over the values of v that is stored as of
// says.
func rangeLength(v *ranged, of *schema.Range) int {
	switch n := v.enc.Size(); {
	case of.Paths():
		return order.PathSize(n, of.Rooted())
	case of.Order == schema.OrderHidden:
		return 2 * order.TagSize * n
	default:
		return order.RevealedSize(n)
	}
}

// storedForm says what a length tells of how a range was stored.
func storedForm(ix index, n int) string {
	v, ok := ix.(*ranged)
	if !ok {
		return bytesOf(n)
	}
	for _, form := range []schema.Range{{Form: schema.FormPath}, {Form: schema.FormNodes}, {Order: schema.OrderRevealing}} {
		of := *v.of
		if of.Order, of.Form = form.Order, form.Form; rangeLength(v, &of) == n {
			return formOf(&of) + " (" + bytesOf(n) + ")"
		}
	}
	return bytesOf(n)
}

func configuredForm(ix index) string {
	switch ix := ix.(type) {
	case *ranged:
		return formOf(ix.of) + " (" + bytesOf(rangeLength(ix, ix.of)) + ")"
	case *equality:
		return bytesOf(ix.of.Bytes())
	case *compound:
		return bytesOf(ix.of.Bytes())
	case *fragments:
		return fmt.Sprintf("%d lengths (%d bytes each)", len(ix.of.Lengths), schema.TokenBytes)
	}
	return "another definition"
}

func formOf(r *schema.Range) string {
	switch {
	case r.Order == schema.OrderRevealing:
		return "order=revealing"
	case r.Form == schema.FormNodes:
		return "form=nodes"
	}
	return "form=path"
}

func bytesOf(n int) string { return fmt.Sprintf("%d bytes", n) }
