package freeport

import "testing"

func TestAPortIsNoneThatTheKernelGives(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		port, err := Port()
		if err != nil {
			t.Fatal(err)
		}
		if first := firstGiven(); first > 11000 && port >= first {
			t.Fatalf("port %d; the kernel gives those from %d", port, first)
		}
		if _, err := listen(port); err != nil {
			t.Fatalf("port %d is not free: %v", port, err)
		}
		seen[port] = true
	}
	if len(seen) < 2 {
		t.Fatal("every caller gets the same port")
	}
}
