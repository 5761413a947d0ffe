package config

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// refined is implemented by structs whose JSON Schema says more than tags can.
type refined interface {
	refine(s map[string]any)
}

// JSONSchema returns the JSON Schema (draft 7, which editors know best) of
// sealsql.yaml, made of the same Go types that read the file. Parse accepts
// nothing that the schema refuses; the schema accepts some files that Parse
// refuses, for it knows neither types' spellings nor what names refer to.
func JSONSchema() []byte {
	s := schemaOf(reflect.TypeFor[file](), "")
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "sealsql.yaml"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // maps of strings, numbers and lists
	}
	return append(b, '\n')
}

func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := shape(t, tag)
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	if text, ok := tag.Lookup("default"); ok {
		s["default"] = defaultValue(t, text)
	}
	return s
}

// defaultValue gives a default the JSON type that the YAML value has.
func defaultValue(t reflect.Type, text string) any {
	switch {
	case t == reflect.TypeFor[metastoreSection]():
		return map[string]any{"sql": text}
	case t.Kind() == reflect.Int:
		if t != reflect.TypeFor[duration]() {
			return mustInt(text)
		}
	case t.Kind() == reflect.Bool:
		return text == "true"
	}
	return text
}

func shape(t reflect.Type, tag reflect.StructTag) map[string]any {
	switch reflect.New(t).Interface().(type) {
	case *duration:
		return map[string]any{"type": "string", "pattern": `^([0-9]+(ms|s|m|h|d|w))+$`}
	case *padding:
		return map[string]any{"anyOf": []any{map[string]any{"enum": paddingWords()}, map[string]any{"enum": blockSizes()}}}
	case *threshold:
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": `^(none|[1-9][0-9]{1,9})$`},
			map[string]any{"type": "integer", "minimum": schema.MinCompress, "maximum": schema.MaxCompress},
		}}
	case *constant:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	case *auditWord:
		return map[string]any{"enum": auditWords}
	case *formWord:
		return map[string]any{"enum": schema.ReadWords()}
	case *moment:
		return map[string]any{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$`}
	case *declaration:
		return map[string]any{"enum": []string{"clear"}}
	case *viewColumn:
		return map[string]any{"type": "string", "pattern": viewColumnPattern}
	case *normalizer:
		return map[string]any{"enum": schema.Normalizers}
	case *typeName:
		return map[string]any{
			"type": "string", "minLength": 1, "maxLength": 128,
			"examples": []string{"text", "varchar(40)", "bigint", "numeric(10,2)", "boolean", "date", "timestamp(3)", "timestamptz", "uuid", "json", "bytes"},
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structShape(t)
	case reflect.Slice:
		return listShape(t)
	case reflect.String:
		return textShape(tag)
	case reflect.Int:
		low, high := bounds(tag)
		return map[string]any{"type": "integer", "minimum": low, "maximum": high}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	panic("config: no schema for " + t.String())
}

// blockSizes are the paddings that are numbers.
func blockSizes() []int {
	var all []int
	for n := schema.MinPad; n <= schema.MaxPad; n *= 2 {
		all = append(all, n)
	}
	return all
}

func textShape(tag reflect.StructTag) map[string]any {
	s := map[string]any{"type": "string"}
	if words := strings.Fields(tag.Get("enum")); len(words) > 0 {
		return map[string]any{"enum": words}
	}
	if tag.Get("required") == "true" {
		s["minLength"] = 1
	}
	return s
}

func listShape(t reflect.Type) map[string]any {
	elem := t.Elem()
	if !isNamedEntry(elem) {
		return map[string]any{"type": "array", "items": schemaOf(elem, "")}
	}
	return map[string]any{"type": "object", "additionalProperties": schemaOf(elem.Field(1).Type, "")}
}

func structShape(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range settings(t) {
		key := f.Tag.Get("yaml")
		properties[key] = schemaOf(f.Type, f.Tag)
		if f.Tag.Get("required") == "true" {
			required = append(required, key)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	v := reflect.New(t).Interface()
	if r, ok := v.(refined); ok {
		r.refine(s)
	}
	if _, ok := v.(shortName); ok {
		return map[string]any{"anyOf": []any{map[string]any{"type": "string", "minLength": 1}, s}}
	}
	if w, ok := v.(oneWord); ok {
		return map[string]any{"anyOf": []any{map[string]any{"enum": w.words()}, s}}
	}
	return s
}

// property returns the schema of one key of an object's schema.
func property(s map[string]any, key string) map[string]any {
	return s["properties"].(map[string]any)[key].(map[string]any)
}

// requires is a schema that asks for keys.
func requires(keys ...string) map[string]any { return map[string]any{"required": keys} }

const (
	variablePattern = `^[A-Za-z_][A-Za-z0-9_]{0,127}$`
	tablePattern    = `^[A-Za-z_][A-Za-z0-9_]{0,62}$`
	namePattern     = `^[^.]+(\.[^.]+)?$`
)

func (*file) refine(s map[string]any) {
	tables := property(s, "tables")
	tables["propertyNames"] = map[string]any{"pattern": namePattern}
	tables["minProperties"] = 1
	property(s, "views")["propertyNames"] = map[string]any{"pattern": namePattern}
	property(s, "clear_tables")["items"] = map[string]any{"type": "string", "pattern": namePattern}
	for _, key := range []string{"service", "product"} {
		property(s, key)["maxLength"] = maxIdentity
	}
}

func (*kmsSection) refine(s map[string]any) {
	s["minProperties"], s["maxProperties"] = 1, 1
	property(s, "env")["pattern"] = variablePattern
	property(s, "file")["minLength"] = 1
}

func (*staticSection) refine(s map[string]any) {
	s["properties"].(map[string]any)["insecure"] = map[string]any{"const": true, "description": property(s, "insecure")["description"]}
}

func (*metastoreSection) refine(s map[string]any) { s["minProperties"], s["maxProperties"] = 1, 1 }

func (*sqlSection) refine(s map[string]any) {
	property(s, "dsn_env")["pattern"] = variablePattern
	property(s, "table")["pattern"] = tablePattern
	s["not"] = requires("dsn", "dsn_env")
}

func (*tableSection) refine(s map[string]any) { property(s, "columns")["minProperties"] = 1 }

func (*partitionSection) refine(s map[string]any) {
	property(s, "column")["minLength"] = 1
	property(s, "const")["minLength"] = 1
	s["oneOf"] = []any{requires("column", "type"), requires("const")}
	s["dependencies"] = map[string]any{"type": []string{"column"}}
}

func (*columnSection) refine(s map[string]any) {
	property(s, "id")["minLength"] = 1
	property(s, "id")["maxLength"] = 200
}
