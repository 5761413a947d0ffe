package dynamodb_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	metatest "github.com/sealsql/sealsql/conformance/metastore"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/metastore/dynamodb"
)

// writes reports a request that changes an item.
func writes(r *http.Request) bool {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op == "PutItem" || op == "UpdateItem" || op == "DeleteItem"
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		c.Close()
	}
}

// The SDK's own repetitions, of which the second finds what the first has done,
// are a part of it.
func TestTheLossOfAnswersIsBorne(t *testing.T) {
	for _, attempts := range []string{"1", "3"} {
		t.Run("attempts "+attempts, func(t *testing.T) {
			setCredentials(t)
			t.Setenv("AWS_MAX_ATTEMPTS", attempts)
			s := start(t)
			metatest.TestLosses(t, func(t *testing.T) (envelope.Keeper, func(metatest.Loss)) {
				table := newTable()
				openNamed(t, s, table)
				p := newProxy(t, s)
				var next atomic.Pointer[metatest.Loss]
				p.set(func(w http.ResponseWriter, r *http.Request) bool {
					var how *metatest.Loss
					if writes(r) {
						how = next.Swap(nil)
					}
					if how != nil && *how == metatest.AfterIt {
						if _, err := p.forward(r); err != nil {
							t.Error(err)
						}
					}
					if how != nil {
						hangUp(w)
					}
					return how != nil
				})
				m := open(t, dynamodb.Options{
					Table: table, Region: "us-west-2", Endpoints: map[string]string{"us-west-2": p.URL},
				}, nil)
				return m, func(how metatest.Loss) { next.Store(&how) }
			})
		})
	}
}
