package mysql_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// What is sealed is written into texts as hexadecimal literals, as far as the inner
// driver writes arguments into texts; what it has of the caller's is as it was.
func TestSealedBytesAreWrittenAsHexadecimalLiterals(t *testing.T) {
	f := open(t, ddl[:1], strings.Split(yaml, "  docs:")[0])
	long, longest := strings.Repeat("l", 12_000), strings.Repeat("x", 17_000)
	for name, tc := range map[string]struct {
		params, set string
		args        []any
		want, not   []string
	}{
		"all is written": {
			"interpolateParams=true", "ssn = ?, name = ?",
			[]any{"1", "O Hara"},
			[]string{"ssn = X'f95351", "name = 'O Hara' WHERE id = 1"},
			[]string{"_binary"},
		},
		"what has several spellings is left": {
			"interpolateParams=true", "ssn = ?, name = ?",
			[]any{"1", "O'Hara \\ \"q\""},
			[]string{"ssn = X'f95351", `name = 'O\'Hara \\ \"q\"' WHERE id = 1`},
			[]string{"_binary"},
		},
		"the caller's bytes are left": {
			"interpolateParams=true", "ssn = ?, name = ?",
			[]any{"1", []byte("12")},
			[]string{"ssn = X'f95351", "name = _binary'12' WHERE id = 1"},
			[]string{"X'3132'"},
		},
		"a question mark in a literal": {
			"interpolateParams=true", "name = '?', ssn = ?",
			[]any{"1"},
			[]string{"name = '?', ssn = _binary'\xf9SQ"},
			[]string{"X'"},
		},
		"a long value": {
			"interpolateParams=true", "doc = ?, ssn = ?",
			[]any{longest, "1"},
			[]string{"doc = _binary'\xf9SQ", "ssn = X'f95351"},
			nil,
		},
		"a text that would be too long": {
			"interpolateParams=true&maxAllowedPacket=20000", "doc = ?, ssn = ?",
			[]any{long, "1"},
			[]string{"doc = _binary'\xf9SQ", "ssn = _binary'\xf9SQ"},
			[]string{"X'"},
		},
		"arguments are prepared": {
			"interpolateParams=false", "ssn = ?, name = ?",
			[]any{"1", "x"},
			[]string{"ssn = ?, name = ?"},
			[]string{"X'", "_binary"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.db.Exec("REPLACE INTO users (id, name) VALUES (1, 'n')"); err != nil {
				t.Fatal(err)
			}
			var m meter
			pool := meteredPool(t, f, tc.params, &m)
			m.take()
			if _, err := pool.Exec("UPDATE users SET "+tc.set+" WHERE id = ?", append(tc.args, 1)...); err != nil {
				t.Fatal(err)
			}
			_, written := m.take()
			for _, w := range tc.want {
				if !strings.Contains(written, w) {
					t.Errorf("sent no %q", w)
				}
			}
			for _, w := range tc.not {
				if strings.Contains(written, w) {
					t.Errorf("sent %q", w)
				}
			}
			var ssn string
			if err := pool.QueryRow("SELECT ssn FROM users WHERE id = 1").Scan(&ssn); err != nil || ssn != "1" {
				t.Errorf("%q %v", ssn, err)
			}
		})
	}
}

// Every byte of a record arrives as it was, in each of the ways that bytes are sent.
func TestWrittenBytesArriveAsTheyWere(t *testing.T) {
	f := openWith(t, ddl[:1], strings.Split(yaml, "  docs:")[0], "interpolateParams=true")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, n := range []int{0, 1, 255, 256, 257, 16_000, 16_384, 17_000, 60_000} {
		photo := bytes.Repeat(every, n/256+1)[:n]
		f.exec("INSERT INTO users (id, photo, name) VALUES (?, ?, ?)", 100+i, photo, "-9223372036854775808")
		var got []byte
		if err := f.db.QueryRowContext(context.Background(), "SELECT photo FROM users WHERE id = ?", 100+i).Scan(&got); err != nil || !bytes.Equal(got, photo) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
	f.exec("INSERT INTO users (id, ssn, name) VALUES (?, ?, ?)", int64(-1<<31), nil, nil)
	f.want([][]any{{int64(-1 << 31), nil, nil}}, "SELECT id, ssn, name FROM users WHERE id = ?", int64(-1<<31))
}
