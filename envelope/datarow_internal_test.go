package envelope

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// dataRowSeeds are records as they are written here and elsewhere, and inputs at
// the edge of what JSON allows.
var dataRowSeeds = []string{
	`{"Key":{"Created":1795310797,"Key":"AAAA","ParentKeyMeta":{"KeyId":"_IK_p_s_p","Created":1795310760}},"Data":"AAAA"}`,
	`{"Data":"AAAA","Key":{"ParentKeyMeta":{"Created":1795310760,"KeyId":"_IK_p_s_p"},"Key":"AAAA","Created":1795310797}}`,
	" {\t\"Key\" : {\r\n\"Created\":1 , \"Key\" : \"\" } , \"Data\" : \"\" } \n",
	`{"Key":{"Revoked":null,"Created":1,"Key":"AAAA"},"Data":"AAAA"}`,
	`{"Key":{"Revoked":false,"Created":1,"Key":"AAAA"},"Data":"AAAA"}`,
	`{"Key":{"Revoked":true,"Created":1,"Key":"AAAA"},"Data":"AAAA"}`,
	`{"Key":null,"Data":null}`, `{"Key":{},"Data":"AAAA"}`, `{}`, `null`, `[]`, `"x"`, `1`, ``, `{`, `{}x`, `{}{}`,
	`{"key":{"created":1,"KEY":"AAAA"},"dATA":"AAAA"}`, "{\"\u212aey\":{\"Created\":1}}",
	`{"Data":"AAAA","Data":"BBBB"}`, `{"Key":{"Created":1},"Key":{"Revoked":true}}`, `{"Data":"AAAA","Data":null}`,
	`{"Key":{"ParentKeyMeta":{"KeyId":"a","KeyId":"b"}}}`, `{"Key":{"ParentKeyMeta":null}}`,
	`{"Key":{"ParentKeyMeta":{"KeyId":"\u003ca\u0026\ud83d\ude00\u2028\/\n"}}}`, `{"Key":{"ParentKeyMeta":{"KeyId":"\ud83d"}}}`,
	`{"Data":"\u0041A\u0041A"}`, `{"Data":"AA\nAA"}`, "{\"Data\":\"AA\nAA\"}", `{"Data":"AA=="}`, `{"Data":"AB=="}`, `{"Data":"A"}`, `{"Data":"A-_A"}`,
	`{"Data":"AA======"}`, `{"Data":"=AAA"}`, `{"Data":[1,2]}`, `{"Data":5}`,
	`{"Other":[1,{"x":null}],"Data":"AAAA"}`, `{"Other":"x\ty","N":-0,"M":1.5e3,"L":true,"Data":"AAAA"}`, `{"Data":"AAAA","Other":tru}`,
	`{"D\u0061ta":"AAAA"}`, `{"Key":{"Created":1e3}}`, `{"Key":{"Created":-1}}`, `{"Key":{"Created":01}}`, `{"Key":{"Created":-}}`,
	`{"Key":{"Created":9223372036854775807}}`, `{"Key":{"Created":99999999999999999999}}`, `{"Key":{"Created":"1"}}`,
	"{\"Key\":{\"ParentKeyMeta\":{\"KeyId\":\"\xff\"}}}", "{\"Key\":{\"ParentKeyMeta\":{\"KeyId\":\"é\"}}}", "\xff",
	`{"Key":{"SealsqlState":5,"sealsqlstate":"x"}}`, `{"Data":"AAAA",}`, `{,}`, `{"Data" "AAAA"}`, `{"Key":{"Created":1}}]`,
	`{"Created":1,"Key":"AAAA","SealsqlState":"AA=="}`, `{"Created":1,"Key":"AAAA","SealsqlState":"AA==","SealsqlState":""}`,
	`{"Created":1,"Key":"AAAA","ParentKeyMeta":{"KeyId":"_SK_s_p","Created":1}}`,
}

// The scanner agrees with encoding/json wherever it does not give up, in what it
// accepts and in what it reads.
func FuzzDataRow(f *testing.F) {
	for _, s := range dataRowSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var j dataRowJSON
		err := json.Unmarshal(b, &j)
		want := j.record()
		if v, ok := scanDataRow(b); ok {
			if got, ok := v.record(); ok && (err != nil || !reflect.DeepEqual(got, want)) {
				t.Fatalf("scanner reads %#v, encoding/json %#v, %v", got, want, err)
			}
		}
		var got DataRowRecord
		if e := got.UnmarshalJSON(b); (e == nil) != (err == nil) || e == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("read %#v, %v; encoding/json %#v, %v", got, e, want, err)
		} else if e != nil {
			if !errors.Is(e, ErrTampered) {
				t.Fatalf("untyped error %v", e)
			}
			return
		}
		out, err := got.MarshalJSON()
		if err != nil || !json.Valid(out) {
			t.Fatalf("written as %s, %v", out, err)
		}
		var again DataRowRecord
		if err := again.UnmarshalJSON(out); err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%#v becomes %#v, %v", got, again, err)
		}
	})
}

// The same for key rows.
func FuzzKeyRow(f *testing.F) {
	for _, s := range dataRowSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := scanKeyRow(b)
		if !ok {
			return
		}
		var got KeyRecord
		if !got.scanned(&v) {
			return
		}
		var j keyRecordJSON
		if err := json.Unmarshal(b, &j); err != nil {
			t.Fatalf("scanner reads %#v, encoding/json: %v", got, err)
		}
		want := KeyRecord{Meta: KeyMeta{Created: j.Created}, Revoked: j.Revoked, Key: j.Key, State: j.State}
		if p := j.ParentKeyMeta; p != nil {
			want.Parent = &KeyMeta{p.ID, p.Created}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("scanner reads %#v, encoding/json %#v", got, want)
		}
	})
}

// What is written in practice is read in one pass, whoever wrote it.
func TestScannerKnowsRecordsOfOtherWriters(t *testing.T) {
	for name, text := range map[string]string{
		"Go":                dataRowSeeds[0],
		"other order":       dataRowSeeds[1],
		"indented":          "{\n  \"Key\": {\n    \"Created\": 1,\n    \"Key\": \"AAAA\",\n    \"ParentKeyMeta\": {\n      \"KeyId\": \"k\",\n      \"Created\": 2\n    }\n  },\n  \"Data\": \"AAAA\"\n}\n",
		"Revoked null":      strings.Replace(dataRowSeeds[0], `"Created":1795310797`, `"Revoked":null,"Created":1795310797`, 1),
		"Revoked false":     strings.Replace(dataRowSeeds[0], `"Created":1795310797`, `"Created":1795310797,"Revoked":false`, 1),
		"escaped base64":    strings.Replace(dataRowSeeds[0], `"AAAA"`, `"A\u002b\/\u002B"`, 1),
		"escaped key id":    strings.Replace(dataRowSeeds[0], `_IK_p`, `_IK_\u003cp\u003e\"é`, 1),
		"members not known": strings.Replace(dataRowSeeds[0], `{"Key"`, `{"Version":2,"Note":"x","Old":null,"Key"`, 1),
	} {
		v, ok := scanDataRow([]byte(text))
		if !ok {
			t.Errorf("%s: left to encoding/json", name)
		} else if _, ok = v.record(); !ok {
			t.Errorf("%s: not decoded", name)
		}
	}
}

// A row or record of any size is refused without being read where it is too
// large to be one.
func TestOversizedJSONIsRefused(t *testing.T) {
	var r KeyRecord
	if err := r.UnmarshalJSON([]byte(`{"Created":1,"Key":"` + strings.Repeat("A", maxKeyRecord) + `"}`)); !errors.Is(err, ErrTampered) {
		t.Fatal(err)
	}
}
