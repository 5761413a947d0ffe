package mysql

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// hinted are variables that MySQL's hint SET_VAR may set for one statement, and that
// are part of how it is planned (threats T6): values would be stored under another mode,
// or rows left out that the driver has to look at.
var hinted = []string{"sql_mode", "sql_select_limit"}

// checkHints refuses texts that set one of them by a hint. MariaDB takes hints of this
// kind for comments, or knows none that sets a variable.
func checkHints(text string, s *rewrite.Session) error {
	for at := 0; !s.MariaDB; {
		i := strings.Index(text[at:], "/*+")
		if i < 0 {
			return nil
		}
		at += i
		hint, _, _ := strings.Cut(text[at:], "*/")
		hint = strings.ToLower(hint)
		for _, name := range hinted {
			if strings.Contains(hint, "set_var") && strings.Contains(hint, name) {
				return &rewrite.UnsupportedError{Column: name, Pos: at, Reason: rewrite.ReasonSession, Hint: "set it for the session, before the statement"}
			}
		}
		at += len("/*+")
	}
	return nil
}
