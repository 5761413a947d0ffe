// Package myvalue is the codec of MySQL and MariaDB as go-sql-driver/mysql
// speaks it.
//
// Call New with the connection's settings, once for the text and once for the
// binary protocol, and use the results as logical.Codec. The payloads are the
// same for all settings, so what one writes another reads.
//
// # What is replicated
//
// The driver's conversion of the argument, then what the server's column does
// with it under STRICT_TRANS_TABLES: rounding, range and length errors,
// trailing blanks of CHAR, zero bytes of BINARY, fractional seconds (cut off on
// MariaDB, rounded on MySQL: Options.RoundFraction), zero dates. What a server
// without strict mode would change silently is refused. Compared with MariaDB
// 10.11 and MySQL 9.7, which differ (Options.MySQL): MySQL keeps -0 in doubles,
// rounds a time into the next day for DATE too, reads numbers in arguments of
// prepared statements more generously than constants, and takes fewer forms of
// TIME.
//
// # What is refused although the server would take it
//
//   - for date and time columns: numbers, dates that do not begin with
//     YYYY-MM-DD, times without a colon and times with days;
//   - NaN and infinities, which the servers turn into 0 in some types;
//   - doubles whose text would have to be shortened: for a narrow text column,
//     and on MySQL to 22 characters for any;
//   - text of a number with more than 18 digits behind the point for integer
//     columns, where the server takes some and refuses others;
//   - MariaDB's looser JSON ("1.", "\x") and UTF-8 (surrogates), and MySQL's,
//     which ends at a zero byte;
//   - hexadecimal constants for numbers;
//   - an exponent without digits ("1e"), which MySQL reads as none.
//
// # What is not replicated
//
// What MySQL makes of an argument of a prepared statement that was executed
// before with an argument of another type: it converts to that. TIMESTAMP is kept as the clock reading that was written: a session
// with another time_zone reads the same clock reading, and the range is checked
// as if the session were in UTC.
//
// # Payloads
//
//	char, varchar, text …       TagText       without the blanks that CHAR drops
//	binary, varbinary, blob …   TagBytes      BINARY with its zero bytes
//	tinyint … bigint, boolean   TagInt64
//	bigint unsigned             TagUint64
//	float                       TagFloat32
//	double                      TagFloat64
//	decimal                     TagNumeric    with all digits of the scale
//	date                        TagDate       YYYY-MM-DD
//	time                        TagTime       [-]HH:MM:SS[.fraction], up to 838 hours
//	datetime, timestamp         TagTimestamp  YYYY-MM-DD HH:MM:SS[.fraction]
//	uuid                        TagUUID
//	json                        TagJSON       text as it was given; on MySQL as it prints it
//
// Dates and times are ASCII text as the server prints them, with exactly the
// fractional digits of the column.
package myvalue
