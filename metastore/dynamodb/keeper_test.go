package dynamodb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metatest "github.com/sealsql/sealsql/conformance/metastore"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/lifecycle"
	"github.com/sealsql/sealsql/metastore/dynamodb"
)

func TestRowsAreListedAndChanged(t *testing.T) {
	setCredentials(t)
	s := start(t)
	metatest.TestKeeper(t, func(t *testing.T) envelope.Keeper { return openTable(t, s) })
}

// proxied is a metastore on a new table behind a proxy.
func proxied(t *testing.T) (*dynamodb.Metastore, *proxy) {
	t.Helper()
	setCredentials(t)
	p := newProxy(t, start(t))
	m := open(t, dynamodb.Options{Table: "Keys", Region: "us-west-2", Endpoints: map[string]string{"us-west-2": p.URL}}, nil)
	if err := m.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m, p
}

// The whole table is read for the first page of a listing, in as many requests
// as it needs, and not again for the others. A row that has gone since is left
// out, and the page is full all the same.
func TestAListingReadsTheTableOnce(t *testing.T) {
	m, p := proxied(t)
	const rows = 220
	for i := range rows { // more than one answer holds (1 MB)
		r := record(fmt.Sprintf("ss1/ik/%04d", i), base)
		r.Key = bytes.Repeat([]byte{byte(i)}, 6000)
		put(t, m, r)
	}
	put(t, m, record("ss1/xk/other", base))
	var got int
	var after envelope.KeyMeta
	for {
		page, err := m.List(t.Context(), "ss1/ik/", after, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page {
			if k.Err != nil || k.Meta.ID <= after.ID || len(k.Record.Key) != 6000 {
				t.Fatalf("%+v after %+v", k.Meta, after)
			}
			after = k.Meta
		}
		if got += len(page); len(page) < 50 {
			break
		}
		if got == 50 {
			gone, err := m.Load(t.Context(), envelope.KeyMeta{ID: "ss1/ik/0060", Created: base})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := m.Remove(t.Context(), gone); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}
	if got != rows-1 {
		t.Errorf("%d rows are listed", got)
	}
	if n := p.count("Scan"); n < 2 || n > 4 {
		t.Errorf("%d requests to scan", n)
	}
	if _, err := m.Versions(t.Context(), "ss1/ik/0000"); err != nil || p.count("Scan") > 4 {
		t.Errorf("the versions of one key: %v, %d requests to scan", err, p.count("Scan"))
	}
}

// DynamoDB may leave rows of a batch out because it is busy: they are asked for
// again, and a listing without them is never given.
func TestRowsThatWereNotReturnedAreAskedForAgain(t *testing.T) {
	m, p := proxied(t)
	for i := range 3 {
		put(t, m, record(fmt.Sprint("a", i), base))
	}
	var busy atomic.Int32
	unprocessed := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchGetItem") || busy.Add(-1) < 0 {
			return false
		}
		var in struct{ RequestItems json.RawMessage }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		fmt.Fprintf(w, `{"Responses":{},"UnprocessedKeys":%s}`, in.RequestItems)
		return true
	}
	p.set(unprocessed)
	busy.Store(2)
	if rows, err := m.List(t.Context(), "a", envelope.KeyMeta{}, 10); err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	busy.Store(1 << 20)
	var e *envelope.ServiceError
	if _, err := m.List(t.Context(), "a", envelope.KeyMeta{}, 10); !errors.As(err, &e) || e.Fault != envelope.FaultThrottled {
		t.Errorf("always busy: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.List(ctx, "a", envelope.KeyMeta{}, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's time is over: %v", err)
	}
	p.set(code(400, "AccessDeniedException"))
	for what, f := range map[string]func() error{
		"List":     func() error { _, err := m.List(t.Context(), "a", envelope.KeyMeta{}, 10); return err },
		"Versions": func() error { _, err := m.Versions(t.Context(), "a1"); return err },
		"Remove":   func() error { _, err := m.Remove(t.Context(), record("a1", base)); return err },
	} {
		if err := f(); !errors.As(err, &e) || e.Fault != envelope.FaultDenied || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s without permission: %v", what, err)
		}
	}
}

// A role that may not delete stores a row beside a tombstone that it has not
// seen; it is told, and the row is never the newest.
func TestATombstoneHoldsWithoutTheRightToDelete(t *testing.T) {
	m, p := proxied(t)
	put(t, m, record("ss1/ik/a", envelope.Tombstone))
	denied := code(400, "AccessDeniedException")
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DeleteItem") && denied(w, r)
	})
	if ok, err := m.Store(t.Context(), record("ss1/ik/a", base)); ok || !errors.Is(err, envelope.ErrShredded) {
		t.Fatalf("Store = %t, %v", ok, err)
	}
	if r, err := m.LoadLatest(t.Context(), "ss1/ik/a"); err != nil || r.Meta.Created != envelope.Tombstone {
		t.Errorf("the newest is %+v, %v", r, err)
	}
}

// Everything that operators do with keys, on this store: two processes, states,
// leases, re-wrapping, shredding.
func TestKeysAreLookedAfterInDynamoDB(t *testing.T) {
	setCredentials(t)
	s := start(t)
	table := openTable(t, s)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	sealer := func() *envelope.Sealer {
		kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
		if err != nil {
			t.Fatal(err)
		}
		x, err := envelope.New(t.Context(), envelope.Config{
			Service: "shop", Product: "orders", KMS: kms, Metastore: table, KeepOpen: true,
			Now: func() time.Time { return now }, Policy: envelope.Policy{DataKey: envelope.DataKeyPolicy{MaxUses: 1}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Close() })
		return x
	}
	a, b := sealer(), sealer()
	keys, err := b.Keys()
	if err != nil {
		t.Fatal(err)
	}
	column := func(s *envelope.Sealer) *envelope.Column {
		c, err := s.Column("users.ssn", envelope.ColumnOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ca, cb := column(a), column(b)
	p, err := envelope.PartitionID("acme")
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	first, err := a.Seal(t.Context(), nil, ca, p, 1, []byte("v"))
	step("seal", err)
	listed := map[string]int{}
	step("list", keys.Each(t.Context(), func(i *envelope.KeyInfo) error {
		listed[string(i.Kind)+" "+i.State(now)]++
		return nil
	}))
	if listed["system active"] != 1 || listed["partition active"] != 1 {
		t.Errorf("listed are %v", listed)
	}
	out, err := (&lifecycle.Rotator{Keys: keys}).Once(t.Context())
	if step("lease", err); !out.Lease {
		t.Error("no lease")
	}
	if out, err = (&lifecycle.Rotator{Keys: keys}).Once(t.Context()); err != nil || out.Lease {
		t.Errorf("a second lease: %+v, %v", out, err)
	}
	_, err = keys.RotateSystem(t.Context())
	step("rotate", err)
	n, err := keys.Rewrap(t.Context(), nil)
	if step("rewrap", err); n.Done != 1 {
		t.Errorf("re-wrapped: %+v", n)
	}
	_, _, _, err = b.Open(t.Context(), nil, []*envelope.Column{cb}, p, first)
	step("open", err)
	id, err := keys.KeyID(envelope.KindPartition, "acme")
	step("id", err)
	step("revoke", keys.Revoke(t.Context(), envelope.KeyMeta{ID: id}))
	now = now.Add(2 * time.Hour)
	_, err = a.Seal(t.Context(), nil, ca, p, 1, []byte("v"))
	step("seal after revoking", err)
	versions := 0
	step("versions", keys.EachVersion(t.Context(), envelope.KindPartition, "acme", func(*envelope.KeyInfo) error { versions++; return nil }))
	if versions != 2 {
		t.Errorf("%d versions", versions)
	}
	_, err = keys.BeginShred(t.Context(), p)
	step("begin to shred", err)
	now = now.Add(5 * time.Hour)
	done, err := keys.FinishShred(t.Context(), p)
	step("shred", err)
	for _, k := range done.Keys {
		if k.Status != envelope.StatusDestroyed {
			t.Errorf("%+v", k)
		}
	}
	a.Forget(p)
	if _, err := a.Seal(t.Context(), nil, ca, p, 1, []byte("v")); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("sealing: %v", err)
	}
	if _, _, _, err := a.Open(t.Context(), nil, []*envelope.Column{ca}, p, first); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("opening: %v", err)
	}
}
