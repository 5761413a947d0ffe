package driver

import "testing"

// Where standard_conforming_strings is off the last of these is two statements.
func TestWhatComesFirstIsReadAlikeUnderAllSettings(t *testing.T) {
	for _, q := range []string{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", " \nset transaction snapshot '00000003-1'", "LOCK TABLE jobs"} {
		if !comesFirst(q) {
			t.Errorf("%s does not come first", q)
		}
	}
	for _, q := range []string{"SELECT 1", "lo", `SET TRANSACTION SNAPSHOT 'a\'' ; INSERT INTO jobs (state) VALUES ('x') --'`} {
		if comesFirst(q) {
			t.Errorf("%s comes first", q)
		}
	}
}
