// Package script reads SQL as people keep it in files: it cuts scripts into
// statements, remembers where in which file every byte of a statement was
// written, and shows statements without the values in them.
//
// The tokens are those of the front ends that the drivers use. Nothing here
// decides what may be sent: a statement that is cut in the wrong place is
// planned like any other text and at worst refused.
package script
