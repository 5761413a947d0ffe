package envelope

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"
)

const maxColumnID = 255

// ColumnOptions holds what is optional about a column. What its records are
// made of is decided here for sealing and demanded on opening: a record in any
// other form is refused, whatever its header says.
type ColumnOptions struct {
	// CarryPartition writes the partition id into every record, so that a reader
	// who does not know it finds the key: for tables whose partition is not a
	// constant.
	CarryPartition bool
	// Suite is what values are sealed with; zero is SuiteDerived.
	Suite Suite
	// Read lists further suites whose records are opened.
	Read []Suite
	// BindRow demands a row identity: SealRow and OpenRow instead of Seal and
	// Open.
	BindRow bool
	// Compress is the size in bytes from which values are compressed (zstd); 0 is
	// never. What does not become smaller is sealed as it is. The length of a
	// compressed value says how compressible it is: where an attacker can add
	// text to a secret, that gives the secret away.
	Compress int
	// Pad hides lengths; the zero value does not.
	Pad Padding
	// Accept lists forms that are opened besides the one that is sealed.
	Accept Form
}

// Form is a set of forms of records.
type Form uint8

// Forms that a column may accept besides its own.
const (
	// FormUnbound: records without row identity in a column with BindRow. A
	// writer of the database can exchange those between rows.
	FormUnbound Form = 1 << iota
	// FormCompressed: compressed records in a column that does not compress.
	FormCompressed
	// FormPadded: padded records in a column that does not pad.
	FormPadded
	// FormUnpadded: records without padding in a column that pads.
	FormUnpadded
)

// Column is a column that values are sealed for. It is immutable.
type Column struct {
	s     *Sealer
	id    string
	tag   [4]byte
	n     uint32
	carry bool

	suite    Suite
	reads    uint16 // bit set of suites
	flags    byte   // of every record that is sealed
	must     byte   // flags that every record that is opened has
	may      byte   // flags that one may have
	compress int
	pad      Padding

	contexts [contextSlots]atomic.Pointer[columnContext]
}

// Column prepares the column with the given stable id, 1 to 255 bytes of valid
// UTF-8 ("table.column" by default; the id is bound into every value, so a
// changed id makes stored values unreadable). Two ids whose tags are equal
// cannot live in one Sealer. Options that make no sense are an error, and
// ErrFIPS is a suite that FIPS 140-3 mode forbids.
func (s *Sealer) Column(id string, o ColumnOptions) (*Column, error) {
	if id == "" || len(id) > maxColumnID || !utf8.ValidString(id) {
		return nil, errors.New("sealsql: column id must be 1 to 255 bytes of valid UTF-8")
	}
	c := &Column{s: s, id: id, tag: ColumnTag(id), carry: o.CarryPartition}
	if err := c.form(&o); err != nil {
		return nil, err
	}
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

// form sets what records of the column look like.
func (c *Column) form(o *ColumnOptions) error {
	if c.suite = o.Suite; c.suite == 0 {
		c.suite = SuiteDerived
	}
	for _, x := range append([]Suite{c.suite}, o.Read...) {
		if err := x.allowed(); err != nil {
			return err
		}
		c.reads |= 1 << x
	}
	if o.Compress < 0 || !o.Pad.valid() || o.Accept&^(FormUnbound|FormCompressed|FormPadded|FormUnpadded) != 0 {
		return errors.New("sealsql: options of the column make no sense")
	}
	c.compress, c.pad = o.Compress, o.Pad
	c.may = flagPartition
	if o.CarryPartition {
		c.flags |= flagPartition
	}
	c.demand(flagRow, o.BindRow, o.BindRow && o.Accept&FormUnbound == 0, false)
	c.demand(flagPadded, o.Pad != PadNone, o.Pad != PadNone && o.Accept&FormUnpadded == 0, o.Accept&FormPadded != 0)
	c.demand(flagCompressed, false, false, o.Compress > 0 || o.Accept&FormCompressed != 0)
	return nil
}

// demand says of one flag: whether it is set by sealing, needed for opening, and
// accepted there though it is not set.
func (c *Column) demand(flag byte, set, need, accept bool) {
	if set {
		c.flags |= flag
	}
	if need {
		c.must |= flag
	}
	if set || accept {
		c.may |= flag
	}
}

// shapes reports whether values are changed before they are encrypted.
func (c *Column) shapes() bool { return c.pad != PadNone || c.compress > 0 }

// accepts holds a record's form against what the column demands (threats T15).
func (c *Column) accepts(h *header) error {
	switch {
	case c.reads&(1<<h.suite) == 0:
		return &RecordError{ReasonSuite}
	case h.flags&c.must != c.must || h.flags&^c.may != 0:
		return &RecordError{ReasonForm}
	}
	return nil
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

// BindsRow reports whether values of the column are sealed for one row.
func (c *Column) BindsRow() bool { return c.flags&flagRow != 0 }

// columnContext is the context hash of the column's values in one partition.
type columnContext struct {
	partition string
	sum       [sha256.Size]byte
}

// contextSlots is the number of partitions whose context hash a column keeps.
// With one data key for each value, hashing anew would cost as much as
// encrypting.
const contextSlots = 16

// context returns what key derivation and associated data know of the place of a
// value. The result is shared and not to be changed.
func (c *Column) context(partition string) *[sha256.Size]byte {
	slot := &c.contexts[hashString(partition)%contextSlots]
	if x := slot.Load(); x != nil && x.partition == partition {
		return &x.sum
	}
	x := &columnContext{partition: partition, sum: c.hashContext(partition)}
	slot.Store(x)
	return &x.sum
}

// contextOnce is context for who needs it once in a while: where it is not kept
// it is computed into sum, and not kept either.
func (c *Column) contextOnce(sum *[sha256.Size]byte, partition string) *[sha256.Size]byte {
	if x := c.contexts[hashString(partition)%contextSlots].Load(); x != nil && x.partition == partition {
		return &x.sum
	}
	*sum = c.hashContext(partition)
	return sum
}

func (c *Column) hashContext(partition string) [sha256.Size]byte {
	return contextHash(c.s.c.Service, c.s.c.Product, c.id, partition)
}

// contextHash is SHA-256 over the length-prefixed fields.
func contextHash(service, product, column, partition string) [sha256.Size]byte {
	var scratch [256]byte
	b := appendField(scratch[:0], "sealsql/v1/context")
	b = appendField(b, service)
	b = appendField(b, product)
	b = appendField(b, column)
	b = appendField(b, partition)
	return sha256.Sum256(b)
}
