package config

import (
	"slices"
	"strings"
)

// Audit says where the audit trail is, and what is in it beside the columns that
// ask for it. The zero value is no trail.
type Audit struct {
	// File is a path, made relative to the working directory; Log is the
	// program's structured log; Table a table of the application's database.
	// Several may be given.
	File  string
	Log   bool
	Table string
	// Drop has statements go on, and counts what is left out, when the trail
	// cannot be written; otherwise they wait.
	Drop bool
	// Queue is the number of events that wait at most.
	Queue int
	// Keys records what is done with keys.
	Keys bool
}

type auditSection struct {
	File   string `yaml:"file" doc:"Path of the file that lines are appended to; readable by its owner only. Relative to this file."`
	Log    bool   `yaml:"log" default:"false" doc:"Lines go to the program's structured log (log/slog)."`
	Table  string `yaml:"table" doc:"Table of the application's database that lines are inserted into, as sealsql audit init makes it; not on SQLite."`
	OnFull string `yaml:"on_full" enum:"block drop" default:"block" doc:"What happens when the trail cannot be written: statements on audited columns wait, or go on and what is left out is counted."`
	Queue  int    `yaml:"queue" default:"4096" min:"1" max:"1000000" doc:"Events that wait to be written."`
	Keys   bool   `yaml:"keys" default:"true" doc:"Whether what is done with keys is recorded."`
}

func (s *auditSection) check(d *decoder, p path) {
	switch {
	case s.File == "" && s.Table == "" && !s.Log:
		d.at(p, "a place for the trail must be named", "file: PATH, table: NAME, or log: true")
	case s.Table != "" && !isTableName(s.Table):
		d.at(p.key("table"), "this is not a table name", "letters, digits and _, at most 63")
	}
}

func (*auditSection) refine(s map[string]any) { property(s, "table")["pattern"] = tablePattern }

var auditWords = []string{"read", "write", "search", "delete"}

// auditWord is a kind of statement that is recorded.
type auditWord string

func (w *auditWord) set(text string) (problem, suggestion string) {
	if !slices.Contains(auditWords, text) {
		return "this word is not known here", "write one or more of " + strings.Join(auditWords, ", ")
	}
	*w = auditWord(text)
	return "", ""
}

func (p *parse) audit(s *auditSection) Audit {
	if s == nil {
		return Audit{}
	}
	return Audit{
		File: resolve(p.name, s.File), Log: s.Log, Table: s.Table, Drop: s.OnFull == "drop", Queue: s.Queue, Keys: s.Keys,
	}
}
