package driver

import (
	"log/slog"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Guards says what a missing guard is: the CHECK constraint of `sealsql ddl`,
// by which the server itself keeps anything but records out of an encrypted
// column (threats T10).
type Guards uint8

// GuardsOff does not look for guards; it is the zero value. GuardsWarn logs
// those that are missing, once for each set of columns. GuardsRequire refuses
// statements on annotated tables, and Ping, until they are there.
const (
	GuardsOff Guards = iota
	GuardsWarn
	GuardsRequire
)

// guardWords are the configuration's words.
var guardWords = map[string]Guards{"off": GuardsOff, "warn": GuardsWarn, "require": GuardsRequire}

const guardHint = "add the guards that `sealsql ddl` prints, or set guards: off"

// guardFindings turns missing guards into findings, or warns.
func (cs *catalogs) guardFindings(near *rewrite.Snapshot) []rewrite.Finding {
	if cs.guards == GuardsOff {
		return nil
	}
	missing := unguarded(near, cs.annotations)
	if len(missing) == 0 {
		return nil
	}
	if cs.guards == GuardsWarn {
		key := strings.Join(missing, ", ")
		if _, told := cs.warned.LoadOrStore(key, true); !told {
			slog.Warn("sealsql: encrypted columns have no guard in the database", "columns", key, "hint", guardHint)
		}
		return nil
	}
	out := make([]rewrite.Finding, len(missing))
	for i, c := range missing {
		out[i] = rewrite.Finding{Column: c, Problem: "the column has no guard in the database", Hint: guardHint}
	}
	return out
}

// warnPending logs the annotated columns that their tables lack, once for each
// set of columns: the tables can be altered but not written.
func (cs *catalogs) warnPending(near *rewrite.Snapshot) {
	var missing []string
	for _, c := range rewrite.Pending(near, cs.annotations) {
		missing = append(missing, c.String())
	}
	if len(missing) == 0 {
		return
	}
	key := strings.Join(missing, ", ")
	if _, told := cs.warned.LoadOrStore("pending "+key, true); !told {
		slog.Warn("sealsql: tables lack columns that the configuration encrypts and cannot be written", "columns", key, "hint", "add them with ALTER TABLE, or correct the configuration")
	}
}

// unguarded names the encrypted columns of annotated tables without a guard.
func unguarded(snap *rewrite.Snapshot, annotations *schema.Catalog) []string {
	var out []string
	for _, c := range rewrite.MissingGuards(snap, annotations) {
		out = append(out, c.String())
	}
	for _, e := range rewrite.MissingIndexGuards(snap, annotations) {
		out = append(out, e.Column().Table.Name+"."+e.Physical())
	}
	return out
}
