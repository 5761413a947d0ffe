package explain

import (
	"errors"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// Verdict is what the planner decides about one text: Plan or Refusal is set.
type Verdict struct {
	Plan    *rewrite.Plan
	Refusal *rewrite.UnsupportedError
	// Parsed is the tree of the text; nil where no parser understands it. Such
	// a text may still pass.
	Parsed *rewrite.Script
}

// Judge plans a text as the driver would when it is run once, with arguments if
// it has placeholders. It does not panic.
func Judge(f rewrite.Frontend, text string, parsed *rewrite.Script, c rewrite.Catalog, s *rewrite.Session, withPartition bool) Verdict {
	v := Verdict{Parsed: parsed}
	plan, err := rewrite.PlanOnce(f, text, c, s, rewrite.Options{HasArgs: hasParams(f, text, s), ContextPartition: withPartition})
	switch {
	case err == nil && plan.Executes != nil:
		v.Refusal = &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonDynamic, Hint: "what it runs is known to the connection that has prepared it; look at the PREPARE"}
	case err == nil:
		v.Plan = prepared(plan)
	case !errors.As(err, &v.Refusal):
		v.Refusal = &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonParser}
	}
	return v
}

// prepared shows the plan of a PREPARE as that of the statement in it.
func prepared(p *rewrite.Plan) *rewrite.Plan {
	s := p.Prepares
	if s == nil || p.Pass {
		return p
	}
	shown := *p.With(&s.ResultSet)
	shown.Args, shown.ArgsSame, shown.Params = s.Args, false, s.Params
	return &shown
}

// Parse returns the tree of a text, nil where no parser understands it.
func Parse(f rewrite.Frontend, text string, s *rewrite.Session) *rewrite.Script {
	prepared, err := f.Prepare(text, s)
	if err != nil {
		return nil
	}
	parsed, err := f.Parse(prepared, s)
	if err != nil {
		return nil
	}
	return parsed
}

func hasParams(f rewrite.Frontend, text string, s *rewrite.Session) bool {
	found := false
	if t, ok := f.(rewrite.Tokenizer); ok {
		t.EachToken(text, 0, s, func(t rewrite.Token) bool {
			found = t.Kind == rewrite.TokParam
			return !found
		})
	}
	return found
}

// Masker shows texts of one statement.
type Masker struct {
	Front   rewrite.Frontend
	Session *rewrite.Session
	// Known are names of the configuration and of the database; those that can
	// only be names in the statement itself are added.
	Known func(string) bool
	// ShowLiterals hides nothing.
	ShowLiterals bool
}

// Mask returns the text as it may be shown.
func (m Masker) Mask(text string, parsed *rewrite.Script) script.Masked {
	if m.ShowLiterals {
		return script.Shown(text)
	}
	var names map[string]bool
	if parsed != nil {
		names = script.Names(parsed)
	}
	return script.Mask(m.Front, text, m.Session, func(name string) bool { return names[name] || m.Known(name) })
}
