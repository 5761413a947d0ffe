package envelope_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

func TestNamesThatAreNotLinkedInPrintTheirImport(t *testing.T) {
	_, err := envelope.OpenKMS(context.Background(), "aws", nil)
	if err == nil || !strings.Contains(err.Error(), `import _ "github.com/sealsql/sealsql/kms/aws"`) || !strings.Contains(err.Error(), "static") {
		t.Errorf("%v", err)
	}
	_, err = envelope.OpenMetastore(context.Background(), "dynamodb", nil)
	if err == nil || !strings.Contains(err.Error(), `import _ "github.com/sealsql/sealsql/metastore/dynamodb"`) {
		t.Errorf("%v", err)
	}
}

func TestASecondRegistrationPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	envelope.RegisterKMS("static", func(context.Context, json.RawMessage) (envelope.KeyManagementService, error) {
		return nil, errors.New("second")
	})
}

func TestColumnIDsAreChecked(t *testing.T) {
	s := newSealer(t, nil)
	for _, id := range []string{"", strings.Repeat("x", 256), "\xff"} {
		if _, err := s.Column(id, envelope.ColumnOptions{}); err == nil {
			t.Errorf("column of %d bytes is accepted", len(id))
		}
	}
	// Found by search: two ids with one tag.
	a, b := collidingColumns()
	if envelope.ColumnTag(a) != envelope.ColumnTag(b) || a == b {
		t.Fatalf("%q and %q do not collide", a, b)
	}
	column(t, s, a, false)
	column(t, s, a, true)
	if _, err := s.Column(b, envelope.ColumnOptions{}); err == nil {
		t.Error("two columns share a tag")
	}
}

// collidingColumns finds two ids with equal tags; by the birthday bound that
// takes some hundred thousand attempts.
func collidingColumns() (string, string) {
	seen := make(map[[4]byte]int, 1<<18)
	for i := 0; ; i++ {
		tag := envelope.ColumnTag(name(i))
		if j, ok := seen[tag]; ok {
			return name(j), name(i)
		}
		seen[tag] = i
	}
}

func name(i int) string { return "t.c" + strconv.Itoa(i) }

func TestErrorsOfKeysSayWhichKeyAndWhatToDo(t *testing.T) {
	e := &envelope.KeyError{Op: "load", KeyID: "ss1/sk/a/b", Created: 1795310040, Provider: "metastore sql", Err: envelope.ErrKeyNotFound, Hint: "do this"}
	want := `sealsql: load key "ss1/sk/a/b" created 2026-11-22T01:14:00Z (1795310040) by metastore sql: key not found; do this`
	if e.Error() != want {
		t.Errorf("%s\nwant\n%s", e, want)
	}
}
