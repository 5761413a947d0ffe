package schema

import "strings"

// Nearest returns the candidate that word is most likely a misspelling of, or
// "" when none is near: at most one edit (insertion, deletion, substitution,
// swap of neighbours) per three letters of the word, and at least one. Case
// does not count. Of equally near ones the first in dictionary order wins.
func Nearest(word string, candidates []string) string {
	const longest = 64
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, limit := "", max(1, len(word)/3)
	for _, c := range candidates {
		if len(c) > longest || abs(len(c)-len(word)) > limit {
			continue
		}
		d := edits(word, strings.ToLower(c))
		if d < limit || d == limit && (best == "" || c < best) {
			best, limit = c, d
		}
	}
	return best
}

// edits is the optimal string alignment distance.
func edits(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
