package envelope

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// IndexNote is what the metastore says of a search index: how far its move to
// another definition has come, for instance. Notes are numbered and only ever
// added; each is authenticated with its number under a named key
// (IndexNoteKey), so that whoever can write to the metastore can take notes away,
// and neither make nor change one.
type IndexNote struct {
	// Seq is the number, from 1.
	Seq int
	// Payload is what AddIndexNote was given. It is not encrypted.
	Payload []byte
}

// IndexNoteKey is the name of the key that authenticates notes (Sealer.MACKey).
const IndexNoteKey = "index-notes"

// Limits of notes.
const (
	MaxIndexNotes  = 20000
	maxNotePayload = 16 << 10
)

// noteHead is what stands before the payload: the creation time of the key, and
// the MAC.
const noteHead = 8 + MACSize

// noteID is the id of the rows of a subject, which may be of any length.
func (s *Sealer) noteID(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return s.ids().note + "~" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// LatestIndexNote returns the newest note of a subject, always from the
// metastore. Where there is none the error matches ErrKeyNotFound; a row that is
// no note, or not authentic, is one that matches ErrTampered. That newer notes
// were taken away cannot be seen here: the caller remembers Seq.
func (s *Sealer) LatestIndexNote(ctx context.Context, subject string) (*IndexNote, error) {
	meta := KeyMeta{ID: s.noteID(subject)}
	rec, err := s.store.LoadLatest(ctx, meta.ID)
	if rec, err = checkRow(rec, err, meta, s.store); err != nil {
		return nil, err
	}
	meta = rec.Meta
	if rec.Meta.Created%indexCreated != 0 || meta.Created/indexCreated > MaxIndexNotes || len(rec.Key) < noteHead || rec.Parent != nil {
		return nil, rowFault(meta, "the row is no note of an index")
	}
	created := int64(binary.BigEndian.Uint64(rec.Key))
	if created <= 0 {
		return nil, rowFault(meta, "the row is no note of an index")
	}
	key, err := s.MACKey(ctx, IndexNoteKey, created)
	if errors.Is(err, ErrKeyNotFound) {
		return nil, rowFault(meta, "the key that authenticates the note is not there")
	}
	if err != nil {
		return nil, err
	}
	defer key.Close()
	payload := rec.Key[noteHead:]
	mac, err := noteMAC(key, meta, payload)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(mac, rec.Key[8:noteHead]) != 1 {
		return nil, rowFault(meta, "the note is not authentic")
	}
	return &IndexNote{Seq: int(meta.Created / indexCreated), Payload: payload}, nil
}

// AddIndexNote adds note number seq of a subject, from 1 on. stored is false
// where there is one of that number.
func (s *Sealer) AddIndexNote(ctx context.Context, subject string, seq int, payload []byte) (stored bool, err error) {
	if seq < 1 || seq > MaxIndexNotes || len(payload) > maxNotePayload {
		return false, fmt.Errorf("sealsql: an index has at most %d notes of %d bytes", MaxIndexNotes, maxNotePayload)
	}
	key, err := s.MACKey(ctx, IndexNoteKey, 0)
	if err != nil {
		return false, err
	}
	defer key.Close()
	meta := KeyMeta{ID: s.noteID(subject), Created: int64(seq) * indexCreated}
	mac, err := noteMAC(key, meta, payload)
	if err != nil {
		return false, err
	}
	rec := &KeyRecord{Meta: meta, Key: append(append(binary.BigEndian.AppendUint64(nil, uint64(key.Meta().Created)), mac...), payload...)}
	stored, err = s.store.Store(ctx, rec)
	if err != nil {
		return false, storeError("store", meta, s.store, err)
	}
	return stored, nil
}

func noteMAC(key *MACKey, meta KeyMeta, payload []byte) ([]byte, error) {
	b := appendField(nil, "sealsql/v1/index-note")
	b = appendField(b, meta.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(meta.Created))
	return key.Sum(nil, appendField(b, string(payload)))
}
