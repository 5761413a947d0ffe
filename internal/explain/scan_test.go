package explain_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/schema"
)

// TestASearchThatReadsEveryRowSaysSo shows a pattern over a column that is
// searched by equality alone.
func TestASearchThatReadsEveryRowSaysSo(t *testing.T) {
	w := world(t, "users.ssn")
	tables, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{{Name: "ssn", Equality: &schema.Equality{Collation: schema.CollationBytes}, Scan: 70}}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.Tables = tables
	for dialect, front := range frontends {
		r := describe(t, w, front, "SELECT id FROM users WHERE ssn LIKE 'SECRET%'")
		if r.Status != explain.StatusPlanned || len(r.Filters) != 1 || !strings.Contains(r.Filters[0], "every row is read, at most 70 in vain") || strings.Contains(r.Filters[0], "SECRET") {
			t.Errorf("%s: %v %q %+v", dialect, r.Status, r.Filters, r.Refusal)
		}
	}
}
