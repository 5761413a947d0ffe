// Package contract holds what any stand-in for AWS KMS must do for package aws,
// so that the stand-in of this repository and one of other hands are held to the
// same.
package contract

import (
	"bytes"
	"errors"
	"testing"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/aws"
)

// Place is a running stand-in for one region.
type Place struct {
	Region, Endpoint string
	// Key is the id of a key that is enabled, ARN its name, Alias its alias.
	Key, ARN, Alias string
	// Other is a second key, Disabled the id of one that is disabled.
	Other, Disabled string
}

var (
	systemKey = []byte("thirty-two bytes of a system key")
	context   = envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
)

// Open opens the service on a place, with another name of the key.
func Open(t *testing.T, p Place, key string) envelope.AsherahKMS {
	t.Helper()
	k, err := aws.Open(t.Context(), aws.Options{Regions: []aws.Key{{Region: p.Region, Key: key, Endpoint: p.Endpoint}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// Test runs the contract.
func Test(t *testing.T, p Place) {
	t.Run("the suite of all services", func(t *testing.T) {
		kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService { return Open(t, p, p.ARN) })
	})
	t.Run("id, ARN and alias name one key", func(t *testing.T) {
		w, err := Open(t, p, p.Alias).EncryptKey(t.Context(), context, systemKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{p.Key, p.ARN, p.Alias} {
			got, err := Open(t, p, name).DecryptKey(t.Context(), context, w)
			if err != nil || !bytes.Equal(got, systemKey) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !bytes.Contains(w, []byte(`"arn":"`+p.ARN+`"`)) {
			t.Error("the row does not name the key by its ARN")
		}
	})
	t.Run("another key of the account does not decrypt", func(t *testing.T) {
		w, err := Open(t, p, p.ARN).EncryptKey(t.Context(), context, systemKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t, p, p.Other).DecryptKey(t.Context(), context, w); !errors.Is(err, envelope.ErrTampered) {
			t.Error(err)
		}
	})
	t.Run("a disabled key says so", func(t *testing.T) {
		wantFault(t, encryptError(t, Open(t, p, p.Disabled)), envelope.FaultDisabled)
	})
	t.Run("an absent key says so", func(t *testing.T) {
		wantFault(t, encryptError(t, Open(t, p, "0f0f0f0f-0000-4000-8000-000000000000")), envelope.FaultAbsent)
	})
}

func encryptError(t *testing.T, k envelope.KeyManagementService) error {
	t.Helper()
	_, err := k.EncryptKey(t.Context(), context, systemKey)
	return err
}

func wantFault(t *testing.T, err error, want envelope.Fault) {
	t.Helper()
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != want || e.Service != aws.Name || e.Region == "" || e.Resource == "" || e.Hint() == "" {
		t.Errorf("%v; want %v", err, want)
	}
}
