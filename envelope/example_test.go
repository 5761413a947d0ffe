package envelope_test

import (
	"context"
	"fmt"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

func Example() {
	ctx := context.Background()
	// Tests only: use NewEnv, NewFile or a key management service otherwise.
	kms, err := builtin.NewInsecureStatic([]byte("an example's 32 bytes, not a key"))
	if err != nil {
		panic(err)
	}
	s, err := envelope.New(ctx, envelope.Config{
		Service: "shop", Product: "orders", KMS: kms, Metastore: builtin.NewMemory(),
	})
	if err != nil {
		panic(err)
	}
	defer s.Close()

	ssn, err := s.Column("users.ssn", envelope.ColumnOptions{})
	if err != nil {
		panic(err)
	}
	tenant, err := envelope.PartitionID("tenant-1")
	if err != nil {
		panic(err)
	}
	record, err := s.Seal(ctx, nil, ssn, tenant, 1, []byte("123-45-6789"))
	if err != nil {
		panic(err)
	}
	value, _, _, err := s.Open(ctx, nil, []*envelope.Column{ssn}, tenant, record)
	fmt.Printf("%d bytes hold %q (%v)\n", len(record), value, err)
	// Output: 81 bytes hold "123-45-6789" (<nil>)
}
