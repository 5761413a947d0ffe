package mysql

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Executable comments (threats T1). A server runs the contents of /*! … */ as
// if the delimiters were not there, depending on its flavour and version; the
// parser decides by other rules. So every such comment is resolved here,
// before any parser sees the text, and what is sent is what was resolved.
//
//	form             MariaDB                             MySQL
//	/*! … */         runs                                runs
//	/*!NNNNN … */    runs if NNNNN <= version, but not   runs if NNNNN <= version
//	                 50700 … 99999
//	/*!NNNNNN … */   runs if NNNNNN <= version           refused: releases differ
//	/*M! … */        as above, without the exception     comment
//	/*T! … */        comment                             comment
//
// The MariaDB column is that of its lexer since 10.0 (sql/sql_lex.cc) and is
// compared with a live server by a test. What is left out, nested or
// otherwise doubtful is refused.

// wsrepVersion is the version number that Galera clusters treat specially.
const wsrepVersion = 99997

// resolver blanks executable comments out of a text.
type resolver struct {
	text    string
	out     []byte
	session *rewrite.Session
}

// resolveComments returns text with every executable comment resolved: the
// delimiters of one that runs, and the whole of one that does not, become
// blanks. Offsets stay.
func resolveComments(text string, s *rewrite.Session) (string, error) {
	r := &resolver{text: text, out: []byte(text), session: s}
	sc := newScanner(text, s)
	for done := 0; ; {
		_, ok, err := sc.next()
		for done < len(sc.executable) {
			at := sc.executable[done]
			if !s.ModeKnown && sc.modeAt >= 0 && sc.modeAt < at {
				return "", sessionError(sc.modeAt)
			}
			end, refused := r.resolve(at)
			if refused != nil {
				return "", refused
			}
			// The scanner took the comment as one that does not run; go on
			// behind what was resolved.
			done++
			sc.executable = sc.executable[:done]
			sc.pos, ok, err = end, true, nil
		}
		if err != nil {
			return "", commentError(errPos(err))
		}
		if !ok {
			return r.checked()
		}
	}
}

// checked proves that nothing executable is left.
func (r *resolver) checked() (string, error) {
	out := string(r.out)
	sc := newScanner(out, r.session)
	for {
		_, ok, err := sc.next()
		if len(sc.executable) > 0 {
			return "", commentError(sc.executable[0])
		}
		if err != nil {
			return "", commentError(errPos(err))
		}
		if !ok {
			return out, nil
		}
	}
}

// resolve handles the comment at at and returns the offset behind it.
func (r *resolver) resolve(at int) (int, error) {
	body := at + 3
	if r.text[at+2] != '!' {
		body++
	}
	runs, digits, ok := r.decide(r.text[at+2], r.text[body:])
	if !ok || strings.HasSuffix(r.text[:at], "--") {
		return 0, commentError(at)
	}
	if !runs {
		return r.skip(at, body)
	}
	closing, err := r.closing(at, body+digits)
	if err != nil {
		return 0, err
	}
	r.blank(at, body+digits)
	r.blank(closing, closing+2)
	return closing + 2, nil
}

// decide reports whether a comment runs, and how many version digits it has.
func (r *resolver) decide(kind byte, body string) (runs bool, digits int, ok bool) {
	if kind == 'T' || kind == 'M' && !r.session.MariaDB {
		return false, 0, true
	}
	version := 0
	for digits < len(body) && body[digits] >= '0' && body[digits] <= '9' && digits < 8 {
		version = version*10 + int(body[digits]-'0')
		digits++
	}
	switch {
	case r.session.Version == 0:
		return false, 0, false
	case digits == 0:
		return true, 0, true
	case digits == 5, digits == 6 && r.session.MariaDB:
	default:
		return false, 0, false
	}
	if version == wsrepVersion {
		return false, 0, false
	}
	runs = version <= r.session.Version
	if r.session.MariaDB && kind == '!' && version >= 50700 && version <= 99999 {
		runs = false
	}
	return runs, digits, true
}

// skip blanks a comment that does not run.
func (r *resolver) skip(at, body int) (int, error) {
	end := strings.Index(r.text[body:], "*/")
	if end < 0 || strings.Contains(r.text[body:body+end], "/*") {
		return 0, commentError(at)
	}
	end += body + 2
	r.blank(at, end)
	return end, nil
}

// closing finds the end of a comment that runs: its contents are text, so a
// "*/" inside a string does not close it. Comments inside are refused.
func (r *resolver) closing(at, from int) (int, error) {
	sc := newScanner(r.text, r.session)
	sc.pos = from
	for {
		for sc.pos < len(r.text) && class[r.text[sc.pos]]&clsSpace != 0 {
			sc.pos++
		}
		rest := r.text[sc.pos:]
		if strings.HasPrefix(rest, "*/") {
			if strings.HasSuffix(r.text[:sc.pos], "--") {
				return 0, commentError(at)
			}
			return sc.pos, nil
		}
		if rest == "" || strings.HasPrefix(rest, "/*") || rest[0] == '#' || strings.HasPrefix(rest, "--") {
			return 0, commentError(at)
		}
		if _, ok, err := sc.next(); err != nil || !ok {
			return 0, commentError(at)
		}
		if !r.session.ModeKnown && sc.modeAt >= 0 {
			return 0, sessionError(sc.modeAt)
		}
	}
}

func (r *resolver) blank(from, to int) {
	for i := from; i < to; i++ {
		r.out[i] = ' '
	}
}

func errPos(err error) int {
	if e, ok := err.(*lexError); ok {
		return e.pos
	}
	return -1
}

func commentError(pos int) error {
	return &rewrite.UnsupportedError{
		Pos: pos, Reason: rewrite.ReasonExecutableComment,
		Hint: "write the statement without /*! */, /*M! */ and /*T! */",
	}
}

func sessionError(pos int) error {
	return &rewrite.UnsupportedError{
		Pos: pos, Reason: rewrite.ReasonSession,
		Hint: "the text reads differently under another sql_mode; bind a parameter instead",
	}
}
