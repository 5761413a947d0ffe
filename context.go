// Package sealsql encrypts columns of SQL databases inside the application.
//
// Programs use it through database/sql and one of the drivers:
//
//	import _ "github.com/sealsql/sealsql/driver/postgres"
//
//	db, err := sql.Open("encrypted-postgres", dsn)
//
// This package holds what such a program names besides: what a call says about
// itself (WithPartition, WithActor, WithPurpose) and the classes of error.
package sealsql

import "context"

type callKey struct{}

// CallInfo is what a context says about the statements run under it. It is kept
// as one value, so that a driver looks into the context once per statement.
type CallInfo struct {
	// Partition is the id given by WithPartition; HasPartition tells an empty
	// id, which every use refuses, from none.
	Partition    string
	HasPartition bool
	// Actor and Purpose are "" unless WithActor and WithPurpose were used.
	Actor, Purpose string
}

// WithPartition names the partition (the tenant, the customer) that statements
// run under the returned context read and write. It serves tables whose
// partition comes from the context, and stands in for the partition column of
// others where a statement does not fix it.
//
// The id is 1 to 200 bytes of UTF-8; another one is an error of the statement
// that uses it. Statements on tables with a constant partition ignore it. The
// id is stored in clear in every record and names a key: it identifies, it
// must not be a secret.
func WithPartition(ctx context.Context, id string) context.Context {
	c := Call(ctx)
	c.Partition, c.HasPartition = id, true
	return context.WithValue(ctx, callKey{}, &c)
}

// WithActor names who runs the statements. It decides nothing and is never
// sent to the database.
func WithActor(ctx context.Context, actor string) context.Context {
	c := Call(ctx)
	c.Actor = actor
	return context.WithValue(ctx, callKey{}, &c)
}

// WithPurpose says what the statements are run for. It decides nothing and is
// never sent to the database.
func WithPurpose(ctx context.Context, purpose string) context.Context {
	c := Call(ctx)
	c.Purpose = purpose
	return context.WithValue(ctx, callKey{}, &c)
}

// Call returns what ctx says about the statements run under it.
func Call(ctx context.Context) CallInfo {
	if c, ok := ctx.Value(callKey{}).(*CallInfo); ok {
		return *c
	}
	return CallInfo{}
}
