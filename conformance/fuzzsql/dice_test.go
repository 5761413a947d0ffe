package fuzzsql_test

import (
	"math/rand/v2"
	"slices"
)

// dice makes the choices of the generator and writes them down, so that a
// statement can be made again, and made simpler by changing its choices. The
// first alternative of every choice is the simplest.
type dice struct {
	rng    *rand.Rand
	replay []uint16 // used up before rng is asked; with fixed, 0 comes behind
	fixed  bool
	log    []uint16
}

func newDice(seed, stream uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, stream))}
}

// n returns a number below k.
func (d *dice) n(k int) int {
	v := 0
	switch {
	case len(d.replay) > 0:
		v = int(d.replay[0]) % k
		d.replay = d.replay[1:]
	case d.fixed:
	default:
		v = d.rng.IntN(k)
	}
	d.log = append(d.log, uint16(v))
	return v
}

// in is true once in k times; false is the simpler.
func (d *dice) in(k int) bool { return d.n(k) == k-1 }

func (d *dice) pick(xs ...string) string { return xs[d.n(len(xs))] }

func pickOf[T any](d *dice, xs []T) T { return xs[d.n(len(xs))] }

// begin starts a statement; end returns its choices.
func (d *dice) begin() { d.log = nil }

func (d *dice) end() []uint16 { return d.log }

// simpler returns simpler versions of a list of choices: parts left out, and
// choices set to the first alternative or closer to it.
func simpler(c []uint16, try func([]uint16) bool) []uint16 {
	for size := len(c); size >= 1; size /= 2 {
		for at := 0; at+size <= len(c); {
			without := slices.Concat(c[:at], c[at+size:])
			zeroed := slices.Clone(c)
			clear(zeroed[at : at+size])
			switch {
			case try(without):
				c = without
			case !slices.Equal(zeroed, c) && try(zeroed):
				c = zeroed
				at += size
			default:
				at += size
			}
		}
	}
	return c
}
