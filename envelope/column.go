package envelope

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode/utf8"
)

const maxColumnID = 255

// ColumnOptions holds what is optional about a column.
type ColumnOptions struct {
	// CarryPartition writes the partition id into every record, so that a reader
	// who does not know it finds the key: for tables whose partition is not a
	// constant.
	CarryPartition bool
}

// Column is a column that values are sealed for. It is immutable.
type Column struct {
	s     *Sealer
	id    string
	tag   [4]byte
	n     uint32
	carry bool
}

// Column prepares the column with the given stable id, 1 to 255 bytes of valid
// UTF-8 ("table.column" by default; the id is bound into every value, so a
// changed id makes stored values unreadable). Two ids whose tags are equal
// cannot live in one Sealer.
func (s *Sealer) Column(id string, o ColumnOptions) (*Column, error) {
	if id == "" || len(id) > maxColumnID || !utf8.ValidString(id) {
		return nil, errors.New("sealsql: column id must be 1 to 255 bytes of valid UTF-8")
	}
	c := &Column{s: s, id: id, tag: ColumnTag(id), carry: o.CarryPartition}
	s.columns.Lock()
	defer s.columns.Unlock()
	if other, ok := s.columns.byTag[c.tag]; ok && other != id {
		return nil, fmt.Errorf("sealsql: columns %q and %q have the same tag: give one of them another id", other, id)
	}
	s.columns.byTag[c.tag] = id
	s.columns.n++
	c.n = s.columns.n
	return c, nil
}

// ColumnTag returns the tag of a column id: the first four bytes of SHA-256
// over a label and the id.
func ColumnTag(id string) [4]byte {
	sum := sha256.Sum256(appendField(appendField(nil, "sealsql/v1/column"), id))
	return [4]byte(sum[:4])
}

// ID returns the stable id.
func (c *Column) ID() string { return c.id }

// Tag returns the tag that the column's records carry.
func (c *Column) Tag() [4]byte { return c.tag }
