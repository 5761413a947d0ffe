package driver

import (
	"bytes"
	"crypto/rand"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/tokens"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// fragments is the index of schema.Fragments: keyed hashes of pieces of a text.
//
// A prefix or suffix index is the tokens of its lengths, in ascending order, one
// behind the other: texts that share a beginning share the beginning of the
// index, so that one range of an ordinary B-tree answers for any of the lengths.
// A contains index is the set of its tokens in no order that says anything: an
// array on PostgreSQL, elsewhere bytes. Random ones fill it up to a multiple of
// padTokens, which hides the exact number of pieces and makes indexes of equal
// texts differ.
type fragments struct {
	of      *schema.Fragments
	dialect rewrite.Dialect
	compare schema.Type
	// keyed are the hashes: of each length, or by place in contains.
	keyed []*envelope.Index
}

const padTokens = 8

func newFragments(s *envelope.Sealer, f *schema.Fragments, d rewrite.Dialect) (index, error) {
	if d == rewrite.MySQL && f.Collation == schema.CollationNone {
		return nil, errors.New("on MySQL a search index over text needs collation: binary, ci or ci_ai, the equality that the application expects")
	}
	out := &fragments{of: f, dialect: d, compare: blind.CompareType(d.String(), f.Of.Type)}
	n := len(f.Lengths)
	if f.Kind == schema.ContainsFragments {
		n = int(tokens.Within)
	}
	for i := range n {
		o := envelope.IndexOptions{
			Kind: f.Kind.String(), Group: f.Of.ID, Version: f.Version, Bits: 8 * schema.TokenBytes, TableScope: f.TableScope,
			Steps: []string{"length=" + strconv.Itoa(f.Lengths[min(i, len(f.Lengths)-1)]), "place=" + strconv.Itoa(i)},
		}
		for _, step := range f.Normalize {
			o.Steps = append(o.Steps, string(step))
		}
		keyed, err := s.Index(o)
		if err != nil {
			return nil, err
		}
		out.keyed = append(out.keyed, keyed)
	}
	return out, nil
}

func (f *fragments) compared() *schema.Type { return &f.compare }

func (f *fragments) value(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error) {
	text, err := f.text(tag, payload)
	if err != nil {
		return nil, err
	}
	letters := tokens.Normal(f.of.Normalize, text)
	if f.of.Kind == schema.ContainsFragments {
		set, err := f.set(x, part, tokens.Grams(letters, f.of.Lengths[0]))
		if err != nil {
			return nil, err
		}
		if set, err = padded(set); err != nil {
			return nil, err
		}
		return f.stored(set), nil
	}
	pieces := tokens.Prefixes(letters, f.of.Lengths)
	if f.of.Kind == schema.SuffixFragments {
		pieces = tokens.Suffixes(letters, f.of.Lengths)
	}
	return f.chain(x, part, pieces)
}

// text is the text of a payload as LIKE reads it. SQLite keeps bytes in columns
// of texts, which it reads as one.
func (f *fragments) text(tag logical.Tag, payload []byte) (string, error) {
	if tag != logical.TagText && tag != logical.TagBytes {
		return "", errors.New("only texts have pieces")
	}
	if f.dialect == rewrite.SQLite {
		return tokens.Cut(string(payload)), nil
	}
	return string(payload), nil
}

// token appends the token of a piece.
func (f *fragments) token(x *call, dst []byte, part envelope.Partition, key int, piece tokens.Fragment) ([]byte, error) {
	return x.c.cr.seals.sealer.AppendIndex(x.ctx, dst, f.keyed[key], part, []byte(piece.Text))
}

// chain is a prefix or suffix index.
func (f *fragments) chain(x *call, part envelope.Partition, pieces []tokens.Fragment) ([]byte, error) {
	out := make([]byte, 0, f.of.Bytes())
	var err error
	for i := range pieces {
		if out, err = f.token(x, out, part, i, pieces[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// set is the tokens of a contains index, sorted.
func (f *fragments) set(x *call, part envelope.Partition, pieces []tokens.Fragment) ([]uint32, error) {
	out, err := f.list(x, part, pieces)
	slices.Sort(out)
	return slices.Compact(out), err
}

// list is the tokens of pieces in their order.
func (f *fragments) list(x *call, part envelope.Partition, pieces []tokens.Fragment) ([]uint32, error) {
	out := make([]uint32, 0, len(pieces)+padTokens)
	var buf [schema.TokenBytes]byte
	for _, p := range pieces {
		b, err := f.token(x, buf[:0], part, int(p.Place)-1, p)
		if err != nil {
			return nil, err
		}
		out = append(out, binary.BigEndian.Uint32(b))
	}
	return out, nil
}

// padded fills a set up with random tokens, at least one group of them.
func padded(set []uint32) ([]uint32, error) {
	want := max(1, (len(set)+padTokens-1)/padTokens) * padTokens
	var buf [schema.TokenBytes]byte
	for len(set) < want {
		if _, err := rand.Read(buf[:]); err != nil {
			return nil, err
		}
		set = append(set, binary.BigEndian.Uint32(buf[:]))
	}
	slices.Sort(set)
	return set, nil
}

// stored is a set as the column holds it.
func (f *fragments) stored(set []uint32) driver.Value {
	if f.dialect == rewrite.Postgres {
		out := make([]byte, 0, 12*len(set)+2)
		out = append(out, '{')
		for i, t := range set {
			if i > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendInt(out, int64(int32(t)), 10)
		}
		return string(append(out, '}'))
	}
	out := make([]byte, 0, schema.TokenBytes*len(set))
	for _, t := range set {
		out = binary.BigEndian.AppendUint32(out, t)
	}
	return out
}

// asked returns the pieces that the index can look up for a pattern.
func (f *fragments) asked(l *tokens.Like) []tokens.Fragment {
	switch f.of.Kind {
	case schema.PrefixFragments:
		return l.Prefixes(f.of.Normalize, f.of.Lengths)
	case schema.SuffixFragments:
		return l.Suffixes(f.of.Normalize, f.of.Lengths)
	}
	return l.Grams(f.of.Normalize, f.of.Lengths[0])
}

// pattern is a part of the index of a pattern. Where there is nothing to look
// up it lets every text pass.
func (f *fragments) pattern(x *call, part envelope.Partition, l *tokens.Like, all bool, o *rewrite.Out) (driver.Value, error) {
	var pieces []tokens.Fragment
	if !all {
		pieces = f.asked(l)
	}
	switch o.Pattern {
	case rewrite.PatternLow, rewrite.PatternHigh:
		low, err := f.chain(x, part, pieces)
		if err != nil || o.Pattern == rewrite.PatternLow {
			return low, err
		}
		return append(low, bytes.Repeat([]byte{0xFF}, f.of.Bytes()-len(low))...), nil
	case rewrite.PatternAll:
		set, err := f.set(x, part, pieces)
		if err != nil {
			return nil, err
		}
		return f.stored(set), nil
	case rewrite.PatternToken:
		if len(pieces) == 0 {
			return []byte{}, nil
		}
		list, err := f.list(x, part, pieces[min(o.Token, len(pieces)-1):][:1])
		if err != nil {
			return nil, err
		}
		return f.stored(list), nil
	}
	return nil, errors.New("plan asks for a part of a pattern that is not known")
}
