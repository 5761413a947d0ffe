// Package phone links the normalizer phone of search indexes:
//
//	import _ "github.com/sealsql/sealsql/normalize/phone"
//
// A column with
//
//	search: {equality: {normalize: [phone], region: DE, collation: normalized}}
//
// then finds one phone number however it is written: 030/123456,
// +49 30 123456 and 0049 (30) 12 34 56 are equal. The form that is hashed is
// that of ITU-T E.164, +4930123456; extensions are not part of it. Numbers
// without a country code are read as those of the region; without a region they
// are errors. So is every text that is no number, or one that is too short or
// too long for its country; whether it is in use is not looked at, since the
// plans of countries grow faster than programs are updated.
//
// The tables of countries are those of Google's libphonenumber as
// github.com/nyaruka/phonenumbers (MIT) has them. They add about 7 MB to a
// program, which is why the package is not linked by default. A later version
// of the tables can read a number in another way, if its country has changed
// what stands before area codes: write such rows again.
package phone

import (
	"github.com/nyaruka/phonenumbers"

	"github.com/sealsql/sealsql/internal/blind"
)

func init() { blind.RegisterPhone(blind.PhoneReader{E164: e164, Region: known}) }

// longest bounds what is parsed; numbers have at most 15 digits.
const longest = 64

func e164(region, text string) (s string, ok bool) {
	if len(text) > longest {
		return "", false
	}
	// The library parses with regular expressions what anybody may have typed;
	// a fault of it is one more text that is no number.
	defer func() {
		if recover() != nil {
			s, ok = "", false
		}
	}()
	if region == "" {
		region = "ZZ" // unknown: the country code must be given
	}
	n, err := phonenumbers.Parse(text, region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

func known(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }
