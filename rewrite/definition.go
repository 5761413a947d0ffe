package rewrite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// What an index column holds depends on the configuration under which it was
// filled, and a search under another one finds nothing without an error (threats
// T20, T22). So the guard of an index says under which it is filled:
//
//	CHECK (("email" IS NULL) = ("email_bidx" IS NULL) AND 'sealsql:1;kind=equality;…' <> '')
//
// It is found wherever the table goes, and goes when the table is dropped. A guard
// without it, from before there were definitions, is a guard still.

// definitionMark begins a definition; the number counts the forms of it.
const definitionMark = "sealsql:1;"

// maxDefinition bounds what is read of one.
const maxDefinition = 1000

// IndexDefinition is everything that decides what an index column holds: fields
// "name=value", joined by semicolons, of lower-case letters, digits and .,/~_-.
// Names that the configuration chooses freely (groups, constant partitions) are the
// first 8 bytes of their SHA-256: a definition keeps nothing secret, it only has no
// quotes and does not name tables. It holds no value and no key.
func IndexDefinition(d Dialect, x schema.Index) string {
	w := &definitionText{b: []byte(definitionMark)}
	switch x := x.(type) {
	case *schema.Equality:
		w.field("kind", "equality")
		w.field("values", equalityValues(d, x.Of.Type))
		w.field("normalize", steps(x.Steps()))
		w.number("bits", x.Bits)
		w.name("group", x.Group)
		w.number("version", x.Version)
	case *schema.Fragments:
		w.field("kind", x.Kind.String())
		letters := make([]string, len(x.Lengths))
		for i, n := range x.Lengths {
			letters[i] = strconv.Itoa(n)
		}
		w.field("letters", strings.Join(letters, ","))
		w.field("normalize", steps(x.Normalize))
		w.name("group", x.Of.ID)
		w.number("version", x.Version)
	case *schema.Range:
		w.field("kind", "range")
		w.field("order", [...]string{schema.OrderHidden: "hidden", schema.OrderRevealing: "revealing"}[x.Order])
		if x.Order == schema.OrderHidden {
			w.field("form", formWords[x.Form])
		}
		w.field("values", rangeValues(d, x))
		w.name("group", x.Group)
		w.number("version", x.Version)
	case *schema.Compound:
		w.field("kind", "compound")
		w.field("columns", strconv.Itoa(len(x.Parts))+hashed(strings.Join(x.Steps(), "\x00")))
		w.number("bits", x.Bits)
		w.name("group", x.Group())
		w.number("version", x.Version)
	}
	w.scope(x)
	return string(w.b)
}

var formWords = [...]string{schema.FormPath: "path", schema.FormNodes: "nodes"}

type definitionText struct{ b []byte }

func (w *definitionText) field(name, value string) {
	if w.b[len(w.b)-1] != ';' {
		w.b = append(w.b, ';')
	}
	w.b = append(append(append(w.b, name...), '='), value...)
}

func (w *definitionText) number(name string, n int) { w.field(name, strconv.Itoa(n)) }

// name writes a name that may hold anything.
func (w *definitionText) name(field, value string) { w.field(field, hashed(value)) }

func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "~" + hex.EncodeToString(sum[:8])
}

// scope says which values have one key.
func (w *definitionText) scope(x schema.Index) {
	if x.AllPartitions() {
		w.field("scope", "table")
		return
	}
	w.field("scope", "partition")
	switch p := x.Column().Table.Partition; p.Kind {
	case schema.PartitionConst:
		w.field("partition", "const"+hashed(p.Const))
	case schema.PartitionContext:
		w.field("partition", "context")
	case schema.PartitionColumn:
		w.field("partition", "column/"+plain(p.Type.Kind.String()))
	}
}

// plain writes words without blanks.
func plain(words string) string { return strings.ReplaceAll(words, " ", "-") }

func steps(list []schema.Normalizer) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strings.ToLower(strings.ReplaceAll(string(n), ":", "."))
	}
	return strings.Join(words, ",")
}

// equalityValues is what of a type decides which values are equal.
func equalityValues(d Dialect, t schema.Type) string {
	switch {
	case t.Kind == schema.KindText && t.Fixed && d != SQLite:
		return "text/fixed" // without the blanks at the end
	case t.Kind == schema.KindBytes && t.Fixed && d == MySQL:
		return fmt.Sprintf("bytes/%d", t.Length) // with zeros at the end
	case t.Kind == schema.KindFloat && d != SQLite:
		return "float/" + plain(t.Base)
	}
	return plain(t.Kind.String())
}

// rangeValues names the form of values that are compared by order, as package
// internal/order does.
func rangeValues(d Dialect, r *schema.Range) string {
	t := r.Of.Type
	switch t.Kind {
	case schema.KindText, schema.KindBytes:
		return fmt.Sprintf("text/%d", r.Prefix)
	case schema.KindInt:
		if d != SQLite {
			return fmt.Sprintf("integer/%d/%t", RangeLevels(d, r)/2, t.Unsigned)
		}
	case schema.KindNumeric:
		if d != SQLite {
			return fmt.Sprintf("numeric/%d/%d", t.Precision, t.Scale)
		}
	case schema.KindDate, schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		if d == SQLite {
			return fmt.Sprintf("text/%d", RangeLevels(d, r)/2-1)
		}
	}
	return plain(t.Kind.String())
}

// withDefinition adds the definition of an index to the condition of its guard.
func withDefinition(d Dialect, guard string, x schema.Index) string {
	return guard + " AND '" + IndexDefinition(d, x) + "' <> ''"
}

// cutDefinition takes the definition out of a guard, as the engine prints it:
// guard is the condition before it, definition empty where there is none. What
// stands behind it may be casts, an empty string and PostgreSQL's NOT VALID; a check
// with anything else is not cut.
func cutDefinition(check string) (guard, definition string) {
	at := strings.Index(check, definitionMark)
	if at < 0 {
		return check, ""
	}
	end := at
	for end < len(check) && end < at+maxDefinition && definitionByte(check[end]) {
		end++
	}
	before := strings.TrimRight(strings.ToLower(check[:at]), `'\( `)
	if i := strings.LastIndexAny(before, " ("); i >= 0 && strings.HasPrefix(before[i+1:], "_") { // MySQL: the character set of the text
		before = strings.TrimRight(before[:i], "( ")
	}
	before, joined := strings.CutSuffix(before, "and")
	behind := strings.ToLower(check[end:])
	if !joined || !strings.Contains(behind, "<>") || slices.ContainsFunc(guardWords(behind), strangeWord) {
		return check, ""
	}
	return before, check[at:end]
}

// strangeWord reports a word that no engine prints behind a definition.
func strangeWord(w string) bool {
	return w != "text" && w != "not" && w != "valid" && !strings.HasPrefix(w, "_")
}

func definitionByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(".,/~_-:;=", c) >= 0
}

// StoredDefinition is the definition that the guard of an index states; ok is false
// where the table has no guard of it, or one that states none.
func StoredDefinition(r *SnapshotRelation, x schema.Index) (definition string, ok bool) {
	for _, chk := range r.Checks {
		if _, def := cutDefinition(chk); def != "" && isIndexGuard(chk, x) {
			return def, true
		}
	}
	return "", false
}

// Redefinition is an index whose guard states another definition than the
// configuration: it was filled under that one, and a search would find nothing.
type Redefinition struct {
	Index schema.Index
	// Stored and Configured are the fields of the definitions that differ.
	Stored, Configured string
}

// Redefinitions lists those of the snapshot's annotated tables.
func Redefinitions(d Dialect, snap *Snapshot, annotations *schema.Catalog) []Redefinition {
	var out []Redefinition
	eachIndex(snap, annotations, func(r *SnapshotRelation, x schema.Index) {
		if p := redefined(d, r, x); p != nil {
			out = append(out, *p)
		}
	})
	return out
}

// eachIndex calls fn with the indexes that statements on annotated tables write,
// table by table.
func eachIndex(snap *Snapshot, annotations *schema.Catalog, fn func(*SnapshotRelation, schema.Index)) {
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || t.Rebuilds != nil || r.Temp || r.Kind != RelTable && r.Kind != RelPartitioned {
			continue
		}
		for _, c := range t.Columns {
			for _, x := range c.Indexes() {
				if r.has(c.Name) {
					fn(r, x)
				}
			}
		}
	}
}

func redefined(d Dialect, r *SnapshotRelation, x schema.Index) *Redefinition {
	stored, ok := StoredDefinition(r, x)
	want := IndexDefinition(d, x)
	if !ok || stored == want {
		return nil
	}
	was, is := differing(stored, want)
	return &Redefinition{x, was, is}
}

const definitionHint = "write into the configuration what is stored; to change it, declare the new definition as next: and run sealsql reindex"

func (p *Redefinition) problem() string {
	return "the search index was filled with " + p.Stored + ", and the configuration has " + p.Configured + ": a search would find nothing"
}

func (p *Redefinition) finding() Finding {
	return Finding{p.Index.Column().Table.Name + "." + p.Index.Physical(), p.problem(), definitionHint}
}

// differing says in which fields two definitions differ: those of each that the
// other lacks or has otherwise.
func differing(stored, configured string) (was, is string) {
	a, b := definitionFields(stored), definitionFields(configured)
	only := func(a, b []string) string {
		var out []string
		for _, f := range a {
			if slices.Contains(b, f) {
				continue
			}
			if name, value, _ := strings.Cut(f, "="); value == "" {
				f = "no " + name
			}
			out = append(out, f)
		}
		if len(out) == 0 {
			return "another definition"
		}
		return strings.Join(out, ", ")
	}
	return only(a, b), only(b, a)
}

func definitionFields(def string) []string {
	return strings.Split(strings.TrimPrefix(def, definitionMark), ";")
}

// UndefinedIndex is an index of which no guard says with which settings it was
// filled.
type UndefinedIndex struct {
	Table RelationID
	Index schema.Index
}

// UndefinedIndexes lists those that statements of the snapshot's annotated tables
// search, where the table has the index column.
func UndefinedIndexes(snap *Snapshot, annotations *schema.Catalog) []UndefinedIndex {
	var out []UndefinedIndex
	eachIndex(snap, annotations, func(r *SnapshotRelation, x schema.Index) {
		if _, ok := StoredDefinition(r, x); !ok && r.has(x.Physical()) && !x.Column().Moving(x) {
			out = append(out, UndefinedIndex{r.ID, x})
		}
	})
	return out
}
