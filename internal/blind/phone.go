package blind

import (
	"errors"
	"sync/atomic"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// PhoneReader reads phone numbers. Its tables are large, so that only programs
// link it that import package normalize/phone.
type PhoneReader struct {
	// E164 returns a number in the form +4930123456; false for what is none.
	// region is empty where only numbers with a country code are read.
	E164 func(region, number string) (string, bool)
	// Region reports whether the reader knows a region.
	Region func(region string) bool
}

var phones atomic.Pointer[PhoneReader]

// RegisterPhone makes a reader the one that the normalizer phone uses. It is
// called from an init function, once; a second call panics.
func RegisterPhone(r PhoneReader) {
	if !phones.CompareAndSwap(nil, &r) {
		panic("sealsql: a reader of phone numbers is registered twice")
	}
}

// Usable says why the steps of an index cannot be applied in this program: the
// reader of phone numbers is not linked, or does not know the region.
func Usable(e *schema.Equality) error {
	for _, n := range e.Steps() {
		region, ok := schema.PhoneStep(n)
		if !ok {
			continue
		}
		r := phones.Load()
		switch {
		case r == nil:
			return errors.New(`the normalizer phone is not linked into this program: add import _ "github.com/sealsql/sealsql/normalize/phone"`)
		case region != "" && !r.Region(region):
			return errors.New("the normalizer phone does not know the region " + region)
		}
	}
	return nil
}

func toE164(region, text string) (string, error) {
	if r := phones.Load(); r != nil {
		if s, ok := r.E164(region, text); ok {
			return s, nil
		}
	}
	return "", &logical.NormalizeError{Normalizer: string(schema.Phone), Problem: "the value is no phone number"}
}
