package physical

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Options are what the text of a script does not say.
type Options struct {
	// Schema is the schema (on MySQL the database) of unqualified names. Empty
	// means public on PostgreSQL, main on SQLite, and on MySQL none until the
	// script says USE.
	Schema string
	// Session says how texts are read. The zero value is MySQL with its
	// default sql_mode and an unknown version, under which executable comments
	// are refused; the other dialects need nothing.
	Session rewrite.Session
	// Declarations are those of the configuration.
	Declarations rewrite.Declarations
}

// Problem is a statement of a script that cannot be run as it is. It holds
// names, never the statement's text.
type Problem struct {
	// Line and Column count from 1; Column counts characters.
	Line, Column int
	// Subject is the annotated column or table concerned, or empty.
	Subject string
	Message string
	// Hint says what to do, or is empty.
	Hint string
}

// Error returns "line:column: message (subject); hint".
func (p Problem) Error() string {
	s := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Subject != "" {
		s += " (" + p.Subject + ")"
	}
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Script turns logical DDL into physical DDL. CREATE TABLE of an annotated
// table gets carriers and guards, CREATE VIEW over one that the script creates the
// index columns of what it shows; every other statement, and everything between
// statements, comes back to the byte, unless it is refused or holds an
// executable comment, which is resolved for the server of the session. The text
// is of use only if there are no problems: a statement with a problem is left
// out of it, with a comment in its place.
//
// Statements may name tables that the script does not create. What an existing
// database makes of a name (views, triggers, inheritance) is not seen; Compare
// looks there. Statements that read or write values of encrypted columns are
// problems: only the encrypting drivers can run them.
//
// It is a pure function and does not panic. Values and comments of the script
// are in its result as they are in the script.
func Script(f rewrite.Frontend, annotations *schema.Catalog, text string, o Options) (string, []Problem) {
	s := newScript(f, annotations, text, o)
	pieces := s.split()
	if len(s.problems) > 0 {
		return "", s.problems
	}
	var out strings.Builder
	at := 0
	for _, p := range pieces {
		out.WriteString(s.text[at:p.from])
		out.WriteString(s.statement(p))
		at = p.to
	}
	out.WriteString(s.text[at:])
	return out.String(), s.problems
}

// script is the state of one Script.
type script struct {
	front    rewrite.Frontend
	text     string
	session  rewrite.Session
	known    *known
	problems []Problem
}

func newScript(f rewrite.Frontend, annotations *schema.Catalog, text string, o Options) *script {
	o.Session.ModeKnown = true // what is not said is the default
	return &script{front: f, text: text, session: o.Session, known: newKnown(f.Dialect(), annotations, o)}
}

// omitted stands in the result for a statement that has a problem.
const omitted = "/* refused */"

// statement returns the physical form of one statement.
func (s *script) statement(p piece) string {
	text := s.text[p.from:p.to]
	if p.client {
		return text
	}
	plan, err := rewrite.PlanOnce(s.front, text, s.known.catalog(), &s.session, rewrite.Options{})
	if err != nil {
		s.refused(p, err)
		return omitted
	}
	if !plan.Pass && !s.defines(plan) {
		s.problem(p.from, tablesOf(plan), "the statement reads or writes values of encrypted columns",
			"run it through the encrypting driver; sealsql ddl prints definitions only")
		return omitted
	}
	s.learn(plan.Text)
	return strings.Join(append([]string{plan.Text}, plan.After...), ";\n")
}

// defines reports whether an edited text is a CREATE or ALTER TABLE, or a CREATE
// VIEW: the kinds of statement that are complete without a driver that seals and
// opens.
func (s *script) defines(plan *rewrite.Plan) bool {
	parsed, err := s.front.Parse(plan.Text, &s.session)
	if err != nil || len(parsed.Statements) != 1 {
		return false
	}
	o, ok := parsed.Statements[0].(*rewrite.Other)
	return ok && (o.Kind == rewrite.OtherCreateTable || o.Kind == rewrite.OtherAlterTable ||
		o.Kind == rewrite.OtherCreateView && len(plan.Args)+len(plan.Holes) == 0)
}

// learn notes what a statement makes and removes, for those after it.
func (s *script) learn(text string) {
	parsed, err := s.front.Parse(text, &s.session)
	if parsed == nil || err != nil {
		return
	}
	for _, st := range parsed.Statements {
		if o, ok := st.(*rewrite.Other); ok && len(parsed.Statements) == 1 {
			s.known.learn(o, parsed.Tokens, text)
		}
	}
}

func (s *script) refused(p piece, err error) {
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) {
		s.problem(p.from, "", "the statement cannot be planned", "")
		return
	}
	at := p.from + max(u.Pos, 0)
	if at == p.from {
		at = p.mention(u.Column)
	}
	s.problem(at, u.Column, u.Reason.String(), u.Hint)
}

// mention finds the first place where a statement names a column, for front
// ends that know no better place than the statement.
func (p piece) mention(subject string) int {
	_, column, _ := strings.Cut(subject, ".")
	for _, t := range p.tokens {
		if isName(t) && column != "" && schema.EqualNames(t.Text, column) {
			return t.Start
		}
	}
	return p.from
}

func (s *script) problem(at int, subject, message, hint string) {
	line, column := place(s.text, at)
	s.problems = append(s.problems, Problem{Line: line, Column: column, Subject: subject, Message: message, Hint: hint})
}

// place turns a byte offset into a line and a column.
func place(text string, at int) (line, column int) {
	before := text[:max(0, min(at, len(text)))]
	begin := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[begin:]) + 1
}

func tablesOf(p *rewrite.Plan) string {
	var names []string
	for _, t := range p.Tables {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}
