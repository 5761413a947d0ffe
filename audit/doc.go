// Package audit keeps a trail of what was done with keys and with the columns
// that are configured for it: who, for what, which table and columns, how many
// rows. It never holds a value, a statement or a key.
//
// A [Log] writes lines to one or more sinks: a file, a table, a structured log.
// Each line is authenticated by a named key of the hierarchy ("audit") and names
// the line before it, so that [Verify] finds a line that was changed, removed or
// put elsewhere. That the last lines of a writer, or all of them, were removed
// shows only against a [Head] that is kept elsewhere.
//
// # Form
//
// A line is a JSON object on one line of text:
//
//	{"v":1,"writer":"…","seq":7,"time":"…","op":"…", …,"prev":"…","mac_key":"…","mac":"…"}
//
// writer is 16 random bytes in hexadecimal, chosen when the Log is made, and seq
// counts its lines from 1. prev is the mac of the line before, empty in the
// first. mac is the last member: the base64 of
//
//	HKDF-Expand(key, "sealsql/v1/mac" | SHA-256("sealsql/v1/audit\n" | line), 32)
//
// where line is everything before `,"mac":` and key is the named key that mac_key
// names ([envelope.MACKey]).
//
// # What it does not prevent
//
// Who controls a process that writes has the key, and can write what he likes
// from then on, also in the place of lines that he removes. Send heads, or the
// lines themselves, elsewhere. What is read through other programs, and keys that
// are used without this module, leave no line.
package audit
