package mysql

import (
	"context"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
)

// go-sql-driver reads into 4 KiB until a longer packet was sent or received on the
// connection, and into as much as that one needed from then on. Rows of records are
// longer than those of their values, and reading 1000 of them in pieces of 4 KiB is a
// fifth of what they cost the client. So the first text of a connection, which is our
// own, is as long as what is to be read into.
//
// Blanks at the end of a text are cut off by servers before they look at it: logs and
// digests show none.
const (
	wide = 32 << 10
	// enough is a server's max_allowed_packet far beyond that; the default is 16 MiB.
	enough = 1 << 20
)

// widely runs a query of the session. The first time on a connection it also widens
// what the inner driver reads into.
func (e *engine) widely(ctx context.Context, r *sealdriver.Reader, text string, row func(sealdriver.Row) error) error {
	first, known := r.First() && e.Fresh(r.Conn()), e.packets.Load()
	if first && known >= enough {
		err := r.Query(ctx, widened(text), nil, row)
		if !errors.Is(err, mysql.ErrPktTooLarge) {
			return err
		}
	}
	if err := r.Query(ctx, text, nil, row); err != nil || !first || known != 0 || e.packets.Load() < enough {
		return err
	}
	// The first connection of all, on which the server's limit was not known yet.
	err := r.Query(ctx, widened("SELECT 1"), nil, func(sealdriver.Row) error { return nil })
	if errors.Is(err, mysql.ErrPktTooLarge) {
		// The DSN's maxAllowedPacket is small: nothing was sent.
		return nil
	}
	return err
}

func widened(text string) string {
	const header = 5 // of the packet, and the command
	return text + strings.Repeat(" ", max(0, wide-header-len(text)))
}
