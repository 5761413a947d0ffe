package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the page of docs")

const published = "../../docs/leakage-example.html"

// TestThePublishedPageIsTheOneOfTheseData builds the database anew: its keys are
// random, and what they give away is not.
func TestThePublishedPageIsTheOneOfTheseData(t *testing.T) {
	var page bytes.Buffer
	want, err := os.ReadFile(published)
	if err != nil && !*update {
		t.Fatal(err)
	}
	// Two tokens of 32 bits meet in one of some thousand runs: look twice.
	for range 2 {
		r, err := measure(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		page.Reset()
		if err := r.HTML(&page); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(page.Bytes(), want) {
			return
		}
	}
	if *update {
		if err := os.WriteFile(published, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is out of date: run go test ./examples/leakage -update", published)
}
