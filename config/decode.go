package config

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// The decoder fills the structs of file.go from nodes, strictly: a key that no
// field has, a value of another type, a word outside the list are errors. The
// fields' tags are the whole vocabulary, and jsonschema.go makes the published
// JSON Schema of the same tags:
//
//	yaml:"name"      the key
//	required:"true"  the key must be there
//	default:"60m"    the value of an absent key
//	enum:"a b"       the words that a text may be
//	min:"1" max:"9"  the bounds of a number or duration
//	secret:"true"    never quoted, not even in part
//	doc:"…"          what the key is, for the JSON Schema

// oneWord is implemented by structs that may be written as a single word.
type oneWord interface {
	// words lists the words.
	words() []string
	// setWord makes the value that the word stands for.
	setWord(string)
}

// checked is implemented by structs that check what tags cannot say.
type checked interface {
	check(d *decoder, p path)
}

// later is implemented by structs whose vocabulary will grow: it explains keys
// that a later version or another edition of the documentation has.
type later interface {
	later() map[string]string
}

// instead is implemented by structs that know what a wrong key was meant to be.
type instead interface {
	instead() map[string]string
}

// scalarValue is implemented by types that one scalar spells.
type scalarValue interface {
	// set reads the text; problem is empty when it is fine.
	set(text string) (problem, suggestion string)
}

// shortName is implemented by structs that a name can stand for.
type shortName interface{ setName(string) }

// named is an ordered mapping with keys that the user chooses.
type named[V any] []namedEntry[V]

type namedEntry[V any] struct {
	Key   string
	Value V
}

// path is a place in the file.
type path string

func (p path) key(k string) path {
	if p == "" {
		return path(k)
	}
	return p + "." + path(k)
}

// secret reports whether the values below p may be secrets.
func (p path) secret() bool {
	top, _, _ := strings.Cut(string(p), ".")
	return secretSections[top]
}

type position struct{ line, col int }

type decoder struct {
	out     func(line, col int, p path, message, suggestion string)
	reports int
	values  map[path]position
	keys    map[path]position
}

func (d *decoder) report(line, col int, p path, message, suggestion string) {
	d.reports++
	d.out(line, col, p, message, suggestion)
}

// at reports a fault of the value at p, or of the nearest place above it.
func (d *decoder) at(p path, message, suggestion string) {
	pos := d.find(p)
	d.report(pos.line, pos.col, p, message, suggestion)
}

func (d *decoder) find(p path) position {
	for q := p; ; {
		if pos, ok := d.values[q]; ok {
			return pos
		}
		i := strings.LastIndexByte(string(q), '.')
		if i < 0 {
			return position{1, 1}
		}
		q = q[:i]
	}
}

// atKey reports a fault of the key at p.
func (d *decoder) atKey(p path, message, suggestion string) {
	if pos, ok := d.keys[p]; ok {
		d.report(pos.line, pos.col, p, message, suggestion)
		return
	}
	d.at(p, message, suggestion)
}

// fill decodes n into v, which is addressable.
func (d *decoder) fill(n *node, v reflect.Value, p path, tag reflect.StructTag) {
	if _, seen := d.values[p]; !seen {
		d.values[p] = position{n.line, n.col}
	}
	if n.kind == nodeNull {
		d.report(n.line, n.col, p, "a value is missing", missing(v.Type()))
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
		setDefaults(v)
	}
	if s, ok := v.Addr().Interface().(scalarValue); ok {
		d.scalar(n, s, p, tag)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, p)
	case reflect.Slice:
		d.slice(n, v, p)
	case reflect.String:
		d.text(n, v, p, tag)
	case reflect.Int:
		d.number(n, v, p, tag)
	case reflect.Bool:
		d.boolean(n, v, p)
	default:
		panic("config: no decoder for " + v.Type().String())
	}
}

// missing says what a key without a value is waiting for.
func missing(t reflect.Type) string {
	if w, ok := reflect.New(deref(t)).Interface().(oneWord); ok {
		choices := w.words()
		if keys := keysOf(deref(t)); len(keys) > 0 {
			choices = append(choices, "a mapping of "+strings.Join(keys, ", "))
		}
		return "write " + strings.Join(choices, " or ")
	}
	return "write one, or remove the key"
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func (d *decoder) scalar(n *node, s scalarValue, p path, tag reflect.StructTag) {
	if n.kind == nodeMap || n.kind == nodeList {
		d.report(n.line, n.col, p, "one value is expected here, not "+n.kind.String(), "")
		return
	}
	if problem, suggestion := s.set(n.text); problem != "" {
		d.report(n.line, n.col, p, problem, suggestion)
		return
	}
	if t, ok := s.(*duration); ok && !t.within(tag) {
		d.report(n.line, n.col, p, "the time must be from "+tag.Get("min")+" to "+tag.Get("max"), "")
	}
}

func (d *decoder) structure(n *node, v reflect.Value, p path) {
	if w, ok := v.Addr().Interface().(oneWord); ok && n.kind != nodeMap {
		d.word(n, w, p)
		return
	}
	if s, ok := v.Addr().Interface().(shortName); ok && n.kind == nodeText && n.text != "" {
		s.setName(n.text)
		return
	}
	if n.kind != nodeMap {
		d.report(n.line, n.col, p, "a mapping is expected here, not "+n.kind.String(), "its keys: "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	before := d.reports
	if d.fields(n, v, p); d.reports > before {
		return // what is checked next would only repeat it
	}
	if c, ok := v.Addr().Interface().(checked); ok {
		c.check(d, p)
	}
}

func (d *decoder) word(n *node, w oneWord, p path) {
	words := w.words()
	for _, known := range words {
		if n.kind == nodeText && n.text == known {
			w.setWord(known)
			return
		}
	}
	expected := strings.Join(words, ", ")
	if keys := keysOf(reflect.TypeOf(w).Elem()); len(keys) > 0 {
		expected += ", or a mapping of " + strings.Join(keys, ", ")
	}
	message, suggestion := "this word is not known here", "expected "+expected
	if n.kind != nodeText {
		message = "a word or a mapping is expected here, not " + n.kind.String()
	} else if near := schema.Nearest(n.text, words); near != "" {
		suggestion = "did you mean " + near + "?"
	} else if e, ok := w.(interface{ wrongWord(string) string }); ok {
		if s := e.wrongWord(n.text); s != "" {
			suggestion = s
		}
	}
	d.report(n.line, n.col, p, message, suggestion)
}

func (d *decoder) fields(n *node, v reflect.Value, p path) {
	t := v.Type()
	seen := map[string]bool{}
	for _, e := range n.entries {
		f, ok := fieldOf(t, e.key)
		if !ok {
			d.unknown(e, v, p)
			continue
		}
		seen[e.key] = true
		q := p.key(e.key)
		d.keys[q] = position{e.line, e.col}
		d.fill(e.value, v.FieldByIndex(f.Index), q, f.Tag)
	}
	for _, f := range settings(t) {
		if key := f.Tag.Get("yaml"); f.Tag.Get("required") == "true" && !seen[key] {
			d.report(n.line, n.col, p, "the key "+key+" is missing", firstSentence(f.Tag.Get("doc")))
		}
	}
}

func firstSentence(doc string) string {
	first, _, _ := strings.Cut(doc, ". ")
	return strings.TrimSuffix(first, ".")
}

// unknown reports a key that no field has. Keys in places that may hold
// secrets are not repeated.
func (d *decoder) unknown(e entry, v reflect.Value, p path) {
	target, keys := v.Addr().Interface(), keysOf(v.Type())
	at := p.key(e.key)
	if p.secret() {
		at = p
	}
	if i, ok := target.(instead); ok && i.instead()[e.key] != "" {
		d.report(e.line, e.col, at, "unknown key", i.instead()[e.key])
		return
	}
	if l, ok := target.(later); ok && l.later()[e.key] != "" {
		d.report(e.line, e.col, p.key(e.key), "not supported in this version", l.later()[e.key])
		return
	}
	suggestion := "its keys: " + strings.Join(keys, ", ")
	if near := schema.Nearest(e.key, keys); near != "" {
		suggestion = "did you mean " + near + "?"
	}
	d.report(e.line, e.col, at, "unknown key", suggestion)
}

// slice reads a list, or a mapping with free keys.
func (d *decoder) slice(n *node, v reflect.Value, p path) {
	elem := v.Type().Elem()
	if isNamedEntry(elem) {
		d.named(n, v, p)
		return
	}
	if n.kind != nodeList {
		d.report(n.line, n.col, p, "a list is expected here, not "+n.kind.String(), "write - name in lines of their own, or [a, b]")
		return
	}
	for i, item := range n.items {
		e := reflect.New(elem).Elem()
		d.fill(item, e, p.key(strconv.Itoa(i)), "")
		v.Set(reflect.Append(v, e))
	}
}

// isNamedEntry reports an element of named.
func isNamedEntry(elem reflect.Type) bool {
	return elem.Kind() == reflect.Struct && elem.NumField() == 2 && elem.Field(0).Name == "Key"
}

func (d *decoder) named(n *node, v reflect.Value, p path) {
	if n.kind != nodeMap {
		d.report(n.line, n.col, p, "a mapping of names is expected here, not "+n.kind.String(), "write name: …")
		return
	}
	for _, e := range n.entries {
		q := p.key(e.key)
		d.keys[q] = position{e.line, e.col}
		entry := reflect.New(v.Type().Elem()).Elem()
		entry.Field(0).SetString(e.key)
		setDefaults(entry.Field(1))
		d.fill(e.value, entry.Field(1), q, "")
		v.Set(reflect.Append(v, entry))
	}
}

// keysOf lists the keys of a struct in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range settings(t) {
		keys = append(keys, f.Tag.Get("yaml"))
	}
	return keys
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, f := range settings(t) {
		if f.Tag.Get("yaml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// settings are the fields of a struct that have a key, with those of structs
// that are embedded in it, in order.
func settings(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("yaml") != "" {
			out = append(out, f)
		}
	}
	return out
}
