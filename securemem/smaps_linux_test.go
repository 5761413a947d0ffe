package securemem

import (
	"fmt"
	"strings"
	"unsafe"
)

// vmFlags returns the VmFlags line of the mapping that holds mem.
func vmFlags(smaps string, mem []byte) string {
	at := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
	inside := false
	for line := range strings.Lines(smaps) {
		var from, to uint64
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = from <= at && at < to
		}
		if rest, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return rest
		}
	}
	return ""
}
