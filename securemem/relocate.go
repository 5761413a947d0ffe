package securemem

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"reflect"
	"sync"
	"unsafe"
)

// relocatable reports whether the toolchain's AES-GCM objects can be moved into
// a slot: they must be free of pointers, fit, and compute the same afterwards.
// Other toolchains and FIPS 140-3 mode answer no; ciphers then stay on the heap.
var relocatable = sync.OnceValue(func() bool {
	return !fips140.Enabled() && relocationWorks()
})

// relocationWorks moves a cipher under a fixed key and compares a known answer.
func relocationWorks() (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var key [32]byte
	for i := range key {
		key[i] = byte(i)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return false
	}
	aead, err := cipher.NewGCM(block)
	if err != nil || !movable(reflect.TypeOf(aead)) {
		return false
	}
	var nonce [12]byte
	text := []byte("known answer of a moved cipher")
	want := aead.Seal(nil, nonce[:], text, key[:])
	mem := alignTo(make([]byte, largeSlot+slotAlign), slotAlign)
	moved := relocate(aead, &mem[0])
	if !bytes.Equal(moved.Seal(nil, nonce[:], text, key[:]), want) {
		return false
	}
	plain, err := moved.Open(nil, nonce[:], want, key[:])
	return err == nil && bytes.Equal(plain, text)
}

// movable reports whether t is a pointer to a struct that fits a slot and holds
// no pointer of any kind.
func movable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct &&
		t.Elem().Size() <= largeSlot && t.Elem().Align() <= slotAlign && pointerFree(t.Elem())
}

func pointerFree(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return true
	case reflect.Array:
		return pointerFree(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !pointerFree(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}

// relocate copies the object behind aead to p, zeroes the original and returns
// the copy as a cipher. movable must hold for its type.
func relocate(aead cipher.AEAD, p *byte) cipher.AEAD {
	v := reflect.ValueOf(aead)
	moved := reflect.NewAt(v.Type().Elem(), unsafe.Pointer(p))
	moved.Elem().Set(v.Elem())
	v.Elem().SetZero()
	return moved.Interface().(cipher.AEAD)
}

// zero overwrites the struct behind a pointer, or behind the first field of a
// struct that wraps one, as the cipher for random nonces does. It is used on
// the key schedules of aes and gcm; anything else is left alone.
func zero(object any) {
	v := reflect.ValueOf(object)
	if v.Kind() == reflect.Struct && v.NumField() > 0 {
		v = v.Field(0)
	}
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return
	}
	free, ok := zeroable.Load(v.Type())
	if !ok {
		free = pointerFree(v.Type().Elem())
		zeroable.Store(v.Type(), free)
	}
	if !free.(bool) {
		return
	}
	clear(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
}

// zeroable remembers what pointerFree says of the two or three types that zero
// is called with: walking them costs as much as an encryption.
var zeroable sync.Map
