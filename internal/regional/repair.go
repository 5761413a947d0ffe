package regional

import (
	"context"
	"slices"

	"github.com/sealsql/sealsql/envelope"
)

// Incomplete implements envelope.KeyRepairer: it names the regions that are
// configured and in which the key is not wrapped.
func (s *Service) Incomplete(wrapped []byte) []string {
	w, err := parse(wrapped, false)
	if err != nil {
		if w, err = parse(wrapped, true); err != nil {
			return nil
		}
	}
	var missing []string
	for _, r := range s.c.Regions {
		if w.of(r.Name()) == nil {
			missing = append(missing, r.Name())
		}
	}
	return missing
}

// RepairKey implements envelope.KeyRepairer.
func (s *Service) RepairKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, []string, error) {
	return s.repair(ctx, &kc, wrapped)
}

// RepairAsherahKey implements envelope.KeyRepairer.
func (s *Service) RepairAsherahKey(ctx context.Context, wrapped []byte) ([]byte, []string, error) {
	return s.repair(ctx, nil, wrapped)
}

// repair decrypts the data key where that is possible and has the regions that
// lack it encrypt it. What is there stays as it is, also of regions that are
// not configured here.
func (s *Service) repair(ctx context.Context, kc *envelope.KeyContext, wrapped []byte) ([]byte, []string, error) {
	if err := s.ready(ctx); err != nil {
		return nil, nil, err
	}
	w, err := parse(wrapped, kc == nil)
	if err != nil {
		return nil, nil, err
	}
	dataKey, key, err := s.open(ctx, kc, w)
	clear(key)
	defer clear(dataKey)
	if err != nil {
		return nil, nil, err
	}
	w.Keks = slices.DeleteFunc(w.Keks, func(k kek) bool { return len(k.Blob) == 0 })
	var failed failures
	added := s.spread(ctx, kc, dataKey, w, &failed)
	if len(added) == 0 {
		if len(failed) > 0 {
			return nil, nil, failed.asError("no missing region encrypted the key")
		}
		return nil, nil, nil
	}
	b, err := w.encode()
	return b, added, err
}
