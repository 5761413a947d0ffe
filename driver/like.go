package driver

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/tokens"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// pattern is the pattern of one comparison in one execution.
type pattern struct {
	like *tokens.Like
	null bool
}

// match leaves out rows whose value does not match a pattern.
type match struct {
	like   *tokens.Like
	mapped tokens.Mapping
	not    bool
	// texts says that bytes match nothing.
	texts bool
}

// prepareLikes reads the patterns of an execution before anything is sent, and
// refuses those that no index has anything for: they would read every row.
func (x *call) prepareLikes() error {
	if len(x.plan.Likes) == 0 {
		return nil
	}
	x.patterns = make([]pattern, len(x.plan.Likes))
	for i, l := range x.plan.Likes {
		p, err := x.readPattern(l)
		if err != nil {
			return err
		}
		x.patterns[i] = p
		if p.null || l.Not || l.Scan != nil || x.narrows(l, p.like) {
			continue
		}
		return &rewrite.UnsupportedError{Column: l.Of.String(), Pos: l.Pos, Reason: rewrite.ReasonPredicate, Hint: patternHint(l)}
	}
	return nil
}

// patternHint says what a pattern needs.
func patternHint(l *rewrite.Like) string {
	s := "the pattern has nothing to look up: it needs"
	or := ""
	for _, f := range l.Indexes {
		n := f.Lengths[0]
		switch f.Kind {
		case schema.PrefixFragments:
			s += fmt.Sprintf("%s %d letters at its start", or, n)
		case schema.SuffixFragments:
			s += fmt.Sprintf("%s %d letters at its end", or, n)
		default:
			s += fmt.Sprintf("%s %d letters in a row, or %d at its start or end", or, n, n-1)
		}
		or = ", or"
	}
	return s + "; write more of it, or declare an index of shorter lengths"
}

func (x *call) narrows(l *rewrite.Like, p *tokens.Like) bool {
	for _, f := range l.Indexes {
		if ix, ok := x.c.cr.seals.indexes[f].(*fragments); ok && len(ix.asked(p)) > 0 {
			return true
		}
	}
	return false
}

// readPattern parses the pattern of a comparison as the engine would.
func (x *call) readPattern(l *rewrite.Like) (pattern, error) {
	of := comparedBy(l)
	if of == nil {
		return pattern{}, errors.New("sealsql: plan compares with a pattern without an index")
	}
	ix := x.c.cr.seals.indexes[of]
	if ix == nil {
		return pattern{}, indexError(of, errors.New("plan uses an index that is not configured"))
	}
	o := rewrite.Out{Value: l.Pattern, Index: of, Text: l.Text}
	payload, tag, null, err := x.encodeAs(x.take(), &o, ix.compared())
	if err == nil && !null && tag == logical.TagBytes && x.bytesMatchNothing() && l.Before == "" && l.After == "" && l.PatternMapped == 0 {
		err = &logical.TypeError{Type: ix.compared().Name, GoType: "pattern", Problem: problemBytesPattern}
	}
	if err != nil {
		return pattern{}, indexError(of, err)
	}
	if null && !l.Empty {
		return pattern{null: true}, nil
	}
	x.keep(payload)
	text := x.mapping(l.PatternMapped).Apply(l.Before + string(payload) + l.After)
	like, err := tokens.ParseLike(text, x.likeRules(l))
	if err != nil {
		return pattern{}, indexError(of, err)
	}
	return pattern{like: like}, nil
}

const problemBytesPattern = "SQLite's LIKE finds nothing by bytes: compare with a text"

// bytesMatchNothing says that LIKE is false where one side is bytes: modernc's SQLite is
// compiled with SQLITE_LIKE_DOESNT_MATCH_BLOBS. A function over them makes a text.
func (x *call) bytesMatchNothing() bool { return x.c.cr.front.Dialect() == rewrite.SQLite }

// likeRules are how the engine reads the pattern and compares letters.
func (x *call) likeRules(l *rewrite.Like) tokens.Rules {
	d := x.c.cr.front.Dialect()
	collation := likeCollation(l)
	byCollation := map[schema.Collation]tokens.Case{schema.CollationIgnoreCase: tokens.Fold, schema.CollationIgnoreCaseAccents: tokens.Accents}
	r := tokens.Rules{Escape: '\\', Case: byCollation[collation]}
	switch d {
	case rewrite.SQLite:
		r = tokens.Rules{Case: tokens.ASCII, Ending: tokens.EndNever, NUL: true}
		if x.c.session.ExactLike {
			r.Case = tokens.Exact
		}
	case rewrite.MySQL:
		r.Ending = tokens.EndLiteral
	case rewrite.Postgres:
		if collation == schema.CollationIgnoreCase { // citext compares what lower makes
			r.Case, l = tokens.Exact, &rewrite.Like{Fold: true, Escape: l.Escape, Escaped: l.Escaped}
		}
		switch {
		case r.Case == tokens.Exact && l.Fold && x.c.session.ASCIILike:
			r.Case = tokens.ASCII
		case r.Case == tokens.Exact && l.Fold:
			r.Case = tokens.Lower
		}
	}
	if l.Escaped {
		r.Escape = 0
		switch {
		case l.Escape != "":
			r.Escape, _ = utf8.DecodeRuneInString(l.Escape)
		case d == rewrite.MySQL:
			// MariaDB takes the backslash there, unless the column's character set has
			// letters of one byte alone.
			r.Doubtful = '\\'
		}
	}
	return r
}

// mapping is what lower and upper do on the engine.
func (x *call) mapping(c rewrite.LetterCase) tokens.Mapping {
	ascii := x.c.cr.front.Dialect() == rewrite.SQLite || x.c.session.ASCIILike
	switch {
	case c == rewrite.LowerCase && ascii:
		return tokens.ToLowerASCII
	case c == rewrite.LowerCase:
		return tokens.ToLower
	case c == rewrite.UpperCase && ascii:
		return tokens.ToUpperASCII
	case c == rewrite.UpperCase:
		return tokens.ToUpper
	}
	return tokens.AsIs
}

// patternValue is an outgoing value that stands for a part of a pattern.
func (x *call) patternValue(o *rewrite.Out) (driver.Value, error) {
	if o.Like != nil && o.Like.Scan != nil {
		return x.scanValue(o)
	}
	ix, ok := x.c.cr.seals.indexes[o.Index].(*fragments)
	if !ok {
		return nil, indexError(o.Index, errors.New("plan uses an index that is not configured"))
	}
	for i, l := range x.plan.Likes {
		if l != o.Like || i >= len(x.patterns) {
			continue
		}
		p := x.patterns[i]
		if p.null {
			return nil, nil
		}
		var part envelope.Partition
		if !o.Index.AllPartitions() {
			var err error
			if part, err = x.partition(&o.Partition, o.Index.Column().Table); err != nil {
				return nil, err
			}
		}
		v, err := ix.pattern(x, part, p.like, l.Not, o)
		if err != nil {
			return nil, indexError(o.Index, err)
		}
		return v, nil
	}
	return nil, errors.New("sealsql: plan names a pattern that it has not")
}

// matches prepares what the plan says of an inner result column.
func (x *call) matches(at int) []match {
	var out []match
	for i, l := range x.plan.Likes {
		if l.Column == at && i < len(x.patterns) {
			out = append(out, match{x.patterns[i].like, x.mapping(l.Mapped), l.Not, x.bytesMatchNothing() && l.Mapped == 0})
		}
	}
	return out
}

// like reports whether an opened value matches every pattern. A NULL pattern
// matches nothing.
func (col *opened) like(tag logical.Tag, payload []byte) bool {
	for _, m := range col.likes {
		if m.like == nil || m.matches(tag, payload) == m.not {
			return false
		}
	}
	return true
}

func (m *match) matches(tag logical.Tag, payload []byte) bool {
	if m.texts && tag == logical.TagBytes {
		return false
	}
	return m.like.Match(m.mapped.Apply(string(payload)))
}
