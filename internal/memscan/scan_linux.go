package memscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Hit is a needle that was found.
type Hit struct {
	Needle
	At uint64
	In Region
}

func (h Hit) String() string {
	where := h.In.Name
	if where == "" {
		where = "anonymous memory"
	}
	if h.In.Locked {
		where += ", locked"
	}
	return fmt.Sprintf("%s: %s at %#x (%s)", h.Key, h.Form, h.At, where)
}

// Report is the outcome of a scan.
type Report struct {
	Hits []Hit
	// Bytes is the amount of memory that was read.
	Bytes uint64
	// Skipped are mappings that are too large to be looked through, as the
	// shadow memory of the race detector is.
	Skipped []Region
}

// maxRegion bounds a mapping that is looked through in bytes of address space.
const maxRegion = 64 << 30

// maxHits ends the search of a needle that is everywhere.
const maxHits = 10000

// Scan stops the process, reads all memory that it has written or read, and lets
// it go on. The caller needs the right to trace the process, as a parent has.
func Scan(pid int, needles []Needle) (*Report, error) {
	if err := stop(pid); err != nil {
		return nil, err
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	regions, err := Regions(pid)
	if err != nil {
		return nil, err
	}
	s := &scan{index: newIndex(needles), report: &Report{}}
	if s.mem, err = os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err != nil {
		return nil, err
	}
	defer s.mem.Close()
	if s.pages, err = os.Open(fmt.Sprintf("/proc/%d/pagemap", pid)); err != nil {
		return nil, err
	}
	defer s.pages.Close()
	for _, r := range regions {
		if err := s.region(r); err != nil {
			return nil, err
		}
	}
	if s.report.Bytes == 0 {
		return nil, errors.New("memscan: nothing could be read")
	}
	return s.report, nil
}

// ScanFile looks through a file, such as a core dump.
func ScanFile(path string, needles []Needle) (*Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s := &scan{mem: f, index: newIndex(needles), report: &Report{}}
	return s.report, s.read(0, uint64(info.Size()), Region{Name: path})
}

// stop sends SIGSTOP and waits until the process stands.
func stop(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for range 1000 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return err
		}
		if i := strings.LastIndex(string(b), ") "); i >= 0 && i+2 < len(b) && (b[i+2] == 'T' || b[i+2] == 't') {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("memscan: the process does not stop")
}

type scan struct {
	mem, pages *os.File
	index      *index
	report     *Report
	buf        []byte
}

// region looks through the resident pages of a mapping.
func (s *scan) region(r Region) error {
	if r.Resident == 0 || !strings.HasPrefix(r.Perms, "r") || strings.HasPrefix(r.Name, "[v") {
		return nil // [vdso], [vvar] and [vsyscall] are the kernel's
	}
	if r.To-r.From > maxRegion {
		s.report.Skipped = append(s.report.Skipped, r)
		return nil
	}
	from := r.From
	for from < r.To {
		start, end, err := s.run(from, r.To)
		if err != nil {
			return err
		}
		if err := s.read(start, end, r); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// run finds the next run of pages in RAM or swap: bits 63 and 62 of their
// entries in pagemap.
func (s *scan) run(from, to uint64) (start, end uint64, err error) {
	page := uint64(os.Getpagesize())
	var entries [8 << 10]byte
	start, end = to, to
	for at := from; at < to; {
		n := min((to-at)/page*8, uint64(len(entries)))
		if _, err := s.pages.ReadAt(entries[:n], int64(at/page*8)); err != nil {
			return 0, 0, err
		}
		for i := uint64(0); i < n; i += 8 {
			there := entries[i+7]&0xc0 != 0
			if there && start == to {
				start = at
			}
			if !there && start != to {
				return start, at, nil
			}
			at += page
		}
	}
	return start, end, nil
}

// chunk is how much is read at once in bytes.
const chunk = 1 << 20

func (s *scan) read(from, to uint64, r Region) error {
	keep := 0 // bytes of the chunk before, for needles that cross its end
	if s.buf == nil {
		s.buf = make([]byte, chunk+4096)
	}
	for at := from; at < to; {
		n := int(min(to-at, chunk))
		got, err := s.mem.ReadAt(s.buf[keep:keep+n], int64(at))
		if err != nil && got < n {
			if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EFAULT) {
				return nil // a mapping of a device, or one cut by its file's end
			}
			return err
		}
		window := s.buf[:keep+n]
		s.report.Bytes += uint64(n)
		s.search(window, keep, at-uint64(keep), r)
		at += uint64(n)
		rest := min(len(window), s.index.longest-1)
		copy(s.buf, window[len(window)-rest:])
		keep = rest
	}
	return nil
}

// search finds every needle in b, which lies at address base; not those within
// its first seen bytes, which the chunk before showed.
func (s *scan) search(b []byte, seen int, base uint64, r Region) {
	for _, f := range s.index.find(b, nil) {
		if f.at+len(f.needle.text) > seen && len(s.report.Hits) < maxHits {
			s.report.Hits = append(s.report.Hits, Hit{Needle: *f.needle, At: base + uint64(f.at), In: r})
		}
	}
}

// index finds many needles in one pass: by their first eight bytes, after a
// filter of bits that nearly always says no.
type index struct {
	filter  [1 << 16]uint64
	first   map[uint64][]*Needle
	longest int
}

func newIndex(needles []Needle) *index {
	x := &index{first: map[uint64][]*Needle{}, longest: 1}
	for i := range needles {
		n := &needles[i]
		head := binary.LittleEndian.Uint64(n.text)
		x.first[head] = append(x.first[head], n)
		word, bit := place(head)
		x.filter[word] |= bit
		x.longest = max(x.longest, len(n.text))
	}
	return x
}

func place(head uint64) (word uint64, bit uint64) {
	h := head * 0x9e3779b97f4a7c15
	return h >> 48, 1 << (h >> 42 & 63)
}

type found struct {
	at     int
	needle *Needle
}

// find is not instrumented by the race detector, which would make it ten times
// slower: it works on memory of one goroutine.
//
//go:norace
func (x *index) find(b []byte, out []found) []found {
	if len(b) < 8 {
		return out
	}
	for i := range len(b) - 7 {
		head := binary.LittleEndian.Uint64(b[i:])
		word, bit := place(head)
		if x.filter[word]&bit == 0 {
			continue
		}
		out = x.confirm(b, i, head, out)
	}
	return out
}

func (x *index) confirm(b []byte, i int, head uint64, out []found) []found {
	for _, n := range x.first[head] {
		if len(b)-i >= len(n.text) && string(b[i:i+len(n.text)]) == string(n.text) {
			out = append(out, found{i, n})
		}
	}
	return out
}
