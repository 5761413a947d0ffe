package envelope

import (
	"context"
	"reflect"
)

// SealPayload seals bytes as they are under the given flags, as a hostile holder
// of the keys could.
func SealPayload(s *Sealer, c *Column, p Partition, compressed, padded bool, payload []byte) ([]byte, error) {
	v := &place{c: c, p: p, flags: c.flags &^ shapeFlags, tag: 1}
	if compressed {
		v.flags |= flagCompressed
	}
	if padded {
		v.flags |= flagPadded
	}
	return s.sealFresh(context.Background(), nil, v, payload)
}

// Context is the context hash of a column in a partition.
func Context(c *Column, p Partition) []byte { return c.context(p.id)[:] }

// Tick is the sealer's clock.
func Tick(s *Sealer) int64 { return s.tick() }

// Monotonic reports whether the sealer's clock is a monotonic one.
func Monotonic(s *Sealer) bool { return !s.fixed && s.base != s.base.Round(0) }

// SetMaxWraps bounds the keys that are wrapped under one system key.
func SetMaxWraps(s *Sealer, n int64) { s.maxWraps = n }

// SetLot makes one use of a wrapping key in n, a power of two, its last.
func SetLot(s *Sealer, n uint32) { s.lot = n }

// SetAsherahLot is SetLot for the keys of Asherah's format.
func SetAsherahLot(a *Asherah, n uint32) { a.own.lot = n }

// OpenHits is how often a data key was found for opening.
func OpenHits(s *Sealer) uint64 { return s.readers.Stats().Hits }

// KeysAlive is the number of keys in locked memory that have not been wiped.
func KeysAlive(s *Sealer) int64 {
	return reflect.ValueOf(s.arena).Elem().FieldByName("live").Int()
}
