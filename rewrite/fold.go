package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Comparisons that ignore case: lower(c) = lower($1), upper(c::text) = upper($1),
// c COLLATE nocase = $1. They are answered where ignoring case is what the index
// does anyway: by its collation, or because it lowers what it hashes and lower()
// stands around every column. What stands around columns and values is then left
// out of the text.

// folds are the ways to ignore case, or not to.
type folds uint8

const (
	foldLower folds = 1 << iota
	foldUpper
	foldCollation // a collation that ignores case
	foldBytes     // a collation that compares bytes
)

const foldHint = "declare collation: ci, or where case matters otherwise normalize: [lower] and compare by lower(…) on both sides"

// folding is an operand under functions that fold its case.
type folding struct {
	inner Expr
	by    folds
	// layers are what is left out, from outside.
	layers []layer
}

type layer struct{ node, inner Expr }

// unfold takes off what folds the case of an operand, and PostgreSQL's casts to
// text below that.
func (a *analysis) unfold(e Expr) folding {
	f := folding{inner: e}
	for {
		by, inner := a.foldOf(f.inner)
		if cast, ok := f.inner.(*Cast); ok && a.dialect == Postgres && !isConstant(cast) && (cast.Type == "text" || cast.Type == "character varying") {
			inner = cast.X
		}
		if inner == nil || !f.inner.Range().Known() || !inner.Range().Known() {
			return f
		}
		f.layers = append(f.layers, layer{f.inner, inner})
		f.by, f.inner = f.by|by, inner
	}
}

// foldOf returns the operand of what folds case; nil for anything else.
func (a *analysis) foldOf(e Expr) (folds, Expr) {
	switch x := e.(type) {
	case *Call:
		by := map[string]folds{"lower": foldLower, "upper": foldUpper}
		if a.dialect == MySQL {
			by["lcase"], by["ucase"] = foldLower, foldUpper
		}
		kind := by[strings.ToLower(x.Name[len(x.Name)-1].Name)]
		if kind == 0 || len(x.Args) != 1 || x.Star || x.Distinct || x.Over || len(x.Extra) > 0 || a.function(x) != nil {
			return 0, nil
		}
		return kind, x.Args[0]
	case *Op:
		if x.Name != "COLLATE" || len(x.Args) != 1 {
			return 0, nil
		}
		if kind := a.collationFold(strings.ToLower(x.Attr)); kind != 0 {
			return kind, x.Args[0]
		}
	}
	return 0, nil
}

// collationFold says what a collation of the engine finds equal; 0 where that
// is not known.
func (a *analysis) collationFold(name string) folds {
	name = strings.Trim(name[strings.LastIndexByte(name, '.')+1:], `"`)
	switch a.dialect {
	case Postgres:
		if name == "c" || name == "posix" || name == "default" || name == "ucs_basic" {
			return foldBytes
		}
	case MySQL:
		switch {
		case strings.HasSuffix(name, "_bin"):
			return foldBytes
		case strings.HasSuffix(name, "_ci"):
			return foldCollation
		}
	case SQLite:
		switch name {
		case "nocase":
			return foldCollation
		case "binary":
			return foldBytes
		}
	}
	return 0
}

// lowers reports an index that hashes texts in lower case and is otherwise
// exact under a collation of bytes.
func lowers(e *schema.Equality) bool {
	return e.Bits >= 128 && slices.Equal(e.Normalize, []schema.Normalizer{schema.Lower}) &&
		(e.Collation == schema.CollationNone || e.Collation == schema.CollationBytes)
}

func ignoresCase(e *schema.Equality) bool {
	return e.Collation == schema.CollationIgnoreCase || e.Collation == schema.CollationIgnoreCaseAccents
}

func comparesBytes(e *schema.Equality) bool {
	return !ignoresCase(e) && e.Collation != schema.CollationNormalized
}

// exactUnder reports whether equality of an index is equality of its column
// under these folds.
func exactUnder(e *schema.Equality, by folds) bool {
	switch {
	case by == 0:
		return e.Exact()
	case by == foldBytes:
		return e.Exact() && comparesBytes(e)
	case by&foldBytes != 0:
		return false
	case lowers(e):
		return by&foldUpper == 0
	}
	return e.Exact() && ignoresCase(e)
}

// valueUnder reports whether a value under these folds has one index with the
// values that it is equal to. folded is set where only a value in lower case can
// be equal.
func valueUnder(e *schema.Equality, by folds) (ok, folded bool) {
	switch {
	case by == 0:
		return true, lowers(e)
	case lowers(e):
		return by == foldLower, false
	case by == foldBytes:
		return e.Exact() && comparesBytes(e), false
	}
	return by&foldBytes == 0 && e.Exact() && ignoresCase(e), false
}

// peel leaves the layers of an operand out of the text.
func (a *analysis) peel(f folding) {
	for _, l := range f.layers {
		if a.eq.peeled == nil {
			a.eq.peeled = map[Expr]Expr{}
		}
		a.eq.peeled[l.node] = l.inner
	}
}

// peelings are the edits that leave them out.
func (b *builder) peelings() {
	for e, inner := range b.a.eq.peeled {
		r, x := e.Range(), inner.Range()
		if r.Start < x.Start {
			b.edits = append(b.edits, edit{span: Span{r.Start, x.Start}})
		}
		if x.End < r.End {
			b.edits = append(b.edits, edit{span: Span{x.End, r.End}})
		}
	}
}

// unfolds reports whether what stands around a column is answered by its index:
// it is a text without padding, and what is cast to text is one.
func (a *analysis) unfolds(f folding, h hit) bool {
	if h.tableIndex() == nil && h.exactIndex() == nil {
		return false
	}
	t := &h.flow()[0].col.Type
	for _, l := range f.layers {
		if c, ok := l.node.(*Cast); ok && !a.sameUnder(t, c.Type) {
			return false
		}
	}
	return f.by == 0 || t.Kind == schema.KindText && !t.Fixed
}

// outer is the operand as it was written.
func (f folding) outer() Expr {
	if len(f.layers) > 0 {
		return f.layers[0].node
	}
	return f.inner
}

// foldedTerm plans a value that is compared under folds of case.
func (a *analysis) foldedTerm(e Expr, f folding, index *schema.Equality, part PartitionSource) error {
	ok, folded := valueUnder(index, f.by)
	if !ok {
		return a.refuse(e.Pos(), ReasonFunction, index.Of.String(), foldHint)
	}
	if err := a.term(f.inner, index, part); err != nil {
		return err
	}
	a.peel(f)
	if out := a.seals.at(unwrapped(f.inner)); out != nil {
		out.Folded = folded
	}
	return nil
}

// foldElements marks the values of an array.
func (a *analysis) foldElements(e Expr, folded bool) {
	if out := a.seals.at(e); out != nil {
		out.Folded = folded
	}
	es, _ := kids(e)
	for _, k := range es {
		a.foldElements(k, folded)
	}
}
