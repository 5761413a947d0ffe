package driver

import (
	"bytes"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/internal/tokens"
	"github.com/sealsql/sealsql/rewrite"
)

const likeRangeHint = "the range index of the column knows beginnings: write letters and one '%' behind them; declare search: {prefix, suffix or contains} for other patterns"

var errNoPattern = errors.New("the pattern is no text")

const likeCaseHint = "LIKE finds letters of either case here, and the range index of the column does not: compare digits, or declare search: {prefix: default}"

// beginning computes the span of the texts that match a pattern of a beginning and
// '%', or of letters alone.
func (v *ranged) beginning(x *call, o *rewrite.Out, part envelope.Partition) (*covered, error) {
	l := o.Cover.Like
	one := rewrite.Out{Value: l.Pattern, Index: o.Index, Text: l.Text}
	payload, tag, null, err := x.encodeAs(x.take(), &one, v.compared())
	switch {
	case err != nil:
		return nil, err
	case null && !l.Empty:
		return &covered{null: true}, nil
	}
	if tag != logical.TagText && !null {
		return nil, errNoPattern
	}
	x.keep(payload)
	rules := x.likeRules(l)
	text := l.Before + string(payload) + l.After
	like, err := tokens.ParseLike(text, rules)
	if err != nil {
		return nil, err
	}
	start, open, ok := like.Beginning()
	refuse := func(hint string) (*covered, error) {
		return nil, &rewrite.UnsupportedError{Column: l.Of.String(), Pos: l.Pos, Reason: rewrite.ReasonPredicate, Hint: hint}
	}
	switch {
	case !ok, strings.IndexByte(text, 0) >= 0, // shorter texts are filled up with zeros
		rules.NUL && !open: // texts that go on behind a zero match, too
		return refuse(likeRangeHint)
	case !rules.Case.Alone(start):
		return refuse(likeCaseHint)
	}
	encoded, _, err := v.encode(x, logical.TagText, append(x.take(), start...))
	if err != nil {
		return nil, err
	}
	encoded = bytes.Clone(encoded)
	defer clear(encoded)
	n := v.enc.Size()
	switch {
	case v.enc.Longer(encoded) && v.enc.Ties():
		return nil, errTooLongToCompare
	case v.enc.Longer(encoded): // no text is as long
		return &covered{}, nil
	case open:
		n = len(start)
	}
	c := &covered{spans: make([]order.Span, 1)}
	err = x.c.cr.seals.sealer.UseIndex(x.ctx, v.keyed, part, func(k *envelope.IndexKey) (err error) {
		c.spans[0], err = order.Beginning(encoded, n, v.of.Rooted(), k.Expand)
		return err
	})
	return c, err
}
