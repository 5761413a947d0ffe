// Package sealotel exports what sealsql counts and times by OpenTelemetry:
// metrics, and spans around the loading of keys, requests to key services and
// metastores, planning and, if asked for, statements.
//
//	db, err := sql.Open("encrypted-postgres", dsn)
//	reg, err := sealotel.Database(ctx, db)
//	defer reg.Close()
//
// It uses the global providers unless it is given others. It is a module of its
// own, so that programs without OpenTelemetry do not download it.
//
// # Metrics
//
// Counters and gauges are read from the Recorder's statistics when they are
// collected; histograms are recorded as operations end. Every name, its unit and
// its attributes are in the table of docs/observability.md, which a test compares
// with what is exported. Attributes have few values: words of closed lists, and
// names of providers and regions from the configuration.
//
// # What is never exported
//
// No value, no text of a statement or an error, no name of a table or column.
// Key ids contain the ids of partitions, which may name customers. They are
// absent from spans unless WithKeyIDs says how to write them, and from metrics
// always: a metric of each customer would also be more than any system of metrics
// holds.
package sealotel
