package envelope_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

func TestTheHeadOfARecordIsReadFromItsBeginning(t *testing.T) {
	s := newSealer(t, nil)
	long := strings.Repeat("ü", 100)
	for _, carry := range []bool{false, true} {
		for _, id := range []string{"p", "tenant-42", long} {
			c := column(t, s, map[bool]string{false: "t.c", true: "t.d"}[carry], carry)
			p := partition(t, id)
			for _, text := range []string{"", "a value that is longer than nothing"} {
				rec := seal(t, s, c, p, text)
				want := envelope.Head{Created: created(rec), Column: [4]byte(rec[10:14]), Suite: envelope.SuiteDerived}
				if carry {
					want.Partition = id
				}
				armour := envelope.AppendArmour(nil, rec)
				for name, b := range map[string][]byte{
					"record": rec, "armour": armour,
					"cut record": rec[:min(len(rec), envelope.HeadSize)],
					"cut armour": armour[:min(len(armour), envelope.ArmouredHeadSize)],
				} {
					if got, err := envelope.ReadHead(b); err != nil || got != want {
						t.Errorf("%s of partition %.9q: %+v, %v; want %+v", name, id, got, err, want)
					}
				}
			}
		}
	}
	for _, bad := range []string{"", "plain", "\xF9SQ", "ss1.", "ss1.!!!", "\xF9SQ\x11\x01\x01aaaabbbb", "\xF9SQ\x11\x01\x01aaaabbbb\x05ab", "\xF9SQ\xF1\x00\x01aaaabbbb"} {
		if _, err := envelope.ReadHead([]byte(bad)); !errors.Is(err, envelope.ErrNotSealed) && !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTheHeadOfAnAsherahRecordNamesItsKey(t *testing.T) {
	h, err := envelope.ReadAsherahHead([]byte(`{"Data":"AAAA","Key":{"Created":7,"Key":"AAAA","ParentKeyMeta":{"Created":60,"KeyId":"_IK_p_shop_orders"}}}`))
	if err != nil || h.KeyID != "_IK_p_shop_orders" || h.Created != 60 {
		t.Errorf("%+v, %v", h, err)
	}
	for _, bad := range []string{"", "{}", `{"Key":null}`, `{"Key":{"Created":7,"Key":"AAAA"}}`, "plain"} {
		if _, err := envelope.ReadAsherahHead([]byte(bad)); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
