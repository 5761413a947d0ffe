package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/session"
)

func Example() {
	ctx := context.Background()
	// For a program: builtin.NewFile or a key service, and builtin.OpenSQL.
	kms, err := builtin.NewInsecureStatic([]byte("a static key of thirty-two bytes"))
	if err != nil {
		log.Fatal(err)
	}
	defer kms.Close()
	store := builtin.NewMemory()

	factory, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders"}, store, kms)
	if err != nil {
		log.Fatal(err)
	}
	defer factory.Close()

	s, err := factory.GetSession("customer-1")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	record, err := s.Encrypt(ctx, []byte("4111 1111 1111 1111"))
	if err != nil {
		log.Fatal(err)
	}
	stored, err := json.Marshal(record)
	if err != nil {
		log.Fatal(err)
	}

	var loaded session.DataRowRecord
	if err := json.Unmarshal(stored, &loaded); err != nil {
		log.Fatal(err)
	}
	payload, err := s.Decrypt(ctx, loaded)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded.Key.ParentKeyMeta.ID)
	fmt.Printf("%s\n", payload)
	// Output:
	// _IK_customer-1_shop_orders
	// 4111 1111 1111 1111
}

func ExampleSession_Store() {
	ctx := context.Background()
	s := exampleSession()
	defer s.Close()

	table := map[string]session.DataRowRecord{}
	storer := session.StorerFunc(func(_ context.Context, r session.DataRowRecord) (any, error) {
		table["row 1"] = r
		return "row 1", nil
	})
	loader := session.LoaderFunc(func(_ context.Context, key any) (*session.DataRowRecord, error) {
		r, ok := table[key.(string)]
		if !ok {
			return nil, fmt.Errorf("no row %v", key)
		}
		return &r, nil
	})

	key, err := s.Store(ctx, []byte("payload"), storer)
	if err != nil {
		log.Fatal(err)
	}
	payload, err := s.Load(ctx, key, loader)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", key, payload)
	// Output: row 1: payload
}

func ExampleNewCryptoPolicy() {
	policy := session.NewCryptoPolicy(
		session.WithExpireAfterDuration(30*24*time.Hour),
		session.WithRevokeCheckInterval(10*time.Minute),
		session.WithSessionCache(),
	)
	fmt.Println(policy.ExpireKeyAfter, policy.SessionCacheMaxSize, policy.SessionCacheDuration)
	// Output: 720h0m0s 1000 2h0m0s
}

// Records in the compact format are stored as bytes.
func ExampleSession_Seal() {
	ctx := context.Background()
	kms, err := builtin.NewInsecureStatic([]byte("a static key of thirty-two bytes"))
	if err != nil {
		log.Fatal(err)
	}
	factory, err := session.NewSessionFactory(
		&session.Config{Service: "shop", Product: "orders", Format: session.Compact}, builtin.NewMemory(), kms)
	if err != nil {
		log.Fatal(err)
	}
	defer factory.Close()
	s, err := factory.GetSession("customer-1")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	record, err := s.Seal(ctx, nil, []byte("payload"))
	if err != nil {
		log.Fatal(err)
	}
	payload, err := s.Open(ctx, nil, record)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes hold %s\n", len(record), payload)
	// Output: 88 bytes hold payload
}

func exampleSession() *session.Session {
	kms, err := builtin.NewInsecureStatic([]byte("a static key of thirty-two bytes"))
	if err != nil {
		log.Fatal(err)
	}
	factory, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders"}, builtin.NewMemory(), kms)
	if err != nil {
		log.Fatal(err)
	}
	s, err := factory.GetSession("customer-1")
	if err != nil {
		log.Fatal(err)
	}
	return s
}
