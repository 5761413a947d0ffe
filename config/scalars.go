package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

func (d *decoder) text(n *node, v reflect.Value, p path, tag reflect.StructTag) {
	if words := tag.Get("enum"); n.kind != nodeText && words != "" {
		d.report(n.line, n.col, p, "a word is expected here, not "+n.kind.String(), "expected "+strings.Join(strings.Fields(words), ", "))
		return
	}
	if n.kind != nodeText {
		suggestion := ""
		if n.kind == nodeInt || n.kind == nodeFloat || n.kind == nodeBool {
			suggestion = "put it in quotes"
		}
		d.report(n.line, n.col, p, "text is expected here, not "+n.kind.String(), suggestion)
		return
	}
	words := strings.Fields(tag.Get("enum"))
	for _, w := range words {
		if n.text == w {
			words = nil
		}
	}
	if len(words) == 0 {
		v.SetString(n.text)
		return
	}
	if why := tag.Get("later"); why != "" && strings.Contains(" "+why+" ", " "+n.text+" ") {
		d.report(n.line, n.col, p, "this is not supported in this version", "expected "+strings.Join(words, ", "))
		return
	}
	suggestion := "expected " + strings.Join(words, ", ")
	if near := schema.Nearest(n.text, words); near != "" {
		suggestion = "did you mean " + near + "?"
	}
	d.report(n.line, n.col, p, "this word is not known here", suggestion)
}

func (d *decoder) number(n *node, v reflect.Value, p path, tag reflect.StructTag) {
	low, high := bounds(tag)
	if n.kind != nodeInt {
		d.report(n.line, n.col, p, "a number is expected here, not "+n.kind.String(), "")
		return
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || strconv.FormatInt(i, 10) != n.text {
		d.report(n.line, n.col, p, "a plain decimal number is expected here", "write it without leading zeros, signs, prefixes or underscores")
		return
	}
	if i != low && low == high {
		d.report(n.line, n.col, p, fmt.Sprintf("the number must be %d", low), "")
		return
	}
	if i < low || i > high {
		d.report(n.line, n.col, p, fmt.Sprintf("the number must be from %d to %d", low, high), "")
		return
	}
	v.SetInt(i)
}

// bounds are min and max of a number's tag.
func bounds(tag reflect.StructTag) (low, high int64) {
	low, high = 0, 1<<31-1
	if s := tag.Get("min"); s != "" {
		low = mustInt(s)
	}
	if s := tag.Get("max"); s != "" {
		high = mustInt(s)
	}
	return low, high
}

func mustInt(s string) int64 {
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("config: wrong tag " + s)
	}
	return i
}

func (d *decoder) boolean(n *node, v reflect.Value, p path) {
	if n.kind != nodeBool || n.text != "true" && n.text != "false" {
		d.report(n.line, n.col, p, "true or false is expected here", "")
		return
	}
	v.SetBool(n.text == "true")
}
