package audit

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/envelope"
)

// MaxLine bounds a line in bytes.
const MaxLine = 64 << 10

// maxText bounds the texts of an event that programs choose.
const maxText = 1024

const macMember = `,"mac":"`

var errLine = errors.New("sealsql: this is not a line of an audit trail")

// key authenticates lines.
type key interface {
	Meta() envelope.KeyMeta
	Sum(dst, message []byte) ([]byte, error)
	Close()
}

// encode returns the line of a record, without the line's end, and its MAC.
func encode(r *Record, k key) (line []byte, mac string, err error) {
	r.MACKey = keyName(k.Meta())
	r.trim()
	b, err := json.Marshal(r)
	if err != nil {
		return nil, "", err
	}
	b = b[:len(b)-1]
	sum, err := k.Sum(nil, input(b))
	if err != nil {
		return nil, "", err
	}
	mac = base64.StdEncoding.EncodeToString(sum)
	return append(b, macMember+mac+`"}`...), mac, nil
}

func input(line []byte) []byte { return append([]byte("sealsql/v1/audit\n"), line...) }

// KeyVersion is how a trail names a key version.
func KeyVersion(m envelope.KeyMeta) string { return keyName(m) }

func keyName(m envelope.KeyMeta) string { return m.ID + "@" + strconv.FormatInt(m.Created, 10) }

// trim bounds what programs choose.
func (r *Record) trim() {
	for _, s := range []*string{&r.Actor, &r.Purpose, &r.Table, &r.Partition, &r.Provider, &r.Key} {
		*s = cut(*s)
	}
	const most = 64
	if len(r.Columns) > most {
		r.Columns = append(r.Columns[:most-1:most-1], "…")
	}
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Line is a line of a trail, taken apart and not verified.
type Line struct {
	Record
	MAC  string
	body []byte
}

// ParseLine takes a line apart.
func ParseLine(b []byte) (*Line, error) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	at := bytes.LastIndex(b, []byte(macMember))
	if len(b) > MaxLine || at < 0 || !bytes.HasSuffix(b, []byte(`"}`)) {
		return nil, errLine
	}
	l := &Line{body: b[:at:at]}
	d := json.NewDecoder(bytes.NewReader(append(l.body, '}')))
	d.DisallowUnknownFields()
	if err := d.Decode(&l.Record); err != nil || d.More() {
		return nil, errLine
	}
	l.MAC = string(b[at+len(macMember) : len(b)-2])
	if raw, err := base64.StdEncoding.Strict().DecodeString(l.MAC); err != nil || len(raw) != envelope.MACSize {
		return nil, errLine
	}
	if l.V != 1 || l.Writer == "" || l.Seq < 1 {
		return nil, errLine
	}
	return l, nil
}

// authentic compares the line's MAC.
func (l *Line) authentic(k key) (bool, error) {
	sum, err := k.Sum(nil, input(l.body))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(sum)), []byte(l.MAC)) == 1, nil
}

// macKey reads the creation time of the key that authenticates the line.
func (l *Line) macKey() (created int64, ok bool) {
	id, text, found := strings.Cut(l.MACKey, "@")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, found && err == nil && n > 0 && strings.HasSuffix(id, "/"+KeyName)
}

// KeyName is the name of the key that authenticates trails.
const KeyName = "audit"
