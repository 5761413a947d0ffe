package tokens

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Place says where in a text a fragment stands.
type Place uint8

// The places: at the start, at the end, anywhere. The numbers enter stored
// indexes and never change.
const (
	AtStart Place = iota + 1
	AtEnd
	Within
)

// Fragment is a piece of a text, as Normal makes it.
type Fragment struct {
	Place Place
	Text  string
}

// Cut ends a text where SQLite's LIKE does, at a NUL character.
func Cut(text string) string {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return text[:i]
	}
	return text
}

// Prefixes returns the beginnings of the text of the given lengths (in
// letters, ascending) that it is long enough for.
func Prefixes(text []rune, lengths []int) []Fragment {
	var out []Fragment
	for _, n := range lengths {
		if n <= len(text) {
			out = append(out, Fragment{AtStart, encode(text[:n])})
		}
	}
	return out
}

// Suffixes returns the ends likewise.
func Suffixes(text []rune, lengths []int) []Fragment {
	var out []Fragment
	for _, n := range lengths {
		if n <= len(text) {
			out = append(out, Fragment{AtEnd, encode(text[len(text)-n:])})
		}
	}
	return out
}

// Grams returns all pieces of n letters of a text, each once, and its first and
// last n-1 letters, which are marked as such.
func Grams(text []rune, n int) []Fragment { return grams(nil, text, n, true, true) }

func grams(out []Fragment, text []rune, n int, start, end bool) []Fragment {
	add := func(f Fragment) {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	if len(text) > 64 { // a list is searched for duplicates faster than a map only while it is short
		seen := make(map[Fragment]bool, len(text))
		add = func(f Fragment) {
			if !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	for i := 0; i+n <= len(text); i++ {
		add(Fragment{Within, encode(text[i : i+n])})
	}
	if k := n - 1; k > 0 && k <= len(text) {
		if start {
			add(Fragment{AtStart, encode(text[:k])})
		}
		if end {
			add(Fragment{AtEnd, encode(text[len(text)-k:])})
		}
	}
	return out
}

// Prefixes returns what of Prefixes every matching text has.
func (l *Like) Prefixes(steps []schema.Normalizer, lengths []int) []Fragment {
	if runs := l.Runs(); len(runs) > 0 && runs[0].Start {
		return Prefixes(Normal(steps, runs[0].Text), lengths)
	}
	return nil
}

// Suffixes returns what of Suffixes every matching text has.
func (l *Like) Suffixes(steps []schema.Normalizer, lengths []int) []Fragment {
	if runs := l.Runs(); len(runs) > 0 && runs[len(runs)-1].End {
		return Suffixes(Normal(steps, runs[len(runs)-1].Text), lengths)
	}
	return nil
}

// Grams returns what of Grams every matching text has, the rarest letters
// first.
func (l *Like) Grams(steps []schema.Normalizer, n int) []Fragment {
	var out []Fragment
	for _, r := range l.Runs() {
		out = grams(out, Normal(steps, r.Text), n, r.Start, r.End)
	}
	seen := make(map[Fragment]bool, len(out))
	out = slices.DeleteFunc(out, func(f Fragment) bool {
		was := seen[f]
		seen[f] = true
		return was
	})
	slices.SortStableFunc(out, func(a, b Fragment) int { return rarity(b.Text) - rarity(a.Text) })
	return out
}

// frequent are letters from the most to the less frequent in European texts.
const frequent = " EATIONSRLDUHCMGP"

// rarity guesses how few texts hold a fragment: a search begins with the rarest.
func rarity(s string) int {
	n := 0
	for _, r := range s {
		if i := strings.IndexRune(frequent, r); i >= 0 {
			n += i
			continue
		}
		n += len(frequent)
	}
	return n
}
