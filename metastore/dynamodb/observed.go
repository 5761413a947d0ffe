package dynamodb

import (
	"context"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/observe"
)

var _ envelope.HealthReporter = (*Metastore)(nil)

// begin times a request to a region for whom the context names.
func (m *Metastore) begin(ctx context.Context, i int, name string) (context.Context, observe.Timing) {
	call := observe.FromContext(ctx).Call(observe.Op{Kind: observe.MetastoreRegion, Provider: Name, Region: m.names[i], Name: name})
	return call.Begin(ctx, "")
}

// Health implements envelope.HealthReporter.
func (m *Metastore) Health() (all []observe.Region) {
	for i, name := range m.names {
		all = append(all, observe.Region{Provider: Name, Region: name, Out: m.group.Out(i) != nil})
	}
	return all
}
