package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheTimeOfAServerDoesNotGoBack(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, ns string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(ns+" 1 2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := ticks{}
	want := func(when string, ns time.Duration) {
		t.Helper()
		got, err := all.sum(func() []string { return []string{a, b} })
		if err != nil || got != ns {
			t.Errorf("%s: %d, %v; want %d", when, got, err, ns)
		}
	}
	write(a, "100")
	write(b, "40")
	want("two processes", 140)
	write(a, "110")
	want("one goes on", 150)
	os.Remove(b)
	want("the other ends", 150)
	write(b, "5")
	want("another has its number", 155)
	os.Remove(a)
	os.Remove(b)
	if _, err := all.sum(func() []string { return nil }); err != errServerElsewhere {
		t.Errorf("no process: %v", err)
	}
}

func TestTheCheapestQuarterIsCompared(t *testing.T) {
	if got := cheap([]float64{9, 1, 8, 3, 9, 9, 9, 9}); got != 2 {
		t.Errorf("got %v, want 2", got)
	}
	if got := cheap([]float64{7}); got != 7 {
		t.Errorf("got %v, want 7", got)
	}
}
