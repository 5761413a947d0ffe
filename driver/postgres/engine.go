package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/rewrite"
	front "github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/schema"
)

var (
	_ sealdriver.OptionEngine = (*engine)(nil)
	_ sealdriver.DeniedEngine = (*engine)(nil)
	_ sealdriver.FreshEngine  = (*engine)(nil)

	_ sealdriver.TransactionEngine = (*engine)(nil)
)

// engine is PostgreSQL behind pgx.
type engine struct {
	front rewrite.Frontend
	codec logical.Codec
	// untyped is the codec of the modes in which pgx writes arguments as text
	// by their Go type.
	untyped logical.Codec
}

func newEngine() *engine {
	return &engine{
		front:   front.New(),
		codec:   pgvalue.New(pgvalue.Options{}),
		untyped: pgvalue.New(pgvalue.Options{TextParameters: true}),
	}
}

// codecFor returns the codec of statements sent in a mode; prepared statements
// are typed in every mode.
func (e *engine) codecFor(mode pgx.QueryExecMode) logical.Codec {
	if mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol {
		return e.untyped
	}
	return e.codec
}

// codecOf returns the codec of a connection's default mode.
func (e *engine) codecOf(inner driver.Conn) logical.Codec {
	c := pgxConn(inner)
	if c == nil {
		return e.codec
	}
	return e.codecFor(c.Config().DefaultQueryExecMode)
}

func (e *engine) Frontend() rewrite.Frontend { return e.front }

func (e *engine) Check(t *schema.Type) error { return e.codec.Check(t) }

func (e *engine) AlwaysPrepares() bool { return false }

// pgxConn returns the connection behind pgx's database/sql connection, or nil.
func pgxConn(inner driver.Conn) *pgx.Conn {
	if c, ok := inner.(interface{ Conn() *pgx.Conn }); ok {
		return c.Conn()
	}
	return nil
}

// Ready is false while rows are open and in a failed transaction.
func (e *engine) Ready(inner driver.Conn) bool {
	c := pgxConn(inner)
	if c == nil {
		return true
	}
	return !c.PgConn().IsBusy() && c.PgConn().TxStatus() != 'E'
}

// InTransaction is what the server said last.
func (e *engine) InTransaction(inner driver.Conn) bool {
	c := pgxConn(inner)
	return c == nil || c.PgConn().TxStatus() != 'I'
}

// Fresh is true for pgx's own connections that read bytea by pgx's own codec,
// which copies each value out of what was received.
func (e *engine) Fresh(inner driver.Conn) bool {
	c, ok := inner.(*stdlib.Conn)
	if !ok {
		return false
	}
	t, ok := c.Conn().TypeMap().TypeForOID(pgtype.ByteaOID)
	if !ok {
		return false
	}
	_, ok = t.Codec.(pgtype.ByteaCodec)
	return ok
}

// SessionChanged compares the settings that the server reports of itself with
// those that the session was read under. Behind a transaction pooler they may
// change without any statement of this connection (threats T6).
func (e *engine) SessionChanged(inner driver.Conn, s *sealdriver.Session) bool {
	return unsafeSettings(inner) != s.Plan.Unsafe
}

// unsafeSettings names a setting in force under which texts cannot be read.
func unsafeSettings(inner driver.Conn) string {
	c := pgxConn(inner)
	if c == nil {
		return ""
	}
	if c.PgConn().ParameterStatus("standard_conforming_strings") != "on" {
		return "standard_conforming_strings is not on"
	}
	if enc := c.PgConn().ParameterStatus("client_encoding"); enc != "UTF8" && !strings.EqualFold(enc, "utf-8") {
		return "client_encoding is not UTF8"
	}
	return ""
}

// SQLSTATE codes (PostgreSQL documentation, appendix A).
const (
	undefinedTable    = "42P01"
	internalError     = "XX000"
	deadlockDetected  = "40P01"
	undefinedColumn   = "42703"
	undefinedSchema   = "3F000"
	undefinedFunction = "42883"
	featureNotThere   = "0A000"
	checkViolation    = "23514"
)

// revalidates is the server's function that finds a prepared statement to have another
// result now.
const revalidates = "RevalidateCachedQuery"

// Stale reports errors that name what is not there, and pgx's or the server's
// finding that a prepared statement has another result now.
func (e *engine) Stale(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return false
	}
	switch pe.Code {
	case undefinedTable, undefinedColumn, undefinedSchema, undefinedFunction:
		return true
	case featureNotThere:
		// The message has the language of lc_messages; other servers have other functions.
		return pe.Routine == revalidates || strings.Contains(pe.Message, "cached plan")
	}
	return false
}

// insufficientPrivilege is the SQLSTATE of a refusal.
const insufficientPrivilege = "42501"

// Denied reports a lack of privileges.
func (e *engine) Denied(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == insufficientPrivilege
}

// guardPrefix begins the names of the guards that `sealsql ddl` writes.
const guardPrefix = "sealsql_guard_"

// Guard returns the name of the violated guard. The error's detail shows the
// failing row.
func (e *engine) Guard(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == checkViolation && strings.HasPrefix(pe.ConstraintName, guardPrefix) {
		return pe.ConstraintName
	}
	return ""
}

// Limit is the length of varchar(n) and char(n); bytea and text have none.
func (e *engine) Limit(physical string) int {
	base, rest, ok := strings.Cut(physical, "(")
	if !ok || base != "character varying" && base != "character" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(rest, ")"))
	if err != nil {
		return 0
	}
	return n
}

// Arguments separates pgx's leading options. A query rewriter (pgx.NamedArgs)
// is asked here, so that what is planned is what is sent.
func (e *engine) Arguments(ctx context.Context, inner driver.Conn, in sealdriver.Input) (sealdriver.Input, error) {
	var rewriter pgx.QueryRewriter
	args := in.Args
	for len(args) > 0 {
		switch opt := args[0].Value.(type) {
		case pgx.QueryExecMode:
			in.Options, in.Codec = append(in.Options, args[0]), e.codecFor(opt)
		case pgx.QueryResultFormatsByOID:
			in.Options = append(in.Options, args[0])
		case pgx.QueryResultFormats:
			in.Options = append(in.Options, args[0])
			in.Refuse = "pgx.QueryResultFormats"
		case pgx.QueryRewriter:
			rewriter = opt
		default:
			return e.rewritten(ctx, inner, in, rewriter, args)
		}
		args = args[1:]
	}
	return e.rewritten(ctx, inner, in, rewriter, args)
}

// Options implements driver.OptionEngine: options come first.
func (e *engine) Options(args []driver.NamedValue) bool {
	switch args[0].Value.(type) {
	case pgx.QueryExecMode, pgx.QueryResultFormatsByOID, pgx.QueryResultFormats, pgx.QueryRewriter:
		return true
	}
	return false
}

func (e *engine) rewritten(ctx context.Context, inner driver.Conn, in sealdriver.Input, r pgx.QueryRewriter, args []driver.NamedValue) (sealdriver.Input, error) {
	in.Args = args
	if r == nil {
		return in, nil
	}
	vals := make([]any, len(args))
	for i := range args {
		vals[i] = args[i].Value
	}
	text, vals, err := r.RewriteQuery(ctx, pgxConn(inner), in.Text, vals)
	if err != nil {
		return in, fmt.Errorf("rewrite query failed: %w", err)
	}
	in.Text, in.Rewritten = text, true
	in.Args = make([]driver.NamedValue, len(vals))
	for i, v := range vals {
		in.Args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return in, nil
}
