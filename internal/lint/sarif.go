package lint

import (
	"encoding/json"
	"io"
	"net/url"
	"path"

	"github.com/sealsql/sealsql/rewrite"
)

// The parts of SARIF 2.1.0 (OASIS Standard, 27 March 2020) that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// WriteSARIF prints the report in SARIF 2.1.0: one rule for every reason of
// refusal, one result of level error for every statement that is refused.
func (r *Report) WriteSARIF(w io.Writer, version string) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "sealsql", Version: version}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	index := map[string]int{}
	for i, reason := range rewrite.Reasons() {
		index[reason.Name()] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{reason.Name(), sarifMessage{reason.String()}})
	}
	for _, f := range r.Findings {
		text := f.Headline()
		if f.Hint != "" {
			text += ": " + f.Hint
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: "error",
			Message: sarifMessage{text}, Locations: location(Place{f.File, f.Line, f.Column}),
		})
	}
	inv := sarifInvocation{ExecutionSuccessful: len(r.Unreadable) == 0}
	for _, u := range r.Unreadable {
		inv.ToolExecutionNotifications = append(inv.ToolExecutionNotifications, sarifNotification{"error", sarifMessage{u.Message}, location(u.Place)})
	}
	run.Invocations = []sarifInvocation{inv}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func location(p Place) []sarifLocation {
	u := url.URL{Path: p.File}
	if path.IsAbs(p.File) {
		u.Scheme = "file"
	}
	return []sarifLocation{{sarifPhysical{sarifArtifact{u.String()}, sarifRegion{p.Line, p.Column}}}}
}
