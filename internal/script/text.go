package script

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// File is a file with its content. It is immutable.
type File struct {
	Name  string
	Data  string
	lines []int // offsets at which lines begin
}

// NewFile makes a File; nothing is read.
func NewFile(name, data string) *File {
	f := &File{Name: name, Data: data, lines: []int{0}}
	for i := 0; ; {
		n := strings.IndexByte(data[i:], '\n')
		if n < 0 {
			return f
		}
		i += n + 1
		f.lines = append(f.lines, i)
	}
}

// Place is a place in a file. Line and Column count from 1; Column counts
// characters (Unicode code points).
type Place struct {
	File         string
	Line, Column int
}

// Place returns the place of a byte offset; one outside the file counts as
// its nearer end.
func (f *File) Place(off int) Place {
	off = max(0, min(off, len(f.Data)))
	n := sort.SearchInts(f.lines, off+1)
	return Place{f.Name, n, utf8.RuneCountInString(f.Data[f.lines[n-1]:off]) + 1}
}

// Text is SQL that knows where each of its bytes was written. It is immutable;
// the zero value is empty.
type Text struct {
	SQL  string
	segs []segment // by at; the first is at 0
}

// segment says where a run of bytes comes from: byte i of the text is at
// off+i-at of the file, or at off for all of them where still is set.
type segment struct {
	at    int
	file  *File
	off   int
	still bool
}

// Text returns the bytes [from, to) of the file.
func (f *File) Text(from, to int) Text {
	return Text{f.Data[from:to], []segment{{0, f, from, false}}}
}

// At returns sql as written at one place of the file: what was computed from
// something there, like an escape sequence.
func (f *File) At(sql string, off int) Text {
	return Text{sql, []segment{{0, f, off, true}}}
}

// find returns the index of the segment that holds byte off.
func (t Text) find(off int) int {
	return sort.Search(len(t.segs), func(i int) bool { return t.segs[i].at > off }) - 1
}

// Place returns where a byte was written; an offset outside the text counts as
// its nearer end.
func (t Text) Place(off int) Place {
	if len(t.segs) == 0 {
		return Place{Line: 1, Column: 1}
	}
	off = max(0, min(off, len(t.SQL)))
	s := t.segs[t.find(off)]
	if s.still {
		return s.file.Place(s.off)
	}
	return s.file.Place(s.off + off - s.at)
}

// Slice returns the bytes [from, to) of the text.
func (t Text) Slice(from, to int) Text {
	if from >= to || len(t.segs) == 0 {
		return Text{}
	}
	out := Text{SQL: t.SQL[from:to]}
	for i := t.find(from); i < len(t.segs) && t.segs[i].at < to; i++ {
		s := t.segs[i]
		if s.at < from {
			if !s.still {
				s.off += from - s.at
			}
			s.at = from
		}
		s.at -= from
		out.segs = append(out.segs, s)
	}
	return out
}

// Join puts texts one behind the other.
func Join(texts ...Text) Text {
	var out Text
	var b strings.Builder
	for _, t := range texts {
		if t.SQL == "" {
			continue
		}
		for _, s := range t.segs {
			s.at += b.Len()
			out.segs = append(out.segs, s)
		}
		b.WriteString(t.SQL)
	}
	out.SQL = b.String()
	return out
}

// Edit replaces the bytes [From, To) of a text.
type Edit struct {
	From, To int
	SQL      string
}

// Replace applies edits, which are in order and do not overlap. What is put in
// counts as written where the bytes that it replaces begin.
func (t Text) Replace(edits []Edit) Text {
	if len(edits) == 0 || len(t.segs) == 0 {
		return t
	}
	parts := make([]Text, 0, 2*len(edits)+1)
	at := 0
	for _, e := range edits {
		s := t.segs[t.find(e.From)]
		off := s.off
		if !s.still {
			off += e.From - s.at
		}
		parts = append(parts, t.Slice(at, e.From), s.file.At(e.SQL, off))
		at = e.To
	}
	return Join(append(parts, t.Slice(at, len(t.SQL)))...)
}
