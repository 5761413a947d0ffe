package securemem

import (
	"runtime"
	"strings"
	"testing"
)

// The build with GOEXPERIMENT=runtimesecret must be the one in which the runtime
// erases; otherwise the experiment would be tested by its name only.
func TestTheRuntimeErasesWhereItWasBuiltTo(t *testing.T) {
	if want := strings.Contains(runtime.Version(), "runtimesecret"); erasing != want {
		t.Errorf("built by %s, erasing is %v", runtime.Version(), erasing)
	}
}
