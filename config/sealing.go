package config

import (
	"strconv"
	"time"

	"github.com/sealsql/sealsql/schema"
)

// sealingKeys are the keys that say what records look like, as one level of the
// file gives them.
type sealingKeys struct {
	algorithm, dataKey string
	pad                *padding
	compress           *threshold
	read               []formWord
	given              bool // read is given, if only as an empty list
	verify             string
}

// over returns k, completed by what the level above says.
func (k sealingKeys) over(base sealingKeys) sealingKeys {
	if k.algorithm == "" {
		k.algorithm = base.algorithm
	}
	if k.dataKey == "" {
		k.dataKey = base.dataKey
	}
	if k.pad == nil {
		k.pad = base.pad
	}
	if k.compress == nil {
		k.compress = base.compress
	}
	if !k.given {
		k.read, k.given = base.read, base.given
	}
	if k.verify == "" {
		k.verify = base.verify
	}
	return k
}

// sealing makes the form of a column's records of the keys of all levels. at is
// the place of the lowest.
func (p *parse) sealing(at path, k sealingKeys) schema.Sealing {
	s := schema.Sealing{Suite: schema.SuiteAES}
	switch {
	case k.algorithm == string(schema.SuiteChaCha20) && k.dataKey == "wrapped":
		if place := at.key("algorithm"); !p.reported(place) {
			p.dec.at(place, "ChaCha20-Poly1305 has no wrapped data keys", "use data_key: derived, or algorithm: AES-256-GCM")
		}
	case k.algorithm == string(schema.SuiteChaCha20):
		s.Suite = schema.SuiteChaCha20
	case k.dataKey == "wrapped":
		s.Suite = schema.SuiteWrapped
	}
	if k.pad != nil {
		s.Pad = int(*k.pad)
	}
	if k.compress != nil {
		s.Compress = int(*k.compress)
	}
	for _, word := range k.read {
		if word != "" { // reported
			s.Read = append(s.Read, string(word))
		}
	}
	return s
}

func (s *defaultsSection) sealing(d *decoder, at path) sealingKeys {
	return sealingKeys{s.Algorithm, s.DataKey, s.Pad, s.Compress, s.Read, d.has(at.key("read")), s.Verify}
}

func (s *tableSection) sealing(d *decoder, at path) sealingKeys {
	return sealingKeys{s.Algorithm, s.DataKey, s.Pad, s.Compress, s.Read, d.has(at.key("read")), s.Verify}
}

func (s *columnSection) sealing(d *decoder, at path) sealingKeys {
	return sealingKeys{s.Algorithm, s.DataKey, s.Pad, s.Compress, s.Read, d.has(at.key("read")), s.Verify}
}

// padding is none, padme or a block size.
type padding int

func paddingWords() []string {
	words := []string{"none", "padme"}
	for n := schema.MinPad; n <= schema.MaxPad; n *= 2 {
		words = append(words, strconv.Itoa(n))
	}
	return words
}

func (v *padding) set(text string) (problem, suggestion string) {
	switch text {
	case "none":
		*v = 0
		return "", ""
	case "padme":
		*v = schema.PadPadme
		return "", ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < schema.MinPad || n > schema.MaxPad || n&(n-1) != 0 {
		return "this is not a padding", "none, padme, or a power of two from 16 to 65536"
	}
	*v = padding(n)
	return "", ""
}

// threshold is none or a number of bytes.
type threshold int

func (v *threshold) set(text string) (problem, suggestion string) {
	if text == "none" {
		*v = 0
		return "", ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < schema.MinCompress || n > schema.MaxCompress {
		return "this is not a threshold", "none, or the number of bytes from which values are compressed, 16 or more"
	}
	*v = threshold(n)
	return "", ""
}

// formWord is a suite or form that is read.
type formWord string

func (v *formWord) set(text string) (problem, suggestion string) {
	words := schema.ReadWords()
	for _, w := range words {
		if text == w {
			*v = formWord(text)
			return "", ""
		}
	}
	if near := schema.Nearest(text, words); near != "" {
		return "this word is not known here", "did you mean " + near + "?"
	}
	return "this word is not known here", "a suite, or unbound, padded, unpadded, compressed"
}

// rowIdentitySection is where the identity of a row comes from.
type rowIdentitySection struct {
	Column string    `yaml:"column" required:"true" doc:"A clear key column of the same row, which never changes."`
	Type   *typeName `yaml:"type" required:"true" doc:"Type of the column; it decides the form in which its values are bound."`
}

func (s *rowIdentitySection) check(d *decoder, p path) {
	if s.Column == "" {
		d.at(p.key("column"), "the column name is empty", "name the key column")
	}
}

func (s *rowIdentitySection) identity() (r schema.RowIdentity) {
	if s == nil || s.Column == "" || s.Type == nil { // the latter two are reported
		return r
	}
	return schema.RowIdentity{Column: s.Column, Type: schema.Type(*s.Type)}
}

// moment is a date or a time with its zone.
type moment time.Time

func (v *moment) set(text string) (problem, suggestion string) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 9999 {
			*v = moment(t.UTC())
			return "", ""
		}
	}
	return "this is not a time", "write a date, 2026-01-31, or a time with its zone, 2026-01-31T12:00:00Z"
}

func (v *moment) time() time.Time {
	if v == nil {
		return time.Time{}
	}
	return time.Time(*v)
}
