// Package tour runs GORM's documentation tour twice, on a plain and on an
// encrypted database of each engine, and compares what the application sees.
// More than half of the text, numeric and time columns of its models are
// encrypted and searched. Its tests are the source of the table in
// docs/orms.md.
package tour
