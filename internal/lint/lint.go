package lint

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// Options are what a run needs to know.
type Options struct {
	// Dialect is that of files, and of lines that do not name one.
	Dialect string
	// Frontends are those that a line may name.
	Frontends map[string]rewrite.Frontend
	World     *offline.World
	// WithPartition plans as under sealsql.WithPartition.
	WithPartition bool
}

// Run reads files and plans every statement in them. An error is one of
// reading; what a file holds ends in the report.
func Run(files []string, o Options) (*Report, error) {
	l := &linter{o: o, report: newReport(o)}
	dirs := map[string][]*script.File{}
	var order []string
	for _, name := range files {
		f, err := open(name)
		if err != nil {
			return nil, err
		}
		l.report.Summary.Files++
		switch kinds[strings.ToLower(filepath.Ext(name))] {
		case "sql":
			l.content(readSQL(f, l.front(), &o.World.Session))
		case "jsonl":
			l.content(readJSONLines(f))
		case "go":
			dir := filepath.Dir(name)
			if dirs[dir] == nil {
				order = append(order, dir)
			}
			dirs[dir] = append(dirs[dir], f)
		}
	}
	for _, dir := range order {
		if err := l.directory(dir, dirs[dir]); err != nil {
			return nil, err
		}
	}
	l.report.finish()
	return l.report, nil
}

// linter is the state of one run.
type linter struct {
	o      Options
	report *Report
}

func (l *linter) front() rewrite.Frontend { return l.o.Frontends[l.o.Dialect] }

// directory reads the Go files of one directory.
func (l *linter) directory(dir string, wanted []*script.File) error {
	have, only := map[string]*script.File{}, map[string]bool{}
	for _, f := range wanted {
		have[f.Name], only[f.Name] = f, true
	}
	all, err := siblings(dir, have)
	if err != nil {
		return err
	}
	l.content(readGo(all, only, l.front(), &l.o.World.Session))
	return nil
}

// content plans what was found in one file or directory.
func (l *linter) content(c Content) {
	for _, f := range c.Faults {
		l.report.fault(f)
	}
	for _, p := range c.Variable {
		l.report.Variable = append(l.report.Variable, place(p))
	}
	views := map[string]*offline.View{}
	for _, st := range c.Statements {
		if st.Dialect == "" {
			st.Dialect = l.o.Dialect
		}
		view, err := l.view(views, st.Dialect)
		if err != nil {
			l.report.fault(Fault{st.Text.Place(0), err.Error()})
			continue
		}
		l.statement(st, view)
	}
}

// errDialect is the fault of a line of an unknown dialect, whose name it does
// not repeat.
var errDialect = errors.New("unknown dialect")

func (l *linter) view(views map[string]*offline.View, dialect string) (*offline.View, error) {
	if v := views[dialect]; v != nil {
		return v, nil
	}
	front := l.o.Frontends[dialect]
	if front == nil {
		return nil, errDialect
	}
	v, err := l.o.World.View(front)
	if err != nil {
		return nil, fmt.Errorf("statement of %s: %w", dialect, err)
	}
	views[dialect] = v
	return v, nil
}

func (l *linter) statement(st Statement, view *offline.View) {
	front, session := l.o.Frontends[st.Dialect], &l.o.World.Session
	parsed := explain.Parse(front, st.Text.SQL, session)
	verdict := explain.Judge(front, st.Text.SQL, parsed, view.Catalog(parsed), session, l.o.WithPartition)
	l.report.count(verdict)
	if st.Defines {
		// What a definition that is refused would make is known as well, so
		// that one refusal is not followed by those of every statement on it.
		view.Learn(parsed, st.Text.SQL)
	}
	if verdict.Refusal == nil {
		return
	}
	masker := explain.Masker{Front: front, Session: session, Known: view.KnowsName}
	masked := masker.Mask(st.Text.SQL, parsed)
	at := st.Text.Place(max(verdict.Refusal.Pos, 0))
	l.report.Findings = append(l.report.Findings, Finding{
		File: at.File, Query: st.Query, Dialect: st.Dialect,
		Refusal: *explain.Refused(verdict.Refusal, st.Text, masked),
	})
}

// byPlace orders findings as the files are read.
func byPlace(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

func sortFindings(fs []Finding) { slices.SortStableFunc(fs, byPlace) }
