package sqlite

import (
	"context"
	"errors"

	"github.com/sealsql/sealsql/envelope"
)

var (
	_ envelope.Keeper     = (*sibling)(nil)
	_ envelope.Overwriter = (*sibling)(nil)
)

// keeper opens the store as one whose rows can be changed.
func (s *sibling) keeper(ctx context.Context) (envelope.Keeper, error) {
	store, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	k, ok := store.(envelope.Keeper)
	if !ok {
		return nil, errors.New("sealsql: the rows of this metastore cannot be changed")
	}
	return k, nil
}

func (s *sibling) List(ctx context.Context, prefix string, after envelope.KeyMeta, limit int) ([]envelope.StoredKey, error) {
	k, err := s.keeper(ctx)
	if err != nil {
		return nil, err
	}
	return k.List(ctx, prefix, after, limit)
}

func (s *sibling) Replace(ctx context.Context, old, rec *envelope.KeyRecord) (bool, error) {
	k, err := s.keeper(ctx)
	if err != nil {
		return false, err
	}
	return k.Replace(ctx, old, rec)
}

func (s *sibling) Remove(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	k, err := s.keeper(ctx)
	if err != nil {
		return false, err
	}
	return k.Remove(ctx, rec)
}

// Overwrite implements envelope.Overwriter where the store does.
func (s *sibling) Overwrite(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	k, err := s.keeper(ctx)
	if err != nil {
		return false, err
	}
	o, ok := k.(envelope.Overwriter)
	if !ok {
		return false, errors.New("sealsql: the rows of this metastore cannot be overwritten")
	}
	return o.Overwrite(ctx, rec)
}
