package config_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
)

const guide = "../docs/configuration.md"

func readGuide(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheGuidesExamplesAreAccepted(t *testing.T) {
	blocks := strings.Split(readGuide(t), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("no examples")
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		if !strings.HasPrefix(text, "version:") {
			text = diffHead + text
		}
		if _, err := config.Parse("guide", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

func TestTheGuideNamesEveryKey(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(config.JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	text := readGuide(t)
	seen := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v["properties"].(map[string]any); ok {
				for key := range p {
					seen++
					if !strings.Contains(text, "`"+key+"`") && !strings.Contains(text, "."+key+"`") && !strings.Contains(text, "{"+key+":") && !strings.Contains(text, key+": ") {
						t.Errorf("%s does not name the key %s", guide, key)
					}
				}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(root)
	if seen < 40 {
		t.Errorf("only %d keys", seen)
	}
}

func TestTheGuideNamesEveryDefault(t *testing.T) {
	text := readGuide(t)
	for _, value := range []string{"encryption_key", "90d", "60m", "1m", "65536", "60s", "10000", "tinylfu", "2h", "1024", "10m", "prefer", "compact", "AES-256-GCM", "{const: default}", "strict", "binary", "auto", "30s", "warn", "4096"} {
		if !strings.Contains(text, "`"+value+"`") {
			t.Errorf("%s does not name the default %s", guide, value)
		}
	}
}
