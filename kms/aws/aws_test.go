package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/internal/synclog"
	"github.com/sealsql/sealsql/kms/aws"
	"github.com/sealsql/sealsql/kms/aws/internal/contract"
	"github.com/sealsql/sealsql/kms/aws/internal/double"
)

var systemKey = []byte("thirty-two bytes of a system key")

func keyContext() envelope.KeyContext {
	return envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
}

func credentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1") // the client's own repetitions take seconds
}

// world is two regions, each with a key of its own.
type world struct {
	west, east       *double.Server
	westKey, eastKey *double.Key
	log              synclog.Buffer
	o                aws.Options
}

func newWorld(t *testing.T) *world {
	credentials(t)
	w := &world{westKey: double.NewKey("11111111-1111-4111-8111-111111111111", "alias/orders"), eastKey: double.NewKey("22222222-2222-4222-8222-222222222222", "alias/orders")}
	w.west, w.east = double.New("us-west-2", w.westKey), double.New("us-east-1", w.eastKey)
	t.Cleanup(w.west.Close)
	t.Cleanup(w.east.Close)
	w.o = aws.Options{PreferredRegion: "us-west-2", Regions: []aws.Key{
		{Region: "us-east-1", Key: w.east.ARN(w.eastKey), Endpoint: w.east.URL},
		{Region: "us-west-2", Key: w.west.ARN(w.westKey), Endpoint: w.west.URL},
	}}
	return w
}

func (w *world) open(t *testing.T) *regional.Service {
	t.Helper()
	k, err := aws.Open(t.Context(), w.o, slog.New(slog.NewTextHandler(&w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func wrap(t *testing.T, k envelope.KeyManagementService) []byte {
	t.Helper()
	b, err := k.EncryptKey(t.Context(), keyContext(), systemKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unwrap(t *testing.T, k envelope.KeyManagementService, b []byte) {
	t.Helper()
	got, err := k.DecryptKey(t.Context(), keyContext(), b)
	if err != nil || !bytes.Equal(got, systemKey) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestOneRegionMeetsTheContract(t *testing.T) {
	credentials(t)
	key, other, disabled := double.NewKey("11111111-1111-4111-8111-111111111111", "alias/orders"), double.NewKey("22222222-2222-4222-8222-222222222222", ""), double.NewKey("33333333-3333-4333-8333-333333333333", "")
	disabled.Disable(true)
	s := double.New("us-west-2", key, other, disabled)
	defer s.Close()
	contract.Test(t, contract.Place{
		Region: s.Region, Endpoint: s.URL, Key: key.ID, ARN: s.ARN(key), Alias: key.Alias, Other: other.ID, Disabled: disabled.ID,
	})
}

func TestTwoRegionsConform(t *testing.T) {
	w := newWorld(t)
	kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService { return w.open(t) })
}

func TestThePreferredRegionGeneratesAndTheOtherEncrypts(t *testing.T) {
	w := newWorld(t)
	k := w.open(t)
	b := wrap(t, k)
	if w.west.Calls("GenerateDataKey") != 1 || w.west.Calls("Encrypt") != 0 || w.east.Calls("GenerateDataKey") != 0 || w.east.Calls("Encrypt") != 1 {
		t.Fatal("the wrong region did it")
	}
	unwrap(t, k, b)
	if w.west.Calls("Decrypt") != 1 || w.east.Calls("Decrypt") != 0 {
		t.Fatal("the wrong region decrypted")
	}
	want := `"sealsql:key-id":"ss1/sk/shop/orders","sealsql:product":"orders","sealsql:purpose":"system-key","sealsql:service":"shop"}`
	for _, c := range append(w.west.Contexts(), w.east.Contexts()...) {
		if !strings.HasSuffix(c, want) {
			t.Errorf("encryption context %s", c)
		}
	}
}

func TestAsherahsEnvelopeHasItsMembersAndNoContext(t *testing.T) {
	w := newWorld(t)
	k := w.open(t)
	b, err := k.EncryptAsherahKey(t.Context(), systemKey)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]json.RawMessage
	var keks []map[string]string
	if err := errors.Join(json.Unmarshal(b, &v), json.Unmarshal(v["kmsKeks"], &keks)); err != nil || len(v) != 2 || len(keks) != 2 {
		t.Fatalf("%s, %v", b, err)
	}
	for _, kek := range keks {
		if len(kek) != 3 || kek["encryptedKek"] == "" || !strings.Contains(kek["arn"], kek["region"]) {
			t.Errorf("%v", kek)
		}
	}
	for _, c := range w.west.Contexts() {
		if c != "null" {
			t.Errorf("encryption context %s", c)
		}
	}
	w.west.Always(&double.Answer{Status: 500, Code: "KMSInternalException"})
	if got, err := k.DecryptAsherahKey(t.Context(), b); err != nil || !bytes.Equal(got, systemKey) {
		t.Fatal(err)
	}
}

func TestThrottlingIsRetriedByTheClient(t *testing.T) {
	w := newWorld(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "3")
	w.o.Regions, w.o.TimeoutMS = w.o.Regions[1:], 60_000 // the client waits for up to seconds between attempts
	k := w.open(t)
	b := wrap(t, k)
	w.west.Next(double.Answer{Status: 400, Code: "ThrottlingException"}, double.Answer{Status: 400, Code: "ThrottlingException"})
	unwrap(t, k, b)
	if n := w.west.Calls("Decrypt"); n != 3 {
		t.Fatalf("%d calls", n)
	}
}

// What a region can answer, and what becomes of it.
func TestEveryAnswerIsAFaultWithARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		answer double.Answer
		want   envelope.Fault
		detail string
	}{
		"throttled":          {double.Answer{Status: 400, Code: "ThrottlingException"}, envelope.FaultThrottled, "ThrottlingException"},
		"denied":             {double.Answer{Status: 400, Code: "AccessDeniedException"}, envelope.FaultDenied, "AccessDeniedException"},
		"expired token":      {double.Answer{Status: 400, Code: "ExpiredTokenException"}, envelope.FaultDenied, ""},
		"no such key":        {double.Answer{Status: 400, Code: "NotFoundException"}, envelope.FaultAbsent, ""},
		"disabled":           {double.Answer{Status: 400, Code: "DisabledException"}, envelope.FaultDisabled, ""},
		"pending deletion":   {double.Answer{Status: 400, Code: "KMSInvalidStateException"}, envelope.FaultDisabled, ""},
		"asymmetric":         {double.Answer{Status: 400, Code: "InvalidKeyUsageException"}, envelope.FaultRequest, ""},
		"outage":             {double.Answer{Status: 503, Code: "ServiceUnavailable"}, envelope.FaultUnreachable, ""},
		"unknown 500":        {double.Answer{Status: 500, Code: "Whatever"}, envelope.FaultUnreachable, ""},
		"unknown code":       {double.Answer{Status: 400, Code: "Whatever"}, envelope.FaultUnknown, "Whatever"},
		"not JSON":           {double.Answer{Status: 200, Body: "<html>hello</html>"}, envelope.FaultMalformed, ""},
		"no members":         {double.Answer{Status: 200, Body: "{}"}, envelope.FaultMalformed, ""},
		"short key":          {double.Answer{Status: 200, Body: `{"Plaintext":"AAAA","CiphertextBlob":"AAAA","KeyId":"k"}`}, envelope.FaultMalformed, ""},
		"code with controls": {double.Answer{Status: 400, Code: "a b"}, envelope.FaultUnknown, "unreadable code"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.o.Regions = w.o.Regions[1:]
			k := w.open(t)
			w.west.Always(&c.answer)
			_, err := k.EncryptKey(t.Context(), keyContext(), systemKey)
			var e *envelope.ServiceError
			if !errors.As(err, &e) || e.Fault != c.want || e.Region != "us-west-2" || e.Hint() == "" || !strings.Contains(e.Detail, c.detail) {
				t.Fatalf("%v; want %v", err, c.want)
			}
			if strings.Contains(err.Error(), "as told by the test") || strings.Contains(err.Error(), "html") {
				t.Errorf("the error repeats the service's text: %v", err)
			}
		})
	}
}

func TestAnOutageOfOneRegionIsRidenOutAndRepaired(t *testing.T) {
	w := newWorld(t)
	w.o.TimeoutMS = 300
	k := w.open(t)
	w.west.Always(&double.Answer{Hang: true})
	b := wrap(t, k)
	if got := k.Incomplete(b); len(got) != 1 || got[0] != "us-west-2" {
		t.Fatalf("incomplete: %v", got)
	}
	if !strings.Contains(w.log.String(), "us-west-2") {
		t.Fatalf("log: %s", w.log.String())
	}
	unwrap(t, k, b)
	w.west.Always(nil)
	fixed, added, err := k.RepairKey(t.Context(), keyContext(), b)
	if err != nil || len(added) != 1 {
		t.Fatalf("%v, %v", added, err)
	}
	w.east.Close()
	unwrap(t, k, fixed)
}

func TestDisabledInOneRegionDecryptsInTheOther(t *testing.T) {
	w := newWorld(t)
	k := w.open(t)
	b := wrap(t, k)
	w.westKey.Disable(true)
	unwrap(t, k, b)
	w.eastKey.Disable(true)
	_, err := k.DecryptKey(t.Context(), keyContext(), b)
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != envelope.FaultDisabled {
		t.Fatal(err)
	}
}

func TestMultiRegionKeysDecryptInTheReplica(t *testing.T) {
	credentials(t)
	mrk := double.NewKey("mrk-1234abcd", "")
	west, east := double.New("us-west-2", mrk), double.New("us-east-1", mrk)
	defer west.Close()
	defer east.Close()
	k, err := aws.Open(t.Context(), aws.Options{Regions: []aws.Key{
		{Region: "us-west-2", Key: west.ARN(mrk), Endpoint: west.URL}, {Region: "us-east-1", Key: east.ARN(mrk), Endpoint: east.URL},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	b := wrap(t, k)
	if east.Calls("Encrypt") != 0 || len(k.Incomplete(b)) != 0 {
		t.Fatal("the data key was encrypted twice")
	}
	west.Always(&double.Answer{Status: 500, Code: "KMSInternalException"})
	unwrap(t, k, b)
	// A process with the second region only.
	one, err := aws.Open(t.Context(), aws.Options{Regions: []aws.Key{{Region: "us-east-1", Key: east.ARN(mrk), Endpoint: east.URL}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	unwrap(t, one, bytes.ReplaceAll(b, []byte("us-east-1"), []byte("eu-west-9")))
}

func TestFormerKeysDecryptAndDoNotEncrypt(t *testing.T) {
	credentials(t)
	old, young := double.NewKey("11111111-1111-4111-8111-111111111111", ""), double.NewKey("22222222-2222-4222-8222-222222222222", "alias/now")
	s := double.New("us-west-2", old, young)
	defer s.Close()
	open := func(key string, former ...string) envelope.KeyManagementService {
		k, err := aws.Open(t.Context(), aws.Options{Regions: []aws.Key{{Region: s.Region, Key: key, Endpoint: s.URL}}, FormerKeys: former}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		return k
	}
	b := wrap(t, open(s.ARN(old)))
	if _, err := open("alias/now").DecryptKey(t.Context(), keyContext(), b); !errors.Is(err, envelope.ErrTampered) || !strings.Contains(err.Error(), "IncorrectKeyException") {
		t.Fatalf("%v", err)
	}
	k := open("alias/now", s.ARN(old))
	unwrap(t, k, b)
	if !bytes.Contains(wrap(t, k), []byte(young.ID)) {
		t.Fatal("the former key encrypts")
	}
}

// A writer of the metastore wraps a system key that he knows under a key of his
// own account, with the right context.
func TestAKeyThatIsNotConfiguredIsNotUsed(t *testing.T) {
	credentials(t)
	ours, theirs := double.NewKey("11111111-1111-4111-8111-111111111111", ""), double.NewKey("66666666-6666-4666-8666-666666666666", "")
	s := double.New("us-west-2", ours, theirs)
	defer s.Close()
	open := func(key string) envelope.KeyManagementService {
		k, err := aws.Open(t.Context(), aws.Options{Regions: []aws.Key{{Region: s.Region, Key: key, Endpoint: s.URL}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		return k
	}
	if _, err := open(s.ARN(ours)).DecryptKey(t.Context(), keyContext(), wrap(t, open(s.ARN(theirs)))); !errors.Is(err, envelope.ErrTampered) {
		t.Fatalf("%v", err)
	}
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	w := newWorld(t)
	k := w.open(t)
	w.west.Always(&double.Answer{Hang: true})
	w.east.Always(&double.Answer{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := k.EncryptKey(ctx, keyContext(), systemKey)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Fatalf("%v after %v", err, time.Since(start))
	}
}

func TestWithoutCredentialsTheErrorSaysSo(t *testing.T) {
	w := newWorld(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := w.open(t).EncryptKey(t.Context(), keyContext(), systemKey)
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != envelope.FaultDenied {
		t.Fatalf("%v", err)
	}
}

func TestOptionsWithoutSenseAreRefused(t *testing.T) {
	credentials(t)
	for name, text := range map[string]string{
		"none":                `{}`,
		"unknown member":      `{"regions":[{"region":"a","key":"b"}],"x":1}`,
		"empty key":           `{"regions":[{"region":"a","key":""}]}`,
		"twice":               `{"regions":[{"region":"a","key":"b"},{"region":"a","key":"c"}]}`,
		"preferred elsewhere": `{"preferred_region":"z","regions":[{"region":"a","key":"b"}]}`,
		"ARN of other region": `{"regions":[{"region":"us-west-2","key":"arn:aws:kms:us-east-1:1:key/a"}]}`,
		"former is no ARN":    `{"regions":[{"region":"a","key":"b"}],"former_keys":["alias/x"]}`,
		"former is an alias":  `{"regions":[{"region":"a","key":"b"}],"former_keys":["arn:aws:kms:a:1:alias/x"]}`,
		"too many demanded":   `{"regions":[{"region":"a","key":"b"}],"min_regions":2}`,
		"not JSON":            `[`,
	} {
		if k, err := envelope.OpenKMS(t.Context(), "aws", json.RawMessage(text)); err == nil {
			k.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
