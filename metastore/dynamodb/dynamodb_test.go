package dynamodb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	metatest "github.com/sealsql/sealsql/conformance/metastore"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/failover"
	"github.com/sealsql/sealsql/internal/synclog"
	"github.com/sealsql/sealsql/metastore/dynamodb"
)

const base = 1795310040

func setCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1") // the client's own repetitions take seconds
}

var tables atomic.Int64

const (
	// slow is the time for one request to a region that is well, in
	// milliseconds: none is failed for the machine being busy.
	slow = 30_000
	// short is that of tests in which a region does not answer. A region that
	// is well answers within it, or another does.
	short = 3_000
)

func open(t *testing.T, o dynamodb.Options, log *slog.Logger) *dynamodb.Metastore {
	t.Helper()
	if o.TimeoutMS == 0 {
		o.TimeoutMS = slow
	}
	m, err := dynamodb.Open(t.Context(), o, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// openTable makes a metastore on a new table.
func openTable(t *testing.T, s *server) *dynamodb.Metastore {
	t.Helper()
	return openNamed(t, s, newTable())
}

func newTable() string { return fmt.Sprintf("Keys%d", tables.Add(1)) }

// openNamed makes a metastore on a new table with a name.
func openNamed(t *testing.T, s *server, table string) *dynamodb.Metastore {
	t.Helper()
	m := open(t, dynamodb.Options{
		Table: table, Region: "us-west-2", Endpoints: map[string]string{"us-west-2": s.url()},
	}, nil)
	if err := m.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

func client(s *server) *sdk.Client {
	return sdk.New(sdk.Options{Region: "us-west-2", BaseEndpoint: aws.String(s.url()), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "test", "")})
}

func TestConforms(t *testing.T) {
	setCredentials(t)
	s := start(t)
	metatest.Test(t, func(t *testing.T) envelope.Metastore { return openTable(t, s) })
}

func record(id string, created int64) *envelope.KeyRecord {
	return &envelope.KeyRecord{
		Meta: envelope.KeyMeta{ID: id, Created: created}, Key: []byte("wrapped \x00\xff key"),
		Parent: &envelope.KeyMeta{ID: "_SK_shop_orders", Created: base - 60},
	}
}

func put(t *testing.T, m envelope.Metastore, r *envelope.KeyRecord) {
	t.Helper()
	if ok, err := m.Store(t.Context(), r); !ok || err != nil {
		t.Fatalf("%t, %v", ok, err)
	}
}

// The item is Asherah's, member by member.
func TestItemsAreAsherahs(t *testing.T) {
	setCredentials(t)
	s := start(t)
	m := open(t, dynamodb.Options{Region: "us-west-2", Endpoints: map[string]string{"us-west-2": s.url()}}, nil)
	if err := m.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, m, record("_IK_p_shop_orders", base))
	out, err := client(s).GetItem(t.Context(), &sdk.GetItemInput{
		TableName: aws.String("EncryptionKey"), Key: map[string]types.AttributeValue{
			"Id": &types.AttributeValueMemberS{Value: "_IK_p_shop_orders"}, "Created": &types.AttributeValueMemberN{Value: "1795310040"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := out.Item["KeyRecord"].(*types.AttributeValueMemberM).Value
	parent := rec["ParentKeyMeta"].(*types.AttributeValueMemberM).Value
	if len(out.Item) != 3 || len(rec) != 3 || len(parent) != 2 ||
		rec["Created"].(*types.AttributeValueMemberN).Value != "1795310040" ||
		rec["Key"].(*types.AttributeValueMemberS).Value != "d3JhcHBlZCAA/yBrZXk=" ||
		parent["KeyId"].(*types.AttributeValueMemberS).Value != "_SK_shop_orders" ||
		parent["Created"].(*types.AttributeValueMemberN).Value != "1795309980" {
		t.Fatalf("%v", out.Item)
	}
}

func putItem(t *testing.T, s *server, table, id string, rec map[string]types.AttributeValue) {
	t.Helper()
	item := map[string]types.AttributeValue{"Id": &types.AttributeValueMemberS{Value: id}, "Created": &types.AttributeValueMemberN{Value: "1795310040"}}
	if rec != nil {
		item["KeyRecord"] = &types.AttributeValueMemberM{Value: rec}
	}
	if _, err := client(s).PutItem(t.Context(), &sdk.PutItemInput{TableName: &table, Item: item}); err != nil {
		t.Fatal(err)
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

// Items of Asherah are read, revoked ones and such with members that it may
// have one day; what is no key record is refused, and never a panic.
func TestItemsOfOthersAreReadOrRefused(t *testing.T) {
	setCredentials(t)
	s := start(t)
	m := open(t, dynamodb.Options{Table: "Others", Region: "us-west-2", Endpoints: map[string]string{"us-west-2": s.url()}}, nil)
	if err := m.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	good := func(more map[string]types.AttributeValue) map[string]types.AttributeValue {
		rec := map[string]types.AttributeValue{"Created": num("1795310040"), "Key": str("AAEC")}
		for k, v := range more {
			if rec[k] = v; v == nil {
				delete(rec, k)
			}
		}
		return rec
	}
	for name, c := range map[string]struct {
		rec    map[string]types.AttributeValue
		revoke bool
		ok     bool
	}{
		"system key":         {good(nil), false, true},
		"revoked":            {good(map[string]types.AttributeValue{"Revoked": &types.AttributeValueMemberBOOL{Value: true}}), true, true},
		"not revoked":        {good(map[string]types.AttributeValue{"Revoked": &types.AttributeValueMemberBOOL{}}), false, true},
		"unknown members":    {good(map[string]types.AttributeValue{"X": str("y"), "L": &types.AttributeValueMemberL{}, "B": &types.AttributeValueMemberB{Value: []byte{1}}}), false, true},
		"no record":          {nil, false, false},
		"no key":             {good(map[string]types.AttributeValue{"Key": nil}), false, false},
		"truncated key":      {good(map[string]types.AttributeValue{"Key": str("AAE")}), false, false},
		"key is a number":    {good(map[string]types.AttributeValue{"Key": num("7")}), false, false},
		"another time":       {good(map[string]types.AttributeValue{"Created": num("1")}), false, false},
		"time is a fraction": {good(map[string]types.AttributeValue{"Created": num("1.5")}), false, false},
		"revoked is a text":  {good(map[string]types.AttributeValue{"Revoked": str("true")}), false, false},
		"parent is a text":   {good(map[string]types.AttributeValue{"ParentKeyMeta": str("x")}), false, false},
		"parent without id":  {good(map[string]types.AttributeValue{"ParentKeyMeta": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"Created": num("1")}}}), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			putItem(t, s, "Others", name, c.rec)
			for what, load := range map[string]func() (*envelope.KeyRecord, error){
				"Load": func() (*envelope.KeyRecord, error) {
					return m.Load(t.Context(), envelope.KeyMeta{ID: name, Created: base})
				},
				"LoadLatest": func() (*envelope.KeyRecord, error) { return m.LoadLatest(t.Context(), name) },
			} {
				r, err := load()
				switch {
				case c.ok && (err != nil || r.Revoked != c.revoke || !bytes.Equal(r.Key, []byte{0, 1, 2})):
					t.Errorf("%s: %+v, %v", what, r, err)
				case !c.ok && (!errors.Is(err, envelope.ErrTampered) || r != nil):
					t.Errorf("%s: %+v, %v", what, r, err)
				}
			}
		})
	}
}

func TestReplaceTakesTheRowThatItKnowsOnly(t *testing.T) {
	setCredentials(t)
	m := openTable(t, start(t))
	first := record("a", base)
	put(t, m, first)
	second := first.Clone()
	second.Key, second.Revoked, second.State = []byte("another"), true, bytes.Repeat([]byte{1}, 32)
	orphan, stateful, elsewhere := first.Clone(), first.Clone(), first.Clone()
	orphan.Parent, stateful.State = nil, second.State
	elsewhere.Parent.Created++
	for i, c := range []struct {
		old, next *envelope.KeyRecord
		want      bool
	}{
		{second, first, false},
		{orphan, second, false},
		{stateful, second, false},
		{elsewhere, second, false},
		{first, second, true},
		{first, second, false},
		{record("b", base), record("b", base), false},
	} {
		if ok, err := m.Replace(t.Context(), c.old, c.next); ok != c.want || err != nil {
			t.Fatalf("step %d: %t, %v", i, ok, err)
		}
	}
	if got, err := m.Load(t.Context(), first.Meta); err != nil || !got.Revoked || string(got.Key) != "another" {
		t.Fatalf("%+v, %v", got, err)
	}
	if ok, err := m.Replace(t.Context(), first, record("a", base+1)); ok || err == nil {
		t.Fatal("a row became another's")
	}
}

// proxy is a region that can be made to fail.
type proxy struct {
	*httptest.Server
	to    string
	mu    sync.Mutex
	fail  func(http.ResponseWriter, *http.Request) bool
	calls map[string]int
}

func newProxy(t *testing.T, s *server) *proxy {
	p := &proxy{to: s.url(), calls: map[string]int{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := r.Header.Get("X-Amz-Target")
		p.mu.Lock()
		p.calls[op[strings.LastIndexByte(op, '.')+1:]]++
		fail := p.fail
		p.mu.Unlock()
		if fail != nil && fail(w, r) {
			return
		}
		res, err := p.forward(r)
		if err != nil {
			w.WriteHeader(502)
			return
		}
		for k, v := range res.header {
			w.Header()[k] = v
		}
		w.WriteHeader(res.status)
		_, _ = w.Write(res.body)
	}))
	t.Cleanup(p.Close)
	return p
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward asks the region.
func (p *proxy) forward(r *http.Request) (*answer, error) {
	q, err := http.NewRequestWithContext(r.Context(), r.Method, p.to+r.URL.Path, r.Body)
	if err != nil {
		return nil, err
	}
	q.Header, q.ContentLength = r.Header, r.ContentLength
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &answer{res.StatusCode, res.Header, body}, err
}

func (p *proxy) set(fail func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	p.fail = fail
	p.mu.Unlock()
}

func (p *proxy) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[op]
}

func code(status int, name string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"secret words"}`, name)
		return true
	}
}

// global is two regions with one table: two dynalites, and a replication by
// hand. It simulates a global table; the real one's lag and its choice between
// concurrent writes are its own.
type global struct {
	home, replica   *proxy
	homeDB, otherDB *sdk.Client
	m               *dynamodb.Metastore
	log             *synclog.Buffer
}

func newGlobal(t *testing.T) *global {
	setCredentials(t)
	a, b := start(t), start(t)
	g := &global{home: newProxy(t, a), replica: newProxy(t, b), homeDB: client(a), otherDB: client(b), log: &synclog.Buffer{}}
	o := dynamodb.Options{
		Region: "us-west-2", Replicas: []string{"eu-west-1"}, TimeoutMS: short,
		Endpoints: map[string]string{"us-west-2": g.home.URL, "eu-west-1": g.replica.URL},
		Failover:  failover.Config{Base: 50 * time.Millisecond, Max: 200 * time.Millisecond},
	}
	g.m = open(t, o, slog.New(slog.NewTextHandler(g.log, nil)))
	for _, s := range []*server{a, b} {
		one := open(t, dynamodb.Options{Region: "us-west-2", Endpoints: map[string]string{"us-west-2": s.url()}}, nil)
		if err := one.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *global) replicate(t *testing.T) {
	t.Helper()
	table := aws.String("EncryptionKey")
	out, err := g.homeDB.Scan(t.Context(), &sdk.ScanInput{TableName: table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		if _, err := g.otherDB.PutItem(t.Context(), &sdk.PutItemInput{TableName: table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheHomeAnswersWhileItIsWell(t *testing.T) {
	g := newGlobal(t)
	put(t, g.m, record("a", base))
	if r, err := g.m.LoadLatest(t.Context(), "a"); err != nil || r.Replica {
		t.Fatal(r, err)
	}
	if _, err := g.m.LoadLatest(t.Context(), "b"); !errors.Is(err, envelope.ErrKeyNotFound) {
		t.Fatal(err)
	}
	if n := g.replica.count("GetItem") + g.replica.count("Query") + g.replica.count("PutItem"); n != 0 {
		t.Fatalf("the replica was asked %d times", n)
	}
}

func TestReplicasAnswerWhileTheHomeDoesNot(t *testing.T) {
	g := newGlobal(t)
	r := record("a", base)
	put(t, g.m, r)
	g.replicate(t)
	for name, fail := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"outage":    code(500, "InternalServerError"),
		"throttled": code(400, "ProvisionedThroughputExceededException"),
		"denied":    code(400, "AccessDeniedException"),
		"no table":  code(400, "ResourceNotFoundException"),
		"not JSON":  func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true },
		"black hole": func(_ http.ResponseWriter, r *http.Request) bool {
			var b bytes.Buffer
			_, _ = b.ReadFrom(r.Body)
			<-r.Context().Done()
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			g.home.set(fail)
			defer g.home.set(nil)
			for range 4 {
				if got, err := g.m.Load(t.Context(), r.Meta); err != nil || got.Meta != r.Meta || !got.Replica {
					t.Fatalf("%+v, %v", got, err)
				}
				if got, err := g.m.LoadLatest(t.Context(), "a"); err != nil || got.Meta != r.Meta || !got.Replica {
					t.Fatalf("%+v, %v", got, err)
				}
			}
		})
	}
}

// A replica that lags must not make this process believe that there is no key:
// it would make one, and lose it to the other.
func TestAReplicaDoesNotSayThatThereIsNoKey(t *testing.T) {
	g := newGlobal(t)
	put(t, g.m, record("a", base))
	g.home.set(code(500, "InternalServerError"))
	for what, f := range map[string]func() error{
		"LoadLatest": func() error { _, err := g.m.LoadLatest(t.Context(), "a"); return err },
		"Load":       func() error { _, err := g.m.Load(t.Context(), envelope.KeyMeta{ID: "a", Created: base}); return err },
	} {
		err := f()
		var e *envelope.ServiceError
		if errors.Is(err, envelope.ErrKeyNotFound) || !errors.As(err, &e) || e.Fault != envelope.FaultUnreachable || e.Region != "us-west-2" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKeysAreStoredInTheHomeOnly(t *testing.T) {
	g := newGlobal(t)
	g.home.set(code(500, "InternalServerError"))
	ok, err := g.m.Store(t.Context(), record("a", base))
	var e *envelope.ServiceError
	if ok || !errors.As(err, &e) || e.Fault != envelope.FaultUnreachable || e.Op != "store" || e.Hint() == "" || strings.Contains(err.Error(), "secret") {
		t.Fatalf("%t, %v", ok, err)
	}
	if g.replica.count("PutItem") != 0 {
		t.Fatal("stored in the replica")
	}
}

// A row that another region's process stored has not come yet.
func TestARowThatTheHomeLacksIsLookedForInTheReplicas(t *testing.T) {
	g := newGlobal(t)
	put(t, g.m, record("a", base))
	g.replicate(t)
	_, err := g.homeDB.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("EncryptionKey"), Key: map[string]types.AttributeValue{"Id": str("a"), "Created": num("1795310040")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.m.Load(t.Context(), envelope.KeyMeta{ID: "a", Created: base}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.m.Load(t.Context(), envelope.KeyMeta{ID: "b", Created: base}); !errors.Is(err, envelope.ErrKeyNotFound) {
		t.Fatal(err)
	}
	g.replica.set(code(500, "InternalServerError"))
	if _, err := g.m.Load(t.Context(), envelope.KeyMeta{ID: "b", Created: base}); err == nil || errors.Is(err, envelope.ErrKeyNotFound) {
		t.Fatal(err)
	}
}

// The home is left out after failures, watched, and used again when it is back,
// without a request that waits for it.
func TestTheHomeIsLeftOutAndComesBackByItself(t *testing.T) {
	g := newGlobal(t)
	put(t, g.m, record("a", base))
	g.replicate(t)
	g.home.set(func(_ http.ResponseWriter, r *http.Request) bool {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		<-r.Context().Done()
		return true
	})
	load := func() time.Duration {
		begin := time.Now()
		if _, err := g.m.LoadLatest(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	for range 3 {
		load()
	}
	fast := 0
	for range 5 {
		if load() < short/2*time.Millisecond {
			fast++
		}
	}
	if fast < 3 {
		t.Errorf("only %d of five loads did not wait for the home", fast)
	}
	g.home.set(nil)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		n := g.home.count("Query")
		if load(); g.home.count("Query") > n {
			g.m.Close() // ends the writer of the log
			if !strings.Contains(g.log.String(), "left out") || !strings.Contains(g.log.String(), "answers again") {
				t.Errorf("log: %s", g.log.String())
			}
			return
		}
	}
	t.Fatal("the home did not come back")
}

// An application seals in one process and opens in another while the home is
// down.
func TestValuesOpenWhileTheHomeIsDown(t *testing.T) {
	g := newGlobal(t)
	newSealer := func() *envelope.Sealer {
		kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := envelope.New(t.Context(), envelope.Config{Service: "shop", Product: "orders", KMS: kms, Metastore: g.m, KeepOpen: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	p, err := envelope.PartitionID("p")
	if err != nil {
		t.Fatal(err)
	}
	seal := func(s *envelope.Sealer) ([]byte, *envelope.Column, error) {
		c, err := s.Column("t.c", envelope.ColumnOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Seal(t.Context(), nil, c, p, 1, []byte("value"))
		return b, c, err
	}
	rec, _, err := seal(newSealer())
	if err != nil {
		t.Fatal(err)
	}
	g.replicate(t)
	g.home.set(code(500, "InternalServerError"))
	other := newSealer()
	again, c, err := seal(other) // the key is there, so it goes on
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{rec, again} {
		if got, _, _, err := other.Open(t.Context(), nil, []*envelope.Column{c}, p, b); err != nil || string(got) != "value" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if p, err = envelope.PartitionID("new"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := seal(other); err == nil {
		t.Fatal("a key was made without the home")
	}
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	g := newGlobal(t)
	hole := func(_ http.ResponseWriter, r *http.Request) bool {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		<-r.Context().Done()
		return true
	}
	g.home.set(hole)
	g.replica.set(hole)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := g.m.LoadLatest(ctx, "a")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 30*time.Second {
		t.Fatalf("%v after %v", err, time.Since(begin))
	}
}

func TestOptionsWithoutSenseAreRefused(t *testing.T) {
	setCredentials(t)
	for name, text := range map[string]string{
		"no region":       `{}`,
		"unknown member":  `{"region":"a","x":1}`,
		"region twice":    `{"region":"a","replicas":["a"]}`,
		"foreign address": `{"region":"a","endpoints":{"b":"https://b"}}`,
	} {
		if m, err := envelope.OpenMetastore(t.Context(), "dynamodb", json.RawMessage(text)); err == nil {
			m.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheRegionSuffixIsTheHomesName(t *testing.T) {
	setCredentials(t)
	for want, on := range map[string]bool{"": false, "us-west-2": true} {
		if m := open(t, dynamodb.Options{Region: "us-west-2", RegionSuffix: on}, nil); m.RegionSuffix() != want {
			t.Errorf("%q", m.RegionSuffix())
		}
	}
}
