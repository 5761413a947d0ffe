// Package tokens cuts texts and LIKE patterns into fragments: what prefix,
// suffix and contains indexes hash, and what decides whether an opened text
// matches.
//
// The one property that matters: the fragments of a text that matches a
// pattern contain those of the pattern, whatever the case rules of the engine.
// A search by fragments then finds too much at most, never too little, and Like
// decides about the rest. It rests on Normal: what Normal makes of a piece at
// the start of a text, at its end or within it is at the start, at the end or
// within what it makes of the text.
package tokens
