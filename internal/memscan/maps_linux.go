package memscan

import (
	"fmt"
	"os"
	"strings"
)

// Region is a mapping of the process.
type Region struct {
	From, To uint64
	Perms    string
	Name     string
	Resident uint64 // bytes in RAM or swap
	Locked   bool   // never written to swap
	NoDump   bool   // left out of core dumps
}

// Regions reads the mappings of a process from /proc/PID/smaps.
func Regions(pid int) ([]Region, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil, err
	}
	var all []Region
	for line := range strings.Lines(string(b)) {
		var r Region
		var offset, device, inode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %s", &r.From, &r.To, &r.Perms, &offset, &device, &inode); n == 6 {
			if f := strings.Fields(line); len(f) > 5 {
				r.Name = f[5]
			}
			all = append(all, r)
			continue
		}
		if len(all) > 0 {
			all[len(all)-1].detail(line)
		}
	}
	return all, nil
}

func (r *Region) detail(line string) {
	key, value, _ := strings.Cut(line, ":")
	switch key {
	case "Rss", "Swap":
		var kib uint64
		if _, err := fmt.Sscan(value, &kib); err == nil {
			r.Resident += kib << 10
		}
	case "VmFlags":
		for flag := range strings.FieldsSeq(value) {
			switch flag {
			case "lo":
				r.Locked = true
			case "dd":
				r.NoDump = true
			}
		}
	}
}
