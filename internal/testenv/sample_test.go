package testenv

import (
	"fmt"
	"slices"
	"testing"
)

func TestASampleIsOfTheSizeAskedForAndInOrder(t *testing.T) {
	for size := 1; size <= 12; size++ {
		all := make([]int, size)
		for i := range all {
			all[i] = i
		}
		for n := 1; n <= size; n++ {
			for name := range 20 {
				got := sample(fmt.Sprint(name), all, n)
				if len(got) != n || !slices.IsSorted(got) {
					t.Fatalf("%d of %d: got %v", n, size, got)
				}
			}
		}
	}
}

func TestSamplesOfManyTestsTogetherAreAll(t *testing.T) {
	seen := map[int]bool{}
	for name := range 100 {
		for _, x := range sample(fmt.Sprint("TestThreats/", name), []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 1) {
			seen[x] = true
		}
	}
	if len(seen) != 9 {
		t.Errorf("a hundred tests take %d of nine", len(seen))
	}
}

func TestAllIsTakenWithoutTheRaceDetectorAndByLongRuns(t *testing.T) {
	all := []int{1, 2, 3}
	t.Setenv(EnvLong, "1")
	if got := Sample(t, all, 1); len(got) != 3 || Sampled() {
		t.Errorf("long: got %v", got)
	}
	t.Setenv(EnvLong, "")
	want := 3
	if raceEnabled {
		want = 1
	}
	if got := Sample(t, all, 1); len(got) != want {
		t.Errorf("got %v", got)
	}
}
