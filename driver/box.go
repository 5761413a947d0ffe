package driver

import (
	"database/sql/driver"
	"unsafe"
)

// box is a driver.Value of bytes that is given others for the next row. Making a
// driver.Value of a []byte allocates what an interface points to, 24 bytes, for each
// value; where values are valid until the next row only, as on MySQL, one will do for
// all of a column.
type box struct {
	bytes *[]byte
	value driver.Value
}

// put returns the value for p: the value of the calls before, with other bytes.
func (b *box) put(p []byte) driver.Value {
	if !boxesWork {
		return p
	}
	if b.bytes == nil {
		b.make()
	}
	*b.bytes = p
	return b.value
}

// clear lets go of the last row's bytes, which may be a part of a large packet.
func (b *box) clear() {
	if b.bytes != nil {
		*b.bytes = nil
	}
}

// make makes an interface of the []byte that b.bytes points to.
func (b *box) make() {
	b.bytes, b.value = new([]byte), []byte{}
	(*iface)(unsafe.Pointer(&b.value)).data = unsafe.Pointer(b.bytes)
}

// iface is how Go lays out an interface without methods.
type iface struct{ typ, data unsafe.Pointer }

// boxesWork is false for a Go that lays them out otherwise.
var boxesWork = func() bool {
	var v driver.Value = []byte("ab")
	if unsafe.Sizeof(v) != unsafe.Sizeof(iface{}) {
		return false
	}
	p := (*iface)(unsafe.Pointer(&v)).data
	return p != nil && string(*(*[]byte)(p)) == "ab"
}()
