// Package pgvalue is the codec of PostgreSQL as pgx's database/sql driver
// speaks it.
//
// Call New and use the result as a logical.Codec.
//
// # What is replicated
//
// An argument is encoded by pgx's own type map to the wire format that pgx
// would send for a parameter of the column's type; then the server's half is
// done here: the input or receive function of the type, and the coercion to
// the column's modifiers (rounding of numeric(p,s) and of fractional seconds,
// length of varchar(n), blank padding of char(n)). Refused is what pgx or the
// server would refuse.
//
// In pgx's exec and simple_protocol modes arguments are text made by their Go
// type (Options.TextParameters). Both ways are compared with PostgreSQL 15
// and 18.
//
// Types that an application registers on its connections are not known here;
// their values still pass by Valuer, fmt.Stringer or the pgtype interfaces.
//
// # What is refused although the server would take it
//
// Text whose meaning depends on settings or on the server's version: dates not
// written as year-month-day (DateStyle), timestamptz without an offset
// (TimeZone), names of months and zones, "now" and "today", numbers with
// underscores or in other bases (PostgreSQL 16), arrays of empty arrays
// (PostgreSQL 17), hexadecimal floats. Also
// time.Time values outside the server's range, which pgx lets overflow into
// another date, a negative pgtype.Time, and bit strings (X'1F') as text.
//
// # Payloads
//
//	text, varchar, char    TagText         UTF-8; char is padded with blanks
//	bytea                  TagBytes
//	smallint, int, bigint  TagInt64
//	real                   TagFloat32
//	double precision       TagFloat64
//	boolean                TagBool
//	numeric                TagNumeric      as numeric_out prints it
//	date                   TagDate         4 bytes: days since 2000-01-01
//	time                   TagTime         8 bytes: microseconds since midnight
//	timestamp              TagTimestamp    8 bytes: microseconds since 2000-01-01
//	timestamptz            TagTimestampTZ  8 bytes: the same, UTC
//	uuid                   TagUUID
//	json                   TagJSON         text as it was given
//	jsonb                  TagJSON         text as jsonb_out prints it
//
// The numbers of date, time and the timestamps are PostgreSQL's own wire
// format: big-endian two's complement, the extremes are ±infinity.
package pgvalue
