package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sealsql/sealsql/config"
)

const published = "../docs/schema/sealsql.schema.json"

func TestThePublishedSchemaIsTheOneOfTheTypes(t *testing.T) {
	want := config.JSONSchema()
	if *update {
		if err := os.WriteFile(published, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: run go test ./config -update", published)
	}
}

func validator(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(config.JSONSchema(), &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheSchemaAcceptsGoodFiles(t *testing.T) {
	r := validator(t)
	for _, f := range glob(t, "testdata/good/*.yaml") {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			v, err := decoded(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Validate(v); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

// decoded reads YAML as an editor does, into what JSON can hold.
func decoded(text []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	err = json.Unmarshal(b, &out)
	return out, err
}

// Every bad case says what the schema makes of it: refuses, accepts (what is
// wrong is beyond a schema), or unreadable (it never gets to see it).
func TestTheSchemaAndParseAgree(t *testing.T) {
	r := validator(t)
	for name, c := range badCases(t) {
		t.Run(name, func(t *testing.T) {
			want := strings.TrimSpace(string(c.section(t, "schema").Data))
			switch want {
			case "refuses", "accepts":
				v, err := decoded(c.section(t, "sealsql.yaml").Data)
				if err != nil {
					t.Fatalf("the YAML library refuses it: %v", err)
				}
				if err := r.Validate(v); (err != nil) != (want == "refuses") {
					t.Errorf("the schema's answer is %v, want that it %s", err, want)
				}
			case "unreadable":
			default:
				t.Fatalf("unknown word %q in section schema", want)
			}
		})
	}
}
