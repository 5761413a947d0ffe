package envelope

import "encoding/base64"

// Head is what a record says in clear of the key that it was sealed under.
// Nothing of it is authenticated until the record is opened.
type Head struct {
	// Created is the creation time of the partition's key, in Unix seconds.
	Created int64
	// Column is the tag of the column (schema.Tag of its id).
	Column [4]byte
	// Partition is the partition id, where the record carries it; else "".
	Partition string
	Suite     Suite
	// KeyID is, in Asherah's format, the id of the partition's key; there Column,
	// Partition and Suite are not told.
	KeyID string
}

// HeadSize is the number of bytes of a record that ReadHead needs at most, and
// ArmouredHeadSize that of characters of its armour.
const (
	HeadSize         = headSize + 1 + maxPartition
	ArmouredHeadSize = len(armourMark) + (HeadSize+2)/3*4
)

// ReadHead reads the head of a record, of which HeadSize bytes may be given, or
// of its armour, of which ArmouredHeadSize characters may be. It needs no key and
// decrypts nothing. The error is ErrNotSealed or a *RecordError.
func ReadHead(b []byte) (Head, error) {
	if IsArmoured(b) {
		body := b[len(armourMark):]
		body = body[:min(len(body), ArmouredHeadSize-len(armourMark))]
		raw := make([]byte, 0, HeadSize+3)
		// A record that was cut ends in the middle of a group of four.
		if len(b) > ArmouredHeadSize-4 {
			body = body[:len(body)/4*4]
		}
		raw, err := base64.RawURLEncoding.AppendDecode(raw, body)
		if err != nil {
			return Head{}, &RecordError{ReasonArmour}
		}
		b = raw
	}
	var h header
	if err := h.parseHead(b); err != nil {
		return Head{}, err
	}
	return Head{Created: int64(h.created), Column: h.column, Partition: string(h.partition()), Suite: h.suite}, nil
}

// ReadAsherahHead is ReadHead for a whole record in Asherah's format.
func ReadAsherahHead(record []byte) (Head, error) {
	var r DataRowRecord
	if err := r.UnmarshalJSON(record); err != nil {
		return Head{}, err
	}
	if r.Key == nil || r.Key.ParentKeyMeta == nil || r.Key.ParentKeyMeta.ID == "" {
		return Head{}, &RecordError{ReasonFormat}
	}
	return Head{Created: r.Key.ParentKeyMeta.Created, KeyID: r.Key.ParentKeyMeta.ID}, nil
}
