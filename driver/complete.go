package driver

import (
	"context"
	"fmt"

	"github.com/sealsql/sealsql/rewrite"
)

// complete runs what completes a definition: indexes that the engine takes in
// statements of their own only. Outside of a transaction the table stays where
// one of them fails; they say that they make only what is not there.
func (c *conn) complete(ctx context.Context, p *rewrite.Plan) error {
	for _, text := range p.After {
		if _, err := c.exec(ctx, text, nil); err != nil {
			return fmt.Errorf("sealsql: the table was made, and an index of it was not: %w", err)
		}
	}
	return nil
}
