//go:build unix

package killtest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// absent is the content of a row that is not there.
const absent = -1

// journal is what a writer was about to do and what it was told: a file, to which
// each line is synced before the writer goes on.
type journal struct {
	f    *os.File
	rows map[int]map[int]bool // contents that a row may have; none known: absent
	seq  int
	next int // content that was not used yet
	acks int
	open map[int]intent // by number
}

// intent is a change that was not heard of again.
type intent struct {
	id     int
	before map[int]bool
}

// readJournal reads what a writer left, whose contents begin at first. A last
// line that is torn was not followed by anything.
func readJournal(path string, first int) (*journal, error) {
	j := &journal{rows: map[int]map[int]bool{}, next: first, open: map[int]intent{}}
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	for _, line := range strings.Split(string(text[:end]), "\n") {
		if err := j.apply(line); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// openJournal goes on where the writer was.
func openJournal(path string, first int) (*journal, error) {
	j, err := readJournal(path, first)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err == nil && len(text) > 0 && text[len(text)-1] != '\n' {
		err = os.Truncate(path, int64(bytes.LastIndexByte(text, '\n')+1))
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	j.f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return j, err
}

func (j *journal) apply(line string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return nil
	}
	n := make([]int, len(f))
	for i := 1; i < len(f); i++ {
		var err error
		if n[i], err = strconv.Atoi(f[i]); err != nil {
			return err
		}
	}
	switch {
	case f[0] == "i" && len(f) == 4: // i SEQ ID CONTENT
		before := j.known(n[2])
		j.seq, j.open[n[1]] = n[1], intent{n[2], before}
		after := map[int]bool{n[3]: true}
		for k := range before {
			after[k] = true
		}
		j.rows[n[2]] = after
		j.next = max(j.next, n[3]+1)
		return nil
	case f[0] == "a" && len(f) == 3: // a SEQ CONTENT
		j.rows[j.open[n[1]].id] = map[int]bool{n[2]: true}
		j.acks++
	case f[0] == "f" && len(f) == 2: // f SEQ
		j.rows[j.open[n[1]].id] = j.open[n[1]].before
	default:
		return fmt.Errorf("not a line of a journal: %q", line)
	}
	if _, ok := j.open[n[1]]; !ok {
		return fmt.Errorf("no such change: %q", line)
	}
	delete(j.open, n[1])
	return nil
}

// known are the contents that a row may have.
func (j *journal) known(id int) map[int]bool {
	if k := j.rows[id]; k != nil {
		return k
	}
	return map[int]bool{absent: true}
}

// sure is the content of a row, if there is one that it must have.
func (j *journal) sure(id int) (int, bool) {
	k := j.known(id)
	for c := range k {
		return c, len(k) == 1
	}
	return absent, false
}

func (j *journal) write(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	if err := j.apply(line); err != nil {
		return err
	}
	if _, err := j.f.WriteString(line + "\n"); err != nil {
		return err
	}
	return j.f.Sync()
}

// intend writes down that a row is to get a content, and returns the number.
func (j *journal) intend(id, content int) (int, error) {
	err := j.write("i %d %d %d", j.seq+1, id, content)
	return j.seq, err
}

// acknowledged and failed write down how it went.
func (j *journal) acknowledged(seq, content int) error { return j.write("a %d %d", seq, content) }

func (j *journal) failed(seq int) error { return j.write("f %d", seq) }
