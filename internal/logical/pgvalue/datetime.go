package pgvalue

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// epoch is 2000-01-01 in seconds of Unix time, where PostgreSQL counts from.
const epoch = 946684800

// The ranges of documentation §8.5, exclusive at the end: dates and timestamps
// begin on 24 November 4714 BC.
const (
	microsPerDay = 86400 * 1_000_000
	firstDay     = -2451545
	endDay       = 2145031949 // 5874898-01-01
	firstMicros  = firstDay * microsPerDay
	endMicros    = 9223371331200000000 // 294277-01-01
)

// appendDate writes a number of days since 2000-01-01.
func appendDate(dst []byte, days int64) ([]byte, problem) {
	if days != math.MaxInt32 && days != math.MinInt32 && (days < firstDay || days >= endDay) {
		return nil, logical.ProblemRange
	}
	return binary.BigEndian.AppendUint32(dst, uint32(int32(days))), ""
}

// appendTimestamp writes an instant; what is below a microsecond is cut off,
// as pgx does it.
func appendTimestamp(dst []byte, t *schema.Type, x time.Time) ([]byte, problem) {
	s := x.Unix() - epoch
	if s < firstMicros/1_000_000 || s >= endMicros/1_000_000 {
		return nil, logical.ProblemRange
	}
	return appendMicros(dst, t, s*1_000_000+int64(x.Nanosecond())/1000)
}

// appendMicros writes microseconds since 2000-01-01, rounded to the column's
// fraction: half away from that day.
func appendMicros(dst []byte, t *schema.Type, us int64) ([]byte, problem) {
	if us != math.MaxInt64 && us != math.MinInt64 {
		if us < firstMicros || us >= endMicros {
			return nil, logical.ProblemRange
		}
		if us = roundMicros(t, us); us < firstMicros || us >= endMicros {
			return nil, logical.ProblemRange
		}
	}
	return logical.AppendInt64(dst, us), ""
}

// appendTimeOfDay writes microseconds since midnight, 24:00:00 included.
func appendTimeOfDay(dst []byte, t *schema.Type, us int64) ([]byte, problem) {
	if us < 0 || us > microsPerDay {
		return nil, logical.ProblemRange
	}
	return logical.AppendInt64(dst, roundMicros(t, us)), ""
}

func roundMicros(t *schema.Type, us int64) int64 {
	if !t.HasFraction || t.Fraction >= 6 {
		return us
	}
	unit := int64(1)
	for range 6 - t.Fraction {
		unit *= 10
	}
	if us < 0 {
		return -((-us + unit/2) / unit * unit)
	}
	return (us + unit/2) / unit * unit
}

// moment is what is written in a date, time or timestamp.
type moment struct {
	infinity      int // +1, -1
	hasDay        bool
	day           time.Time // midnight, UTC
	hasTime       bool
	joined        bool  // by T, which the input of time does not take
	micros        int64 // of the day
	hasOffset     bool
	offsetSeconds int
}

// momentFromText is the input function of date, time, timestamp and
// timestamptz for the ISO 8601 forms; s is without blanks around it.
func momentFromText(dst []byte, t *schema.Type, oid uint32, s string) (payload []byte, tag logical.Tag, why problem) {
	m, ok := parseMoment(s)
	if !ok || m.hasOffset && !m.hasTime {
		return nil, 0, "not written as YYYY-MM-DD, HH:MM:SS, or both"
	}
	if oid == pgtype.TimeOID {
		if !m.hasTime || m.joined {
			return nil, 0, logical.ProblemSyntax
		}
		payload, why = appendTimeOfDay(dst, t, m.micros)
		return payload, logical.TagTime, why
	}
	return m.append(dst, t, oid)
}

func (m *moment) append(dst []byte, t *schema.Type, oid uint32) (payload []byte, tag logical.Tag, why problem) {
	if m.infinity == 0 && !m.hasDay {
		return nil, 0, logical.ProblemSyntax
	}
	seconds := m.day.Unix() - epoch
	switch oid {
	case pgtype.DateOID:
		days := seconds / 86400
		if m.infinity != 0 {
			days = infinite(m.infinity, math.MinInt32, math.MaxInt32)
		}
		payload, why = appendDate(dst, days)
		return payload, logical.TagDate, why
	case pgtype.TimestampOID:
		tag = logical.TagTimestamp
	default:
		tag = logical.TagTimestampTZ
		if m.infinity == 0 && !m.hasOffset {
			return nil, 0, "no offset from UTC (the session's time zone is not looked at)"
		}
		seconds -= int64(m.offsetSeconds)
	}
	if m.infinity != 0 {
		payload, why = appendMicros(dst, t, infinite(m.infinity, math.MinInt64, math.MaxInt64))
		return payload, tag, why
	}
	if seconds < firstMicros/1_000_000-86400*2 || seconds > endMicros/1_000_000 {
		return nil, 0, logical.ProblemRange
	}
	payload, why = appendMicros(dst, t, seconds*1_000_000+m.micros)
	return payload, tag, why
}

func infinite(sign int, low, high int64) int64 {
	if sign < 0 {
		return low
	}
	return high
}

// parseMoment reads [date][T| ][time][offset][ BC], or an infinity.
func parseMoment(s string) (m moment, ok bool) {
	switch strings.ToLower(s) {
	case "infinity", "+infinity":
		return moment{infinity: 1}, true
	case "-infinity":
		return moment{infinity: -1}, true
	}
	s, bc := strings.CutSuffix(s, " BC")
	if rest, ok := m.takeDate(s, bc); ok {
		s = rest
		if s == "" {
			return m, true
		}
		if s[0] != ' ' && s[0] != 'T' && s[0] != 't' {
			return m, false
		}
		m.joined = s[0] != ' '
		s = s[1:]
	} else if bc {
		return m, false
	}
	s, ok = m.takeTime(s)
	return m, ok && m.takeOffset(s)
}

// takeDate reads year-month-day; the year has four to seven digits.
func (m *moment) takeDate(s string, bc bool) (rest string, ok bool) {
	y, s, ok := number(s, 4, 7)
	if !ok || s == "" || s[0] != '-' {
		return "", false
	}
	mo, s, ok := number(s[1:], 1, 2)
	if !ok || s == "" || s[0] != '-' {
		return "", false
	}
	d, s, ok := number(s[1:], 1, 2)
	if !ok || y == 0 {
		return "", false
	}
	if bc {
		y = 1 - y
	}
	m.day = time.Date(y, time.Month(mo), d, 0, 0, 0, 0, time.UTC)
	m.hasDay = m.day.Year() == y && int(m.day.Month()) == mo && m.day.Day() == d
	return s, m.hasDay
}

// takeTime reads hours:minutes[:seconds[.fraction]]; 24:00:00 is the end of
// the day.
func (m *moment) takeTime(s string) (rest string, ok bool) {
	h, s, ok := number(s, 1, 2)
	if !ok || s == "" || s[0] != ':' {
		return "", false
	}
	mi, s, ok := number(s[1:], 1, 2)
	if !ok {
		return "", false
	}
	sec, fraction := 0, ""
	if s != "" && s[0] == ':' {
		if sec, s, ok = number(s[1:], 1, 2); !ok {
			return "", false
		}
		if s != "" && s[0] == '.' {
			n := 1
			for n < len(s) && s[n] >= '0' && s[n] <= '9' {
				n++
			}
			fraction, s = s[1:n], s[n:]
		}
	}
	m.hasTime = true
	m.micros = int64(h*3600+mi*60+sec)*1_000_000 + microsOf(fraction)
	return s, h <= 24 && mi <= 59 && sec <= 59 && m.micros <= microsPerDay
}

// microsOf rounds a decimal fraction to microseconds, half to even as the
// server's rint does.
func microsOf(fraction string) int64 {
	var us int64
	for i := range 6 {
		us *= 10
		if i < len(fraction) {
			us += int64(fraction[i] - '0')
		}
	}
	if len(fraction) > 6 {
		rest := fraction[6:]
		half := rest[0] == '5' && strings.Trim(rest[1:], "0") == ""
		if rest[0] >= '5' && !(half && us%2 == 0) {
			us++
		}
	}
	return us
}

// takeOffset reads nothing, Z, UTC, or a sign with hours[:minutes[:seconds]] or
// hhmm, with a blank before it or not.
func (m *moment) takeOffset(s string) bool {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return true
	}
	m.hasOffset = true
	if s == "Z" || s == "z" || s == "UTC" {
		return true
	}
	sign := 1
	switch s[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return false
	}
	if s = s[1:]; len(s) == 4 && !strings.Contains(s, ":") { // hhmm
		s = s[:2] + ":" + s[2:]
	}
	h, s, ok := number(s, 1, 2)
	if !ok || h > 15 {
		return false
	}
	m.offsetSeconds = h * 3600
	for unit := 60; s != "" && unit > 0; unit /= 60 {
		var v int
		if s[0] != ':' {
			return false
		}
		if v, s, ok = number(s[1:], 2, 2); !ok || v > 59 {
			return false
		}
		m.offsetSeconds += v * unit
	}
	m.offsetSeconds *= sign
	return s == ""
}

// number reads least to most digits.
func number(s string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		if i == most {
			return 0, "", false
		}
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}
