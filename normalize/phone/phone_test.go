package phone

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

func TestOneNumberHasOneFormHoweverItIsWritten(t *testing.T) {
	for _, c := range []struct{ region, text, want string }{
		{"DE", "030 123456", "+4930123456"},
		{"DE", "030/12 34-56", "+4930123456"},
		{"DE", "(030) 123456", "+4930123456"},
		{"DE", "+49 30 123456", "+4930123456"},
		{"DE", "0049 30 123456", "+4930123456"},
		{"AT", "+49 30 123456", "+4930123456"},
		{"AT", "0049 30 123456", "+4930123456"},
		{"DE", "tel:+49-30-123456", "+4930123456"},
		{"DE", "\uff10\uff13\uff10123456", "+4930123456"}, // full-width digits
		{"DE", "+49 30 123456 ext. 12", "+4930123456"},
		{"", "+49 30 123456", "+4930123456"},
		{"US", "(212) 555-0123", "+12125550123"},
		{"US", "1-212-555-0123", "+12125550123"},
		{"IT", "06 698 12345", "+390669812345"}, // Italy keeps the zero
		{"GB", "020 7946 0018", "+442079460018"},
	} {
		got, ok := e164(c.region, c.text)
		if !ok || got != c.want {
			t.Errorf("%q in %q: got %q, %v", c.text, c.region, got, ok)
		}
	}
}

func TestWhatIsNoNumberIsAnError(t *testing.T) {
	for _, c := range []struct{ region, text string }{
		{"DE", ""},
		{"DE", "nobody"},
		{"DE", "1"},
		{"US", "555-0123"},
		{"DE", "030 1234567890123456789"},
		{"", "030 123456"},
		{"DE", "+999 12345678"},
		{"DE", "\xff\xfe030123456"[:3]},
		{"DE", strings.Repeat("0", 10000)},
		{"DE", "ann@example.com"},
	} {
		if got, ok := e164(c.region, c.text); ok {
			t.Errorf("%q in %q was read as %q", c.text, c.region, got)
		}
	}
}

func TestTheErrorOfAnIndexHoldsNoDigit(t *testing.T) {
	e := &schema.Equality{Normalize: []schema.Normalizer{schema.Trim, schema.Phone}, Region: "DE"}
	_, err := blind.Append(nil, e, logical.TagText, []byte("1"))
	var n *logical.NormalizeError
	if !errors.As(err, &n) || n.Normalizer != "phone" || !errors.Is(err, logical.ErrValue) {
		t.Fatalf("got %v", err)
	}
	if strings.ContainsAny(err.Error(), "1") {
		t.Fatalf("the value is in %q", err)
	}
	one, _ := blind.Append(nil, e, logical.TagText, []byte(" 030 123456"))
	other, err := blind.Append(nil, e, logical.TagText, []byte("+4930123456"))
	if err != nil || string(one) != string(other) {
		t.Fatalf("one number has two messages: %v", err)
	}
}

func TestTheRegionMustBeKnown(t *testing.T) {
	for region, want := range map[string]bool{"DE": true, "": true, "QQ": false} {
		e := &schema.Equality{Normalize: []schema.Normalizer{schema.Phone}, Region: region}
		if err := blind.Usable(e); (err == nil) != want {
			t.Errorf("region %q: %v", region, err)
		}
	}
}

func TestASecondReaderIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second reader took the place of the first")
		}
	}()
	blind.RegisterPhone(blind.PhoneReader{})
}

var form = regexp.MustCompile(`^\+[1-9][0-9]{1,16}$`)

// FuzzE164 looks for texts that make the library fail, and for forms that are
// not their own form.
func FuzzE164(f *testing.F) {
	f.Add("DE", "030 123456")
	f.Add("", "+1 212 555 0123;ext=7")
	f.Add("IT", "tel:06-698;phone-context=+39")
	f.Fuzz(func(t *testing.T, region, text string) {
		s, ok := e164(region, text)
		if !ok {
			return
		}
		if !form.MatchString(s) {
			t.Fatal("not of the form of E.164")
		}
		if again, ok := e164("", s); !ok || again != s {
			t.Fatal("the form of a number is another number")
		}
	})
}
