package driver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/lifecycle"
)

// background is what runs beside an open database. The zero value runs nothing.
type background struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// backgroundEnd bounds the wait for background work when a database is closed.
const backgroundEnd = 5 * time.Second

// start begins what the configuration asks for; nil is for nobody.
func (b *background) start(s *envelope.Sealer, cfg *config.Config) error {
	if b == nil || cfg.Policy.RotateAhead == 0 && cfg.Policy.Watch == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(sealsql.WithPurpose(context.Background(), "background"))
	b.cancel = cancel
	if d := cfg.Policy.Watch; d > 0 {
		b.wg.Go(func() { _ = s.Watch(ctx, d) })
	}
	if cfg.Policy.RotateAhead == 0 {
		return nil
	}
	return b.rotate(ctx, s, cfg.Policy.RotateAhead)
}

// rotate replaces keys so long before they expire.
func (b *background) rotate(ctx context.Context, s *envelope.Sealer, ahead time.Duration) error {
	keys, err := s.Keys()
	if err != nil {
		return errors.Join(errors.New("sealsql: policy.rotate_ahead needs a metastore that lists its rows"), err)
	}
	every := min(max(ahead/16, time.Second), 12*time.Hour)
	r := &lifecycle.Rotator{Keys: keys, Ahead: ahead, Every: every, Logger: slog.Default()}
	b.wg.Go(func() {
		// Programs that open a database for a moment leave this to others.
		select {
		case <-ctx.Done():
		case <-time.After(every/20 + time.Duration(rand.Int64N(int64(every/5)))):
			_ = r.Run(ctx)
		}
	})
	return nil
}

// stop ends the background work.
func (b *background) stop() {
	if b == nil || b.cancel == nil {
		return
	}
	b.cancel()
	done := make(chan struct{})
	go func() { b.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(backgroundEnd):
	}
}
