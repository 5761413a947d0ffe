package config

import (
	"strings"
	"testing"
)

// TestEverySettingOfAnIndexIsComparedByDiff: what decides the bytes of an index may
// not change without next:.
func TestEverySettingOfAnIndexIsComparedByDiff(t *testing.T) {
	const base = `version: 1
service: shop
product: orders
kms: {env: K}
metastore: memory
tables:
  people:
    columns:
      name: {type: varchar(20), search: {equality: {collation: binary}, prefix: {lengths: [3], collation: binary}, suffix: {lengths: [3], collation: binary}, contains: {collation: binary}}}
      code: {type: varchar(4), search: {range: {prefix: 4, collation: binary}}}
      age:  {type: integer, search: {range: default}}
      pay:  {type: "numeric(10,2)", search: {range: {order: revealing}}, accept_leakage: order}
    indexes:
      pair: {columns: [{column: dept, type: integer}, age]}
`
	load := func(text string) *Config {
		t.Helper()
		c, err := Parse("sealsql.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load(base)
	if changes := Diff(before, load(base)); len(changes) != 0 {
		t.Fatal(changes)
	}
	const binary = "equality: {collation: binary}"
	for name, c := range map[string][2]string{
		"form":                    {"range: default", "range: {form: nodes}"},
		"order":                   {"{range: default}", "{range: {order: revealing}}, accept_leakage: order"},
		"prefix of a range":       {"prefix: 4,", "prefix: 5,"},
		"size":                    {"age:  {type: integer", "age:  {type: bigint"},
		"scale":                   {"numeric(10,2)", "numeric(10,3)"},
		"normalize":               {binary, "equality: {collation: binary, normalize: [lower]}"},
		"collation":               {binary, "equality: {collation: ci}"},
		"bits":                    {binary, "equality: {collation: binary, bits: 64}"},
		"group":                   {binary, "equality: {collation: binary, group: names}"},
		"version":                 {binary, "equality: {collation: binary, version: 2}"},
		"scope":                   {binary, "equality: {collation: binary, scope: table}"},
		"column":                  {binary, "equality: {collation: binary, column: other}"},
		"scope of a range":        {"range: default", "range: {scope: table}"},
		"lengths of prefix":       {"prefix: {lengths: [3]", "prefix: {lengths: [3, 5]"},
		"lengths of suffix":       {"suffix: {lengths: [3]", "suffix: {lengths: [4]"},
		"normalize of contains":   {"contains: {collation: binary}", "contains: {collation: binary, normalize: [digits]}"},
		"version of contains":     {"contains: {collation: binary}", "contains: {collation: binary, version: 2}"},
		"bits of several columns": {"pair: {columns", "pair: {bits: 256, columns"},
		"order of columns":        {"[{column: dept, type: integer}, age]", "[age, {column: dept, type: integer}]"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(base, c[0]) {
				t.Fatal("nothing to change")
			}
			for _, change := range Diff(before, load(strings.Replace(base, c[0], c[1], 1))) {
				if change.Effect == Orphans && strings.Contains(change.Remedy, "reindex") {
					return
				}
			}
			t.Error("not noticed")
		})
	}
}
