package regional_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/failover"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/internal/synclog"
)

var systemKey = []byte("thirty-two bytes of a system key")

func keyContext() envelope.KeyContext {
	return envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
}

func wrap(t *testing.T, s *regional.Service) []byte {
	t.Helper()
	w, err := s.EncryptKey(t.Context(), keyContext(), systemKey)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func unwrap(t *testing.T, s *regional.Service, w []byte) {
	t.Helper()
	got, err := s.DecryptKey(t.Context(), keyContext(), w)
	if err != nil || !bytes.Equal(got, systemKey) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// regionsOf lists the regions in which a key is wrapped.
func regionsOf(t *testing.T, w []byte) string {
	t.Helper()
	var v struct {
		Keks []struct{ Region, ARN string } `json:"kmsKeks"`
	}
	if err := json.Unmarshal(w, &v); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range v.Keks {
		names = append(names, k.Region)
	}
	return strings.Join(names, " ")
}

func TestOneRegionConforms(t *testing.T) {
	a := newRegion("a")
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService { return open(t, regional.Config{}, a) })
}

func TestTwoRegionsConform(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService { return open(t, regional.Config{}, a, b) })
}

func TestTheFirstRegionGeneratesAndTheOthersEncrypt(t *testing.T) {
	a, b, c := newRegion("a"), newRegion("b"), newRegion("c")
	s := open(t, regional.Config{}, a, b, c)
	w := wrap(t, s)
	if regionsOf(t, w) != "a b c" || a.generates.Load() != 1 || a.encrypts.Load() != 0 || b.generates.Load() != 0 || b.encrypts.Load() != 1 || c.encrypts.Load() != 1 {
		t.Fatalf("wrapped in %s", regionsOf(t, w))
	}
	unwrap(t, s, w)
	if a.decrypts.Load() != 1 || b.decrypts.Load() != 0 {
		t.Fatal("the preferred region was not asked alone")
	}
}

// Every fault of a region, of one call, leaves a key that the other regions
// open, and says which region is missing; a repair adds it.
func TestARegionThatFailsIsReportedAndRepairedLater(t *testing.T) {
	for fault := envelope.FaultUnknown + 1; fault <= envelope.FaultRequest; fault++ {
		for _, broken := range []string{"a", "b"} {
			t.Run(broken+" "+fault.String(), func(t *testing.T) {
				regions := map[string]*fakeRegion{"a": newRegion("a"), "b": newRegion("b")}
				var log synclog.Buffer
				s := open(t, regional.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, regions["a"], regions["b"])
				regions[broken].set(fault)
				w := wrap(t, s)
				if got := s.Incomplete(w); len(got) != 1 || got[0] != broken {
					t.Fatalf("incomplete: %v", got)
				}
				if !strings.Contains(log.String(), "region="+broken) || !strings.Contains(log.String(), fault.String()) {
					t.Fatalf("log: %s", log.String())
				}
				unwrap(t, s, w)
				if _, _, err := s.RepairKey(t.Context(), keyContext(), w); err == nil {
					t.Fatal("repaired by a region that fails")
				}
				regions[broken].set(0)
				fixed, added, err := s.RepairKey(t.Context(), keyContext(), w)
				if err != nil || len(added) != 1 || added[0] != broken || len(s.Incomplete(fixed)) != 0 {
					t.Fatalf("added %v, %v", added, err)
				}
				for name, r := range regions {
					r.set(envelope.FaultUnreachable)
					unwrap(t, s, fixed)
					r.set(0)
					if again, _, err := s.RepairKey(t.Context(), keyContext(), fixed); again != nil || err != nil {
						t.Fatalf("%s: a whole key is repaired: %v", name, err)
					}
				}
			})
		}
	}
}

func TestAsherahsEnvelopeIsRepairedInItsOwnFormat(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	s := open(t, regional.Config{}, a, b)
	b.set(envelope.FaultDenied)
	w, err := s.EncryptAsherahKey(t.Context(), systemKey)
	if err != nil {
		t.Fatal(err)
	}
	b.set(0)
	if _, _, err := s.RepairKey(t.Context(), keyContext(), w); !errors.Is(err, envelope.ErrTampered) {
		t.Fatalf("repaired as ours: %v", err)
	}
	fixed, added, err := s.RepairAsherahKey(t.Context(), w)
	if err != nil || len(added) != 1 || bytes.Contains(fixed, []byte("sealsql")) {
		t.Fatalf("%s, %v, %v", fixed, added, err)
	}
	a.set(envelope.FaultUnreachable)
	if got, err := s.DecryptAsherahKey(t.Context(), fixed); err != nil || !bytes.Equal(got, systemKey) {
		t.Fatal(err)
	}
}

func TestFewerRegionsThanDemandedIsAnError(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	s := open(t, regional.Config{MinRegions: 2}, a, b)
	b.set(envelope.FaultDenied)
	_, err := s.EncryptKey(t.Context(), keyContext(), systemKey)
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != envelope.FaultDenied || e.Region != "b" || e.Hint() == "" {
		t.Fatalf("%v", err)
	}
}

func TestWhatNoRegionDoesNamesEveryRegion(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	s := open(t, regional.Config{}, a, b)
	w := wrap(t, s)
	a.set(envelope.FaultThrottled)
	b.set(envelope.FaultDisabled)
	for what, f := range map[string]func() error{
		"encrypt": func() error { _, err := s.EncryptKey(t.Context(), keyContext(), systemKey); return err },
		"decrypt": func() error { _, err := s.DecryptKey(t.Context(), keyContext(), w); return err },
	} {
		err := f()
		var e *envelope.ServiceError
		if !errors.As(err, &e) || e.Fault != envelope.FaultDisabled || errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%s: %v", what, err)
		}
		for _, word := range []string{"[a]", "[b]", "throttled", "disabled"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q lacks %q", what, err, word)
			}
		}
	}
}

func TestOnlyARefusalByEveryRegionIsTampering(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	s := open(t, regional.Config{}, a, b)
	w := wrap(t, s)
	other := keyContext()
	other.KeyID += "x"
	if _, err := s.DecryptKey(t.Context(), other, w); !errors.Is(err, envelope.ErrTampered) {
		t.Fatalf("%v", err)
	}
	b.set(envelope.FaultUnreachable)
	if _, err := s.DecryptKey(t.Context(), other, w); err == nil || errors.Is(err, envelope.ErrTampered) {
		t.Fatalf("%v", err)
	}
	w = bytes.ReplaceAll(w, []byte(`"region":"b","arn":"arn:b:`), []byte(`"region":"c","arn":"arn:c:`))
	if !strings.Contains(mustFail(t, s, other, w).Error(), `"c"`) {
		t.Fatal("the region that is not configured is not named")
	}
	if !errors.Is(mustFail(t, s, other, w), envelope.ErrTampered) {
		t.Fatal("a region that has no part in the key makes tampering look like an outage")
	}
}

func mustFail(t *testing.T, s *regional.Service, kc envelope.KeyContext, w []byte) error {
	t.Helper()
	_, err := s.DecryptKey(t.Context(), kc, w)
	if err == nil {
		t.Fatal("decrypted")
	}
	return err
}

func TestADamagedPartOfOneRegionIsMadeGoodByAnother(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	s := open(t, regional.Config{}, a, b)
	w := wrap(t, s)
	var v map[string]any
	if err := json.Unmarshal(w, &v); err != nil {
		t.Fatal(err)
	}
	v["kmsKeks"].([]any)[0].(map[string]any)["encryptedKek"] = "AAAA"
	bad, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	unwrap(t, s, bad)
}

func TestABlackHoleIsLeftOutAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newRegion("a"), newRegion("b")
		var log synclog.Buffer
		s := open(t, regional.Config{Timeout: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)), Failover: failover.Config{Jitter: func() float64 { return 0 }}}, a, b)
		defer s.Close()
		w := wrap(t, s)
		a.hang = true
		start := time.Now()
		for range 5 {
			unwrap(t, s, w)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Fatalf("five decryptions took %v; after three time-outs the region is left out", d)
		}
		if !strings.Contains(log.String(), "left out") {
			t.Fatalf("log: %s", log.String())
		}
		a.mu.Lock()
		a.hang = false
		a.mu.Unlock()
		time.Sleep(time.Minute)
		n := a.decrypts.Load()
		unwrap(t, s, w)
		if a.decrypts.Load() != n+1 || !strings.Contains(log.String(), "answers again") {
			t.Fatal("the region did not come back")
		}
	})
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newRegion("a")
		s := open(t, regional.Config{}, a)
		defer s.Close()
		w := wrap(t, s)
		a.hang = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.DecryptKey(ctx, keyContext(), w)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
	})
}

func TestMultiRegionKeysNeedOneEncryption(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	b.master, b.arn = a.master, a.arn
	s := open(t, regional.Config{}, a, b)
	w := wrap(t, s)
	if regionsOf(t, w) != "a b" || b.encrypts.Load() != 0 {
		t.Fatalf("%s, %d", regionsOf(t, w), b.encrypts.Load())
	}
	// A row that names the first region only opens by the replica, too.
	w = bytes.ReplaceAll(w, []byte(`"region":"b"`), []byte(`"region":"z"`))
	a.set(envelope.FaultUnreachable)
	unwrap(t, s, w)
}

func TestWhatIsNoEnvelopeIsRefusedWithoutAskingAnybody(t *testing.T) {
	a := newRegion("a")
	s := open(t, regional.Config{}, a)
	long := append([]byte(`{"sealsql":1,"encryptedKey":"AAAA","kmsKeks":[{"region":"a","arn":"","encryptedKek":"`), bytes.Repeat([]byte("A"), 64<<10)...)
	for _, w := range [][]byte{
		nil, []byte("{}"), []byte("null"), []byte("[]"), []byte(`{"sealsql":2,"encryptedKey":"AAAA","kmsKeks":[{"region":"a","encryptedKek":"AAAA"}]}`),
		[]byte(`{"sealsql":1,"encryptedKey":"AAAA","kmsKeks":[]}`), []byte(`{"sealsql":1,"kmsKeks":[{"region":"a","encryptedKek":"AAAA"}]}`),
		append(long, `"}]}`...), []byte(`{"sealsql":1,"encryptedKey":"AAAA","kmsKeks":[` + strings.Repeat(`{},`, 64) + `{}]}`),
	} {
		if _, err := s.DecryptKey(t.Context(), keyContext(), w); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%.40s: %v", w, err)
		}
	}
	if a.decrypts.Load() != 0 {
		t.Fatal("the region was asked")
	}
}

func TestConfigurationsWithoutSenseAreRefused(t *testing.T) {
	a := newRegion("a")
	for what, c := range map[string]regional.Config{
		"no region":    {},
		"twice":        {Regions: []regional.Region{a, a}},
		"no name":      {Regions: []regional.Region{&fakeRegion{}}},
		"too many min": {Regions: []regional.Region{a}, MinRegions: 2},
	} {
		if _, err := regional.New(c); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
