package builtin

import (
	"encoding/binary"

	"github.com/sealsql/sealsql/envelope"
)

// packed holds the rows of one id in one piece without pointers, oldest first.
// As records they would be six objects a row, and with a hundred thousand
// partitions the collector would spend more time on looking through them than
// the making of the keys takes. A row is
//
//	created, varint | revoked, a byte |
//	number of the parent's id, uvarint, 0 for none | its created, varint, if any |
//	key | state, each with its length + 1 in front, uvarint, 0 for nil
type packed []byte

// row is one of the rows; key and state are parts of the packed.
type row struct {
	created       int64
	revoked       bool
	parent        uint64
	parentCreated int64
	key, state    []byte
}

func (p packed) append(r *row) packed {
	p = binary.AppendVarint(p, r.created)
	if r.revoked {
		p = append(p, 1)
	} else {
		p = append(p, 0)
	}
	if p = binary.AppendUvarint(p, r.parent); r.parent != 0 {
		p = binary.AppendVarint(p, r.parentCreated)
	}
	return p.field(r.key).field(r.state)
}

func (p packed) field(b []byte) packed {
	if b == nil {
		return append(p, 0)
	}
	return append(binary.AppendUvarint(p, uint64(len(b))+1), b...)
}

// next takes the first row off. What is read here was written by append.
func (p *packed) next() (r row) {
	r.created = p.varint()
	r.revoked = (*p)[0] != 0
	*p = (*p)[1:]
	if r.parent = p.uvarint(); r.parent != 0 {
		r.parentCreated = p.varint()
	}
	r.key, r.state = p.bytes(), p.bytes()
	return r
}

func (p *packed) varint() int64 {
	v, n := binary.Varint(*p)
	*p = (*p)[n:]
	return v
}

func (p *packed) uvarint() uint64 {
	v, n := binary.Uvarint(*p)
	*p = (*p)[n:]
	return v
}

func (p *packed) bytes() []byte {
	n := p.uvarint()
	if n == 0 {
		return nil
	}
	b := (*p)[: n-1 : n-1]
	*p = (*p)[n-1:]
	return b
}

// rowSize is more than what a row takes beside key and state.
const rowSize = 32

// pack makes a row of a record, whose parent's id gets a number.
func (m *Memory) pack(r *envelope.KeyRecord) row {
	x := row{created: r.Meta.Created, revoked: r.Revoked, key: r.Key, state: r.State}
	if r.Parent == nil {
		return x
	}
	n, ok := m.numbers[r.Parent.ID]
	if !ok {
		m.parents = append(m.parents, r.Parent.ID)
		n = uint64(len(m.parents))
		m.numbers[r.Parent.ID] = n
	}
	x.parent, x.parentCreated = n, r.Parent.Created
	return x
}

// unpack makes a record of a row, with nothing in common.
func (m *Memory) unpack(id string, x *row) *envelope.KeyRecord {
	r := envelope.KeyRecord{
		Meta: envelope.KeyMeta{ID: id, Created: x.created}, Revoked: x.revoked, Key: x.key, State: x.state,
	}
	if x.parent != 0 {
		r.Parent = &envelope.KeyMeta{ID: m.parents[x.parent-1], Created: x.parentCreated}
	}
	return r.Clone()
}

// split gives the rows before, at and after a creation time.
func (p packed) split(created int64) (before, at, after packed) {
	rest := p
	for len(rest) > 0 {
		from := rest
		switch r := rest.next(); {
		case r.created == created:
			return p[:len(p)-len(from)], from[:len(from)-len(rest)], rest
		case r.created > created:
			return p[:len(p)-len(from)], nil, from
		}
	}
	return p, nil, nil
}

// with returns the rows before, the record and the rows after in one piece.
func (m *Memory) with(before packed, r *envelope.KeyRecord, after packed) packed {
	x := m.pack(r)
	out := make(packed, 0, len(before)+rowSize+len(r.Key)+len(r.State)+len(after))
	return append(append(out, before...).append(&x), after...)
}
