package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of what is read at all. A file for a thousand tables of ten columns
// stays below a tenth of each. The YAML library needs time quadratic in the
// number of keys and recurses by nesting, so both are bounded before it runs.
const (
	maxFileBytes = 1 << 20
	maxTokens    = 60_000
	maxDepth     = 16
	maxNodes     = 60_000 // after following aliases
	maxErrors    = 50
)

// nodeKind is what a YAML value is.
type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeText
	nodeInt
	nodeFloat
	nodeBool
	nodeList
	nodeMap
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "text", "a number", "a fraction", "true or false", "a list", "a mapping"}[k]
}

// node is a YAML value with its place.
type node struct {
	kind      nodeKind
	text      string // scalars: the text without quotes
	line, col int
	entries   []entry
	items     []*node
}

type entry struct {
	key       string
	line, col int
	value     *node
}

// reader turns the YAML library's tree into nodes.
type reader struct {
	report  func(line, col int, message, suggestion string)
	anchors map[string]*node
	open    map[string]bool // anchors whose value is being read
	count   int
}

// readYAML parses one YAML document whose root is a mapping. It returns nil
// after reporting what is wrong.
func readYAML(data []byte, report func(line, col int, message, suggestion string)) *node {
	if !utf8.Valid(data) {
		line, col := badUTF8(data)
		report(line, col, "not valid UTF-8", "save the file as UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff"))
	if !withinBounds(tokens, report) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, message, suggestion := translate(err)
		report(line, col, message, suggestion)
		return nil
	}
	r := &reader{report: report, anchors: map[string]*node{}, open: map[string]bool{}}
	return r.document(file)
}

func badUTF8(data []byte) (line, col int) {
	line, col = 1, 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
		data = data[n:]
	}
	return line, col
}

func (r *reader) document(file *ast.File) *node {
	var root *node
	for _, doc := range file.Docs {
		if doc == nil || doc.Body == nil {
			continue
		}
		n := r.value(doc.Body, 0)
		if n == nil {
			return nil
		}
		if root != nil {
			r.report(n.line, n.col, "only one YAML document is allowed", "remove the separator")
			return nil
		}
		root = n
	}
	if root == nil {
		r.report(1, 1, "the file is empty", "begin with version: 1")
		return nil
	}
	if root.kind != nodeMap {
		r.report(root.line, root.col, "a mapping is expected here, not "+root.kind.String(), "begin with version: 1")
		return nil
	}
	return root
}

// value converts one value; nil means that it is reported and the file given up.
func (r *reader) value(v ast.Node, depth int) *node {
	n := place(v)
	r.count++
	if depth > maxDepth || r.count > maxNodes {
		r.report(n.line, n.col, "nested too deeply, or too many values", "")
		return nil
	}
	switch v := v.(type) {
	case *ast.MappingNode:
		return r.mapping(n, v.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(n, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		return r.list(n, v, depth)
	case *ast.AnchorNode:
		return r.anchor(n, v, depth)
	case *ast.AliasNode:
		return r.alias(n, v)
	}
	if !scalar(n, v) {
		r.report(n.line, n.col, refusal(v), "")
		return nil
	}
	return n
}

func place(v ast.Node) *node {
	n := &node{line: 1, col: 1}
	if v == nil {
		return n
	}
	if m, ok := v.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		v = m.Values[0].Key // the library names the colon's place otherwise
	}
	if m, ok := v.(*ast.MappingValueNode); ok {
		v = m.Key
	}
	if t := v.GetToken(); t != nil && t.Position != nil {
		n.line, n.col = max(1, t.Position.Line), max(1, t.Position.Column)
	}
	return n
}

// scalar fills n from a scalar node and reports whether v is one.
func scalar(n *node, v ast.Node) bool {
	switch v := v.(type) {
	case *ast.StringNode:
		n.kind, n.text = nodeText, v.Value
	case *ast.LiteralNode:
		n.kind, n.text = nodeText, v.Value.Value
	case *ast.IntegerNode:
		n.kind, n.text = nodeInt, v.Token.Value
	case *ast.FloatNode:
		n.kind, n.text = nodeFloat, v.Token.Value
	case *ast.InfinityNode:
		n.kind, n.text = nodeFloat, v.Token.Value
	case *ast.NanNode:
		n.kind, n.text = nodeFloat, v.Token.Value
	case *ast.BoolNode:
		n.kind, n.text = nodeBool, v.Token.Value
	case *ast.NullNode:
		n.kind = nodeNull
	case nil:
		n.kind = nodeNull
	default:
		return false
	}
	return true
}

func refusal(v ast.Node) string {
	switch v.(type) {
	case *ast.TagNode:
		return "YAML tags are not allowed"
	case *ast.DirectiveNode:
		return "YAML directives are not allowed"
	}
	return "this kind of YAML value is not allowed"
}

func (r *reader) mapping(n *node, values []*ast.MappingValueNode, depth int) *node {
	n.kind = nodeMap
	first := map[string]int{}
	for _, kv := range values {
		e, ok := r.key(kv)
		if !ok {
			return nil
		}
		if e.value = r.value(kv.Value, depth+1); e.value == nil {
			return nil
		}
		if line, twice := first[e.key]; twice {
			r.report(e.line, e.col, fmt.Sprintf("this key is here twice; the first is in line %d", line), "merge the two")
			continue
		}
		first[e.key] = e.line
		n.entries = append(n.entries, e)
	}
	return n
}

func (r *reader) key(kv *ast.MappingValueNode) (entry, bool) {
	k := place(kv.Key)
	e := entry{line: k.line, col: k.col}
	if _, merge := kv.Key.(*ast.MergeKeyNode); merge {
		r.report(e.line, e.col, "merge keys are not allowed", "write the keys out")
		return e, false
	}
	keyNode, ok := kv.Key.(ast.Node)
	if !ok || !scalar(k, keyNode) {
		r.report(e.line, e.col, "a key must be a word", "")
		return e, false
	}
	if k.kind != nodeText {
		r.report(e.line, e.col, "a key must be text, not "+k.kind.String(), "put it in quotes")
		return e, false
	}
	e.key = k.text
	return e, true
}

func (r *reader) list(n *node, v *ast.SequenceNode, depth int) *node {
	n.kind = nodeList
	for _, item := range v.Values {
		i := r.value(item, depth+1)
		if i == nil {
			return nil
		}
		n.items = append(n.items, i)
	}
	return n
}

func (r *reader) anchor(n *node, v *ast.AnchorNode, depth int) *node {
	name := anchorName(v.Name)
	if _, twice := r.anchors[name]; twice || r.open[name] {
		r.report(n.line, n.col, "this anchor is here twice", "give it another name")
		return nil
	}
	r.open[name] = true
	value := r.value(v.Value, depth+1)
	delete(r.open, name)
	if value != nil {
		r.anchors[name] = value
	}
	return value
}

// alias returns the anchor's value at the alias's place. The value is shared,
// not copied; its size counts again, so that aliases of aliases end.
func (r *reader) alias(n *node, v *ast.AliasNode) *node {
	name := anchorName(v.Value)
	target := r.anchors[name]
	if target == nil {
		message := "this alias has no anchor before it"
		if r.open[name] {
			message = "this alias is inside its own anchor"
		}
		r.report(n.line, n.col, message, "")
		return nil
	}
	if r.count += size(target, maxNodes-r.count); r.count > maxNodes {
		r.report(n.line, n.col, "aliases repeat too much", "")
		return nil
	}
	return target
}

func anchorName(v ast.Node) string {
	if v == nil || v.GetToken() == nil {
		return ""
	}
	return v.GetToken().Value
}

// size counts the nodes below n, giving up a little beyond limit.
func size(n *node, limit int) int {
	total := 1
	for _, e := range n.entries {
		if total > limit {
			return total
		}
		total += size(e.value, limit-total)
	}
	for _, i := range n.items {
		if total > limit {
			return total
		}
		total += size(i, limit-total)
	}
	return total
}
