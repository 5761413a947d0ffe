package driver

import (
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// The configuration refuses columns whose tags collide; it must look at the
// tags that records carry.
func TestConfigurationAndRecordsAgreeOnColumnTags(t *testing.T) {
	for _, id := range []string{"users.ssn", "a", "übung.größe", "t.c0"} {
		if schema.Tag(id) != envelope.ColumnTag(id) {
			t.Errorf("tags of %q differ", id)
		}
	}
}
