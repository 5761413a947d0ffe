package audit

import (
	"slices"
	"strings"
	"time"
)

// Query says which lines are meant. Empty members mean all.
type Query struct {
	// Key is a key's id, with "@" and a creation time or without.
	Key string
	// From and To bound the time; To itself is not meant.
	From, To              time.Time
	Actor, Purpose, Table string
	Column, Op            string
	Partition             string
}

// Matches reports whether a record is meant.
func (q *Query) Matches(r *Record) bool {
	id, _, _ := strings.Cut(r.Key, "@")
	return (q.Key == "" || q.Key == r.Key || q.Key == id) &&
		(q.From.IsZero() || !r.Time.Before(q.From)) &&
		(q.To.IsZero() || r.Time.Before(q.To)) &&
		(q.Actor == "" || q.Actor == r.Actor) &&
		(q.Purpose == "" || q.Purpose == r.Purpose) &&
		(q.Table == "" || strings.EqualFold(q.Table, r.Table)) &&
		(q.Column == "" || slices.ContainsFunc(r.Columns, func(c string) bool { return strings.EqualFold(c, q.Column) })) &&
		(q.Op == "" || q.Op == r.Op) &&
		(q.Partition == "" || q.Partition == r.Partition)
}
