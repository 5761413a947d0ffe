package mysql

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// commentForms are statements that yield one number. What a server answers
// for the text and for the resolved text must be the same; mariadb is what
// MariaDB 10.11 answers, "" where the form must be refused.
var commentForms = []struct{ name, text, mariadb string }{
	{"no_digits_runs", "SELECT 1 /*! +1*/", "2"},
	{"no_digits_no_blank_runs", "SELECT 1 /*!+1*/", "2"},
	{"old_version_runs", "SELECT 1 /*!40000 +1*/", "2"},
	{"five_digits_without_blank_run", "SELECT 1 /*!40000+1*/", "2"},
	{"last_version_before_the_gap_runs", "SELECT 1 /*!50699 +1*/", "2"},
	{"mysql_5_7_is_skipped", "SELECT 1 /*!50700 +1*/", "1"},
	{"mysql_8_is_skipped", "SELECT 1 /*!80013 +1*/", "1"},
	{"end_of_the_gap_is_skipped", "SELECT 1 /*!99999 +1*/", "1"},
	{"six_digits_run", "SELECT 1 /*!100000 +1*/", "2"},
	{"later_version_is_skipped", "SELECT 1 /*!999999 +1*/", "1"},
	{"mariadb_form_runs", "SELECT 1 /*M! +1*/", "2"},
	{"mariadb_form_has_no_gap", "SELECT 1 /*M!50700 +1*/", "2"},
	{"mariadb_form_six_digits_run", "SELECT 1 /*M!100100 +1*/", "2"},
	{"mariadb_form_later_version_is_skipped", "SELECT 1 /*M!999999 +1*/", "1"},
	{"tidb_form_is_a_comment", "SELECT 1 /*T! +1*/", "1"},
	{"lower_case_letters_are_comments", "SELECT 1 /*m! +1*/ /*t! +1*/", "1"},
	{"hint_is_a_comment", "SELECT 1 /*+ +1*/", "1"},
	{"blank_before_the_mark_is_a_comment", "SELECT 1 /* ! +1*/", "1"},
	{"string_inside_hides_the_end", "SELECT 1 + LENGTH('' /*! '1*/' */ )", "4"},
	{"skipped_text_ends_at_the_first_mark", "SELECT 1 /*!99999 + '1*/", "1"},
	{"two_in_a_row", "SELECT 1 /*! +1*/ /*!50700 +1*/ /*M! +1*/", "3"},
	{"mark_inside_a_string_is_text", "SELECT LENGTH('/*! x */')", "8"},
	{"mark_inside_a_name_is_text", "SELECT 7 AS `/*! x */`", "7"},
	{"mark_inside_a_comment_is_text", "SELECT 7 -- /*! +1 */\n", "7"},
	{"empty_one", "SELECT 7 /*!*/", "7"},
	{"one_digit", "SELECT 1 /*!1 +1*/", ""},
	{"four_digits", "SELECT 1 /*!5070 +1*/", ""},
	{"seven_digits", "SELECT 1 /*!1011190 +1*/", ""},
	{"galera_number", "SELECT 1 /*!99997 +1*/", ""},
	{"nested_in_one_that_runs", "SELECT 1 /*!40000 /* x */ +1*/", ""},
	{"nested_in_one_that_is_skipped", "SELECT 1 /*!99999 /* x */ +1*/", ""},
	{"line_comment_inside", "SELECT 1 /*!40000 # +1 */\n", ""},
	{"dashes_before", "SELECT 5--/*!40000 1*/ 1", ""},
	{"dashes_at_the_end", "SELECT 5/*!40000 --*/ 1", ""},
	{"unterminated", "SELECT 1 /*! +1", ""},
	{"unterminated_skipped", "SELECT 1 /*!99999 +1", ""},
}

func TestExecutableCommentsAreResolvedOrRefused(t *testing.T) {
	f := New()
	for _, c := range commentForms {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.Prepare(c.text, maria)
			if c.mariadb == "" {
				var u *rewrite.UnsupportedError
				if !errors.As(err, &u) || u.Reason != rewrite.ReasonExecutableComment {
					t.Fatalf("not refused: %q, %v", got, err)
				}
				if u.Pos < 0 || u.Pos >= len(c.text) {
					t.Fatalf("position %d outside of the text", u.Pos)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.text) {
				t.Fatalf("offsets moved: %q", got)
			}
			if lx, err := lex(got, maria); err != nil || len(lx.executable) > 0 {
				t.Fatalf("executable comment left in %q", got)
			}
		})
	}
}

func TestExecutableCommentsAreRefusedWithoutVersion(t *testing.T) {
	f := New()
	for _, text := range []string{"SELECT 1 /*! +1*/", "SELECT 1 /*!50000 +1*/", "SELECT 1 /*M! +1*/"} {
		if got, err := f.Prepare(text, &rewrite.Session{MariaDB: true, ModeKnown: true}); err == nil {
			t.Errorf("%q was resolved to %q", text, got)
		}
	}
}

func TestMySQLResolvesByItsOwnRules(t *testing.T) {
	f := New()
	s := &rewrite.Session{Version: 80036, ModeKnown: true}
	for text, want := range map[string]string{
		"SELECT 1 /*!50700 +1*/": "SELECT 1          +1  ",
		"SELECT 1 /*!80036 +1*/": "SELECT 1          +1  ",
		"SELECT 1 /*!80037 +1*/": "SELECT 1              ",
		"SELECT 1 /*M! +1*/":     "SELECT 1          ",
		"SELECT 1 /*T! +1*/":     "SELECT 1          ",
		"SELECT 1 /*!080036 1*/": "",
		"SELECT 1 /*!100000 1*/": "",
	} {
		got, err := f.Prepare(text, s)
		if want == "" && err == nil || want != "" && (err != nil || got != want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// The attack of threats T1: the parser drops what MariaDB runs, and the other
// way round. The canary must be in the tree exactly when the server sees it.
func TestWhatTheServerRunsIsInTheTree(t *testing.T) {
	f := New()
	for text, runs := range map[string]bool{
		"UPDATE users SET name='a' /*M! , ssn='CANARY' */ WHERE id=1":         true,
		"UPDATE users SET name='a' /*! , ssn='CANARY' */ WHERE id=1":          true,
		"UPDATE users SET name='a' /*!50700 , ssn='CANARY' */ WHERE id=1":     false,
		"UPDATE users SET name='a' /*!99999 , ssn='CANARY' */ WHERE id=1":     false,
		"UPDATE users SET name='a' /*T! , ssn='CANARY' */ WHERE id=1":         false,
		"UPDATE users SET name='a' /*T![x] , ssn='CANARY' */ WHERE id=1":      false,
		"UPDATE users SET name='/*' /*M!100100, ssn='CANARY' */ WHERE id='*/": false,
	} {
		prepared, err := f.Prepare(text, maria)
		if err != nil {
			continue // refused is fine
		}
		script, err := f.Parse(prepared, maria)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		found := strings.Contains(dump(script.Statements), `"CANARY"`)
		if found != runs {
			t.Errorf("%q: canary in the tree: %v, run by the server: %v", text, found, runs)
		}
	}
}

func TestTheLiveServerAgreesOnExecutableComments(t *testing.T) {
	db, s := server(t)
	f := New()
	for _, c := range commentForms {
		resolved, err := f.Prepare(c.text, s)
		if err != nil {
			continue
		}
		var plain, ours string
		if err := db.QueryRow(c.text).Scan(&plain); err != nil {
			t.Errorf("%s: the server refuses %q: %v", c.name, c.text, err)
			continue
		}
		if err := db.QueryRow(resolved).Scan(&ours); err != nil || ours != plain {
			t.Errorf("%s: server %s, resolved %s (%v)", c.name, plain, ours, err)
		}
		if s.MariaDB && plain != c.mariadb {
			t.Errorf("%s: server says %s, the table %s", c.name, plain, c.mariadb)
		}
	}
}

// server connects to the test server and describes it as the driver would.
func server(t *testing.T) (*sql.DB, *rewrite.Session) {
	t.Helper()
	db, err := sql.Open("mysql", testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var version string
	if err := db.QueryRow("SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	s := &rewrite.Session{ModeKnown: true, MariaDB: strings.Contains(version, "MariaDB")}
	for _, part := range strings.SplitN(strings.SplitN(version, "-", 2)[0], ".", 3) {
		n, _ := strconv.Atoi(part)
		s.Version = s.Version*100 + n
	}
	return db, s
}
