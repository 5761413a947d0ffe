// Package driver wraps database/sql drivers so that annotated columns are
// sealed on the way in and opened on the way out.
//
// It is used through driver/postgres, driver/mysql and driver/sqlite, which
// hand it an Engine (what differs between the databases), the inner driver's
// connector and a built envelope.Sealer. It never picks a KMS.
//
// The way of a statement: the plan (from a cache keyed by text, catalog,
// session and how the statement is run) says whether it passes. If it does,
// text and arguments go to the inner driver as they came and its rows come
// back unwrapped. If not, the values that the plan names are sealed into a
// fresh argument list, the edited text is run, and the rows are wrapped in a
// type that opens records as they are read.
//
// Inner connections, statements and rows answer optional interfaces of
// database/sql/driver, and the answer of an absent one differs from that of a
// present one that does nothing. The wrapper's types are chosen so that what
// database/sql sees is what it would see of the inner driver. Results and
// errors of the inner driver are never wrapped.
package driver
