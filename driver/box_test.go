package driver

import (
	"runtime"
	"testing"
)

func TestABoxIsGivenOtherBytes(t *testing.T) {
	if !boxesWork {
		t.Fatal("this Go lays interfaces out otherwise: driver/box.go makes each value by itself")
	}
	var b box
	for _, want := range []string{"a", "", "longer than before", "x"} {
		v := b.put([]byte(want))
		runtime.GC() // what the value points to is only found through it
		if got, ok := v.([]byte); !ok || string(got) != want {
			t.Fatalf("%T %q, want %q", v, v, want)
		}
	}
	b.clear()
	if *b.bytes != nil {
		t.Error("a result that was closed holds its last row")
	}
	p := []byte("p")
	if n := testing.AllocsPerRun(100, func() { b.put(p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestValuesAreMadeOneByOneWhereBoxesDoNotWork(t *testing.T) {
	boxesWork = false
	defer func() { boxesWork = true }()
	var b box
	first, second := b.put([]byte("1")), b.put([]byte("2"))
	if string(first.([]byte)) != "1" || string(second.([]byte)) != "2" {
		t.Errorf("%q %q", first, second)
	}
}
