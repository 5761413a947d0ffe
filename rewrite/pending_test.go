package rewrite_test

import (
	"errors"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

// A table that lacks a column of the configuration can be read and altered,
// and is not written: the name may be misspelt.
func TestTableWithoutAnAnnotatedColumnIsReadAndNotWritten(t *testing.T) {
	ann, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{
		{Name: "ssn", Type: schema.Type{Kind: schema.KindText, Name: "text", Base: "text", Declared: "text"}},
		{Name: "emial", Type: schema.Type{Kind: schema.KindText, Name: "text", Base: "text", Declared: "text"}},
	}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	snap := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{{
		ID: rewrite.RelationID{Schema: "main", Name: "users"}, Kind: rewrite.RelTable,
		Columns: []rewrite.CatalogColumn{{Name: "id", Type: "int"}, {Name: "ssn", Type: "blob"}, {Name: "email", Type: "text"}},
	}}}
	if got := rewrite.Findings(rewrite.SQLite, snap, ann, rewrite.Declarations{}); len(got) != 0 {
		t.Errorf("findings: %v", got)
	}
	if got := rewrite.Pending(snap, ann); len(got) != 1 || got[0].Name != "emial" {
		t.Errorf("pending: %v", got)
	}
	front := sqlite.New()
	cat := rewrite.NewCatalog(rewrite.SQLite, snap, rewrite.Names{SearchPath: []string{"main"}}, ann, rewrite.Declarations{})
	for _, c := range []struct {
		text   string
		reason rewrite.Reason
	}{
		{"SELECT * FROM users", 0},
		{"SELECT ssn FROM users WHERE id = 1", 0},
		{"SELECT * FROM users LIMIT 1", 0},
		{"SELECT * FROM users LIMIT ? OFFSET ?", 0},
		{"SELECT id FROM users LIMIT 1 OFFSET (SELECT ?)", rewrite.ReasonUnknownColumn},
		{"SELECT id FROM users WHERE email = 'SECRET'", rewrite.ReasonUnknownColumn},
		{"SELECT id FROM users WHERE email = \"SECRET\"", rewrite.ReasonUnknownColumn},
		{"SELECT id FROM users WHERE email = ?", rewrite.ReasonUnknownColumn},
		{"ALTER TABLE users ADD COLUMN emial text", 0},
		{"SELECT emial FROM users", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (id, email) VALUES (1, 'SECRET')", rewrite.ReasonUnknownColumn},
		{"UPDATE users SET email = 'SECRET'", rewrite.ReasonUnknownColumn},
		{"UPDATE users SET ssn = 'SECRET'", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (id, email) VALUES (1, 4711)", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (id, email) VALUES (1, x'4711')", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (email) VALUES (4711.5)", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (email) SELECT ?", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (email) SELECT 4711", rewrite.ReasonUnknownColumn},
		{"INSERT INTO users (id, ssn, email) SELECT id, ssn, email FROM users", 0},
		{"INSERT INTO users (emial) SELECT ssn FROM users", rewrite.ReasonSealedToClear},
		{"DELETE FROM users", 0},
		{"UPDATE users SET email = NULL", 0},
	} {
		_, err := rewrite.PlanOnce(front, c.text, cat, &rewrite.Session{}, rewrite.Options{})
		var u *rewrite.UnsupportedError
		switch {
		case c.reason == 0 && err != nil:
			t.Errorf("%s: %v", c.text, err)
		case c.reason != 0 && (!errors.As(err, &u) || u.Reason != c.reason):
			t.Errorf("%s: %v, want %v", c.text, err, c.reason)
		}
	}
}
