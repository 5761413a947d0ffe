package envelope

import "context"

var _ KeyRepairer = (*retiringPair)(nil)

// Incomplete asks the service that wraps; it does not know what the other
// wrapped.
func (r *retiringPair) Incomplete(wrapped []byte) []string {
	if k, ok := r.now.(KeyRepairer); ok {
		return k.Incomplete(wrapped)
	}
	return nil
}

func (r *retiringPair) RepairKey(ctx context.Context, kc KeyContext, wrapped []byte) ([]byte, []string, error) {
	if k, ok := r.now.(KeyRepairer); ok {
		return k.RepairKey(ctx, kc, wrapped)
	}
	return nil, nil, nil
}

func (r *retiringPair) RepairAsherahKey(ctx context.Context, wrapped []byte) ([]byte, []string, error) {
	if k, ok := r.now.(KeyRepairer); ok {
		return k.RepairAsherahKey(ctx, wrapped)
	}
	return nil, nil, nil
}
