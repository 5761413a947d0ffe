package corpus_test

import (
	"regexp"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// enumerated finds the definition of an enumerated type.
var enumerated = regexp.MustCompile(`(?is)\bcreate\s+type\s+"?([a-z_][a-z0-9_]*)"?\s+as\s+enum\s*\(([^)]*)\)`)

// unsampled are enumerated types whose definitions the sample leaves out (listmonk).
var unsampled = map[string][]string{
	"list_optin":        {"single", "double"},
	"subscriber_status": {"enabled", "disabled", "blocklisted"},
	"campaign_status":   {"draft", "running", "scheduled", "paused", "cancelled", "finished"},
}

// enumsOf are the enumerated types that the applications of the corpus define. Where
// two give one name to different types the first is taken: their labels do not
// matter to planning.
func enumsOf(lines []line, home string) map[rewrite.RelationID][]string {
	out := map[rewrite.RelationID][]string{}
	for name, labels := range unsampled {
		out[rewrite.RelationID{Schema: home, Name: name}] = labels
	}
	for i := range lines {
		for _, m := range enumerated.FindAllStringSubmatch(lines[i].SQL, -1) {
			id := rewrite.RelationID{Schema: home, Name: strings.ToLower(m[1])}
			if out[id] != nil || lines[i].class() != "application DDL" {
				continue
			}
			for _, label := range strings.Split(m[2], ",") {
				out[id] = append(out[id], strings.Trim(strings.TrimSpace(label), "'"))
			}
		}
	}
	return out
}

// typeOf reads a type; an enumerated one is the text of its label.
func (l *language) typeOf(name string) (schema.Type, error) {
	if l.enums[rewrite.RelationID{Schema: l.home, Name: strings.ToLower(name)}] != nil {
		name = "text"
	}
	return schema.ParseType(name)
}
