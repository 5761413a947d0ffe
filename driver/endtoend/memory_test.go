package endtoend_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestValuesOfARowStayWhileTheNextAreRead: values are opened where the inner
// driver left their records, and on MySQL in memory that the next row uses.
func TestValuesOfARowStayWhileTheNextAreRead(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		r := openRows(t, f, "bigint")
		sizes := []int{0, 1, 40, 70, 500, 9000, 30}
		text := func(i, n int) string { return (fmt.Sprint(i, " ") + strings.Repeat("abcdefg", n))[:n] }
		for i, n := range sizes {
			r.exec(r.sealed, "INSERT INTO notes (id, v, w) VALUES (?, ?, ?)", i, text(i, n), text(i+1, n))
		}
		rows, err := r.sealed.Query("SELECT v, w FROM notes ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var texts [][2]string
		var slices [][2][]byte
		var anys [][2]any
		for rows.Next() {
			var s [2]string
			var b [2][]byte
			var a [2]any
			for _, dest := range [][]any{{&s[0], &s[1]}, {&b[0], &b[1]}, {&a[0], &a[1]}} {
				if err := rows.Scan(dest...); err != nil {
					t.Fatal(err)
				}
			}
			texts, slices, anys = append(texts, s), append(slices, b), append(anys, a)
		}
		if err := rows.Err(); err != nil || len(texts) != len(sizes) {
			t.Fatal(len(texts), err)
		}
		for i, n := range sizes {
			for k, want := range []string{text(i, n), text(i+1, n)} {
				if texts[i][k] != want || !bytes.Equal(slices[i][k], []byte(want)) || fmt.Sprintf("%s", anys[i][k]) != want {
					t.Errorf("row %d, value %d of %d bytes is another one now", i, k, n)
				}
			}
		}
	})
}
