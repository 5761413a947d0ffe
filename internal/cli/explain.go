package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
)

var explainFormats = []string{"text", "json"}

func explainCommand() *cobra.Command {
	var o planningOptions
	var showLiterals bool
	cmd := &cobra.Command{
		Use:   "explain --dialect DIALECT SQL",
		Short: "Say what the driver does with a statement",
		Long: `Plans SQL (or - for standard input) and prints the text that the driver sends,
what becomes of every parameter and result column, and what the database sees of
it; or why the statement is refused, with its place and what to write instead.
Of several statements each is explained. Values are masked unless --show-literals
is given. Nothing is executed.

What names mean is read from --db or --schema, or taken from the statements with
--infer-schema; without these only the tables of the configuration are known.

Exit status: 0 if every statement can be sent, 1 if one is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.usage(explainFormats, args[0]); err != nil {
				return err
			}
			return work(func(cmd *cobra.Command, args []string) error { return explainText(cmd, o, args[0], showLiterals) })(cmd, args)
		},
	}
	o.flags(cmd, explainFormats)
	cmd.Flags().BoolVar(&showLiterals, "show-literals", false, "print values and comments of the statement as they are")
	return cmd
}

// explanation is the JSON form of the output; members are added, not changed.
type explanation struct {
	Version int    `json:"version"`
	Dialect string `json:"dialect"`
	// Catalog says what was known of the database.
	Catalog    string           `json:"catalog"`
	Statements []explain.Report `json:"statements"`
	// Together is set where the statements can be sent one by one but not as
	// one text.
	Together *explain.Refusal `json:"together,omitempty"`
}

func explainText(cmd *cobra.Command, o planningOptions, sql string, showLiterals bool) error {
	file, err := statementText(cmd.InOrStdin(), sql)
	if err != nil {
		return err
	}
	w, err := o.world(cmd)
	if err != nil {
		return err
	}
	view, err := w.View(o.front())
	if err != nil {
		return err
	}
	e := &explainer{o: o, w: w, masker: explain.Masker{Front: o.front(), Session: &w.Session, Known: view.KnowsName, ShowLiterals: showLiterals}}
	together, err := w.View(o.front())
	if err != nil {
		return err
	}
	out := explanation{Version: 1, Dialect: o.dialect, Catalog: w.Known}
	clean := true
	for _, p := range script.Split(o.front(), file.Data, &w.Session) {
		if p.Client {
			continue
		}
		r := e.statement(file.Text(p.From, p.To), view, true)
		clean = clean && r.Refusal == nil
		out.Statements = append(out.Statements, r)
	}
	if len(out.Statements) == 0 {
		return errors.New("there is no statement")
	}
	if clean && len(out.Statements) > 1 {
		out.Together = e.statement(file.Text(0, len(file.Data)), together, false).Refusal
		clean = out.Together == nil
	}
	return write(cmd.OutOrStdout(), clean, func(w io.Writer) error { return out.write(w, o.format) })
}

// statementText takes the statements from the argument or from standard input.
func statementText(stdin io.Reader, sql string) (*script.File, error) {
	if sql != "-" {
		return script.NewFile("", sql), nil
	}
	text, err := readScript(stdin, "-")
	return script.NewFile("-", text), err
}

// explainer explains statements.
type explainer struct {
	o      planningOptions
	w      *offline.World
	masker explain.Masker
}

func (e *explainer) statement(text script.Text, view *offline.View, learn bool) explain.Report {
	parsed := explain.Parse(e.o.front(), text.SQL, &e.w.Session)
	v := explain.Judge(e.o.front(), text.SQL, parsed, view.Catalog(parsed), &e.w.Session, e.o.withPartition)
	r := explain.Describe(v, text, e.masker)
	if learn {
		view.Learn(parsed, text.SQL)
	}
	return r
}

func (x *explanation) write(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(x)
	}
	for i, r := range x.Statements {
		if len(x.Statements) > 1 {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "statement %d, line %d: ", i+1, r.Line)
		}
		if err := r.Write(w); err != nil {
			return err
		}
	}
	if x.Together != nil {
		fmt.Fprintf(w, "\nsent as one text: ")
		if err := (explain.Report{Status: explain.StatusRefused, Refusal: x.Together}).Write(w); err != nil {
			return err
		}
	}
	x.footnotes(w)
	return nil
}

// footnotes say what holds for every record, and what the answer is worth.
func (x *explanation) footnotes(w io.Writer) {
	if notes := explain.Footnotes(x.Statements); len(notes) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
	}
	if note := offline.Note(x.Catalog); note != "" {
		fmt.Fprintf(w, "\n%s\n", note)
	}
}
