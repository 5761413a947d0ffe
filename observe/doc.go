// Package observe counts and times what this module does: values sealed and
// opened, caches, keys, requests to key services and metastores, plans,
// refusals.
//
// A [Recorder] belongs to one database handle (driver.RecorderOf) or one
// session factory (SessionFactory.Recorder) and always counts; [Recorder.Stats]
// is a snapshot that encodes as JSON. Package observe/vars publishes it by
// expvar. Module otel exports it by OpenTelemetry.
//
// An [Observer] is told of single operations as they happen, for histograms and
// spans of other systems. Without one, nothing is called and nothing allocated.
//
// # What is never in it
//
// No value, key, error text, statement text or data source name reaches a
// Recorder or an Observer: operations end with a word of a closed list (see
// [Outcome]). Key ids hold the ids of partitions, which may name customers; they
// are given to Observers in [Op.KeyID] alone and are in no statistics.
//
// # Precision
//
// Counters are exact, and those of one handle never go down, over reloads of
// the configuration either. Values of a statement are counted when it is over,
// and its rows when they are closed or every few hundred rows. Durations of
// single values are sampled: one in [SampleEvery] is measured, as reading the
// clock costs a tenth of opening a short value.
package observe
