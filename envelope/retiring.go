package envelope

import (
	"context"
	"errors"

	"github.com/sealsql/sealsql/observe"
)

// retiringPair wraps by one service and unwraps by two.
type retiringPair struct{ now, before KeyManagementService }

// WithRetiring returns a service that wraps by now, and unwraps by now or, where
// that cannot, by before: for the time in which system keys are handed over from
// one master key to another (Keys.RewrapSystem). It can do what Asherah's format
// asks for if both can. Closing it closes both.
//
// The error of unwrapping is that of now, joined with that of before; it matches
// ErrTampered only if both say so.
func WithRetiring(now, before KeyManagementService) KeyManagementService {
	pair := retiringPair{now, before}
	a, ok := now.(AsherahKMS)
	b, both := before.(AsherahKMS)
	if ok && both {
		return &retiringAsherah{pair, a, b}
	}
	return &pair
}

// Name names both services in messages.
func (r *retiringPair) Name() string {
	return providerName("", r.now)[1:] + " (retiring" + providerName("", r.before) + ")"
}

func (r *retiringPair) EncryptKey(ctx context.Context, kc KeyContext, key []byte) ([]byte, error) {
	return r.now.EncryptKey(ctx, kc, key)
}

func (r *retiringPair) DecryptKey(ctx context.Context, kc KeyContext, wrapped []byte) ([]byte, error) {
	return either(ctx,
		func() ([]byte, error) { return r.now.DecryptKey(ctx, kc, wrapped) },
		func() ([]byte, error) { return r.before.DecryptKey(ctx, kc, wrapped) })
}

// Health implements HealthReporter for what the services say.
func (r *retiringPair) Health() (all []observe.Region) {
	for _, s := range []KeyManagementService{r.now, r.before} {
		if h, ok := s.(HealthReporter); ok {
			all = append(all, h.Health()...)
		}
	}
	return all
}

func (r *retiringPair) Close() error { return errors.Join(r.now.Close(), r.before.Close()) }

// either asks the second when the first cannot answer.
func either(ctx context.Context, first, second func() ([]byte, error)) ([]byte, error) {
	key, err := first()
	if err == nil {
		return key, nil
	}
	clear(key)
	if ctx.Err() != nil {
		return nil, err
	}
	key, err2 := second()
	if err2 == nil {
		return key, nil
	}
	clear(key)
	return nil, &bothError{err, err2}
}

// bothError is what two services said.
type bothError struct{ now, before error }

func (e *bothError) Error() string {
	return e.now.Error() + "; the retiring service: " + e.before.Error()
}

// Unwrap gives both, but ErrTampered only where both have it.
func (e *bothError) Unwrap() []error {
	if errors.Is(e.now, ErrTampered) == errors.Is(e.before, ErrTampered) {
		return []error{e.now, e.before}
	}
	if errors.Is(e.now, ErrTampered) {
		return []error{e.before}
	}
	return []error{e.now}
}

type retiringAsherah struct {
	retiringPair
	a, b AsherahKMS
}

var _ AsherahKMS = (*retiringAsherah)(nil)

func (r *retiringAsherah) EncryptAsherahKey(ctx context.Context, key []byte) ([]byte, error) {
	return r.a.EncryptAsherahKey(ctx, key)
}

func (r *retiringAsherah) DecryptAsherahKey(ctx context.Context, wrapped []byte) ([]byte, error) {
	return either(ctx,
		func() ([]byte, error) { return r.a.DecryptAsherahKey(ctx, wrapped) },
		func() ([]byte, error) { return r.b.DecryptAsherahKey(ctx, wrapped) })
}
