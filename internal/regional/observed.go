package regional

import (
	"context"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/observe"
)

var _ envelope.HealthReporter = (*Service)(nil)

// observedRegion times the requests to a region for whom the context names.
type observedRegion struct {
	Region
	service string
}

func (r observedRegion) begin(ctx context.Context, name string) (context.Context, observe.Timing) {
	call := observe.FromContext(ctx).Call(observe.Op{Kind: observe.KMSRegion, Provider: r.service, Region: r.Name(), Name: name})
	return call.Begin(ctx, "")
}

func (r observedRegion) Generate(ctx context.Context, kc map[string]string) (key, blob []byte, arn string, err error) {
	ctx, t := r.begin(ctx, "generate")
	key, blob, arn, err = r.Region.Generate(ctx, kc)
	t.End(envelope.Outcome(err))
	return key, blob, arn, err
}

func (r observedRegion) Encrypt(ctx context.Context, kc map[string]string, key []byte) (blob []byte, arn string, err error) {
	ctx, t := r.begin(ctx, "encrypt")
	blob, arn, err = r.Region.Encrypt(ctx, kc, key)
	t.End(envelope.Outcome(err))
	return blob, arn, err
}

func (r observedRegion) Decrypt(ctx context.Context, kc map[string]string, blob []byte, arn string) ([]byte, error) {
	ctx, t := r.begin(ctx, "decrypt")
	key, err := r.Region.Decrypt(ctx, kc, blob, arn)
	t.End(envelope.Outcome(err))
	return key, err
}

// Health implements envelope.HealthReporter.
func (s *Service) Health() (all []observe.Region) {
	for m, r := range s.c.Regions {
		all = append(all, observe.Region{Provider: s.c.Name, Region: r.Name(), Out: s.group.Out(m) != nil})
	}
	return all
}
