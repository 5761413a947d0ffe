package vars_test

import (
	"encoding/json"
	"expvar"
	"testing"

	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/observe/vars"
)

func TestPublishedStatisticsAreThoseOfNow(t *testing.T) {
	r := observe.New()
	vars.Publish("sealsql.test", r)
	r.Sealed(3, 30)
	var s observe.Stats
	if err := json.Unmarshal([]byte(expvar.Get("sealsql.test").String()), &s); err != nil {
		t.Fatal(err)
	}
	if s.Encrypt.Values != 3 || s.Encrypt.Bytes != 30 {
		t.Errorf("%+v", s.Encrypt)
	}
}
