package mysql

import (
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// FuzzParse: no text panics or hangs; what is understood keeps the invariants
// under every session, and reads the same when it is read again.
func FuzzParse(f *testing.F) {
	for _, c := range commentForms {
		f.Add(c.text, uint8(3))
	}
	for i, c := range corpus(f) {
		if i%20 == 0 {
			f.Add(c.SQL, uint8(3))
		}
	}
	f.Add("INSERT INTO t (a) VALUES (?, 'x') ON DUPLICATE KEY UPDATE a = VALUE(a) RETURNING *", uint8(3))
	f.Fuzz(func(t *testing.T, sql string, flags uint8) {
		s := &rewrite.Session{
			ModeKnown: flags&1 != 0, MariaDB: flags&2 != 0, ANSIQuotes: flags&4 != 0,
			NoBackslashEscapes: flags&8 != 0, Version: 101119,
		}
		front := New()
		text, err := front.Prepare(sql, s)
		if err != nil {
			return
		}
		if len(text) != len(sql) {
			t.Fatalf("offsets moved: %q", text)
		}
		if again, err := front.Prepare(text, s); err != nil || again != text {
			t.Fatalf("prepared text changes when prepared again: %q, %v", again, err)
		}
		script, err := front.Parse(text, s)
		if err != nil {
			return
		}
		again, err := front.Parse(text, s)
		if err != nil || dump(again.Statements) != dump(script.Statements) {
			t.Fatal("reads differently the second time")
		}
		if *s == (rewrite.Session{ModeKnown: true, MariaDB: true, Version: 101119}) {
			checkScript(t, script)
		}
	})
}
