// Package memscan looks for keys in the memory of another process.
//
// It serves tests: a child process works with keys that its parent can compute,
// the parent calls [Scan] on the child and reports every place where a key, or
// something that gives it away, is found. The child cannot scan itself, it would
// find what it looks for.
//
// Only Linux shows a process's memory to its parent (/proc/PID/mem).
package memscan
