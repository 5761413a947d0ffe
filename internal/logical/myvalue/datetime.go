package myvalue

import (
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
)

// date is a calendar day; parts may be zero.
type date struct{ year, month, day int }

// clock is a time of day or a span; nanos has nine digits.
type clock struct {
	negative                       bool
	hours, minutes, seconds, nanos int
}

func (c clock) isZero() bool {
	c.negative = false
	return c == clock{}
}

const problemMoment = "not written as YYYY-MM-DD, HH:MM:SS, or both"

// The range of TIMESTAMP in UTC: the first and the end of 31 bits of seconds.
const (
	firstTimestamp = 1
	endTimestamp   = 1 << 31
)

// maxHours limits TIME to 838:59:59.999999.
const maxHours = 838

// appendMoment is what DATE, TIME, DATETIME and TIMESTAMP do with text.
func (c *Codec) appendMoment(dst []byte, col *column, s string) ([]byte, problem) {
	s = trimSpace(s)
	d, rest, hasDate := takeDate(s)
	if !hasDate {
		if col.tag != logical.TagTime {
			return nil, problemMoment
		}
		k, ok := parseSpan(s)
		if !ok || c.o.MySQL && s[0] == '+' {
			return nil, problemMoment
		}
		return c.appendTime(dst, col, k)
	}
	var k clock
	if rest != "" {
		var ok bool
		if k, ok = parseClock(strings.TrimLeft(rest[1:], " ")); !ok || rest[0] != ' ' && rest[0] != 'T' || k.hours > 23 {
			return nil, problemMoment
		}
	}
	if col.tag == logical.TagTime && c.o.MySQL {
		return c.appendTimeOf(dst, col, d, rest, k)
	}
	if why := c.checkDate(d, k); why != "" {
		return nil, why
	}
	switch col.tag {
	case logical.TagTime:
		if rest == "" {
			return nil, problemMoment
		}
		return c.appendTime(dst, col, k)
	case logical.TagDate:
		if c.o.MySQL && c.o.RoundFraction {
			if why := c.round(&d, &k, 0); why != "" {
				return nil, why
			}
		}
		return appendDate(dst, d), ""
	}
	return c.appendDatetime(dst, col, d, k)
}

// appendTimeOf keeps the time of a date and time as MySQL does, which looks at
// the date's parts alone.
func (c *Codec) appendTimeOf(dst []byte, col *column, d date, rest string, k clock) ([]byte, problem) {
	if rest == "" || rest[0] == 'T' {
		return nil, problemMoment
	}
	if d.month > 12 || d.day > 31 {
		return nil, logical.ProblemRange
	}
	return c.appendTime(dst, col, k)
}

// checkDate applies the calendar and sql_mode.
func (c *Codec) checkDate(d date, k clock) problem {
	if d == (date{}) {
		if c.o.NoZeroDate {
			return "zero dates are not allowed by sql_mode"
		}
		return ""
	}
	if (d.month == 0 || d.day == 0) && c.o.NoZeroInDate {
		return "dates with zero parts are not allowed by sql_mode"
	}
	if d.month > 12 || d.day > daysIn(d) {
		return logical.ProblemRange
	}
	return ""
}

func daysIn(d date) int {
	switch d.month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if d.year%4 == 0 && d.year%100 != 0 || d.year%400 == 0 && d.year != 0 {
			return 29
		}
		return 28
	}
	return 31
}

// appendDatetime rounds or cuts the fraction. The range of TIMESTAMP is that
// of a session in UTC.
func (c *Codec) appendDatetime(dst []byte, col *column, d date, k clock) ([]byte, problem) {
	if c.o.RoundFraction {
		if why := c.round(&d, &k, col.scale); why != "" {
			return nil, why
		}
	}
	if col.zone && !(d == (date{}) && k.isZero()) {
		at := time.Date(d.year, time.Month(d.month), d.day, k.hours, k.minutes, k.seconds, 0, time.UTC).Unix()
		if d.month == 0 || d.day == 0 || at < firstTimestamp || at >= endTimestamp {
			return nil, logical.ProblemRange
		}
	}
	dst = append(appendDate(dst, d), ' ')
	return appendClock(dst, k, col.scale), ""
}

// round rounds a clock to a fraction of some digits, which may make it another
// day. MySQL rounds to microseconds before.
func (c *Codec) round(d *date, k *clock, digits int) problem {
	nextDay := c.o.MySQL && c.roundClock(k, 6)
	if c.roundClock(k, digits) || nextDay {
		if d.month == 0 || d.day == 0 {
			return logical.ProblemRange
		}
		y, m, day := time.Date(d.year, time.Month(d.month), d.day+1, 0, 0, 0, 0, time.UTC).Date()
		if *d = (date{y, int(m), day}); y > 9999 {
			return logical.ProblemRange
		}
	}
	return ""
}

func (c *Codec) appendTime(dst []byte, col *column, k clock) ([]byte, problem) {
	if c.o.MySQL && k.hours == maxHours && k.minutes == 59 && k.seconds == 59 && k.nanos > 0 {
		return nil, logical.ProblemRange
	}
	if c.o.RoundFraction && c.roundClock(&k, col.scale) {
		k.hours = 24 // only spans past a day reach their limit below
	}
	if k.hours > maxHours {
		return nil, logical.ProblemRange
	}
	cut := k
	cut.nanos = k.nanos / unit(col.scale) * unit(col.scale)
	if k.negative && !cut.isZero() {
		dst = append(dst, '-')
	}
	return appendClock(dst, k, col.scale), ""
}

// unit is the number of nanoseconds of the last digit of a fraction.
func unit(digits int) int {
	u := 1_000_000_000
	for range digits {
		u /= 10
	}
	return u
}

// roundClock rounds to a fraction and reports whether a clock of a day has
// passed midnight; it is then zero.
func (c *Codec) roundClock(k *clock, digits int) (nextDay bool) {
	u := unit(digits)
	k.nanos = (k.nanos + u/2) / u * u
	if k.nanos >= 1_000_000_000 {
		k.nanos, k.seconds = 0, k.seconds+1
	}
	if k.seconds == 60 {
		k.seconds, k.minutes = 0, k.minutes+1
	}
	if k.minutes == 60 {
		k.minutes, k.hours = 0, k.hours+1
	}
	if k.hours == 24 {
		k.hours = 0
		return true
	}
	return false
}

func appendDate(dst []byte, d date) []byte {
	dst = append(dst, byte('0'+d.year/1000), byte('0'+d.year/100%10))
	dst = appendTwo(dst, d.year%100)
	dst = append(dst, '-')
	dst = appendTwo(dst, d.month)
	dst = append(dst, '-')
	return appendTwo(dst, d.day)
}

// appendClock writes hours of two digits or more and a fraction cut to digits.
func appendClock(dst []byte, k clock, digits int) []byte {
	if k.hours < 100 {
		dst = appendTwo(dst, k.hours)
	} else {
		dst = strconv.AppendInt(dst, int64(k.hours), 10)
	}
	dst = append(dst, ':')
	dst = appendTwo(dst, k.minutes)
	dst = append(dst, ':')
	dst = appendTwo(dst, k.seconds)
	if digits > 0 {
		dst = append(dst, '.')
		dst = append(dst, strconv.Itoa(1_000_000_000 + k.nanos)[1:1+digits]...)
	}
	return dst
}

func appendTwo(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10%10), byte('0'+n%10))
}

// takeDate reads YYYY-M-D and returns what follows.
func takeDate(s string) (d date, rest string, ok bool) {
	if d.year, s, ok = number(s, 4, 4); !ok || s == "" || s[0] != '-' {
		return date{}, "", false
	}
	if d.month, s, ok = number(s[1:], 1, 2); !ok || s == "" || s[0] != '-' {
		return date{}, "", false
	}
	if d.day, s, ok = number(s[1:], 1, 2); !ok {
		return date{}, "", false
	}
	return d, s, true
}

// parseClock reads hours[:minutes[:seconds[.fraction]]].
func parseClock(s string) (k clock, ok bool) {
	if k.hours, s, ok = number(s, 1, 2); !ok {
		return k, false
	}
	if s == "" {
		return k, true
	}
	return k, k.takeMinutes(s)
}

// parseSpan reads [-]hours:minutes[:seconds[.fraction]].
func parseSpan(s string) (k clock, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		k.negative, s = s[0] == '-', s[1:]
	}
	if k.hours, s, ok = number(s, 1, 3); !ok || s == "" {
		return k, false
	}
	return k, k.takeMinutes(s)
}

func (k *clock) takeMinutes(s string) (ok bool) {
	if s[0] != ':' {
		return false
	}
	if k.minutes, s, ok = number(s[1:], 1, 2); !ok || k.minutes > 59 {
		return false
	}
	if s == "" {
		return true
	}
	if s[0] != ':' {
		return false
	}
	if k.seconds, s, ok = number(s[1:], 1, 2); !ok || k.seconds > 59 {
		return false
	}
	if s == "" {
		return true
	}
	return s[0] == '.' && k.takeFraction(s[1:])
}

// takeFraction reads digits; what is below a nanosecond is dropped.
func (k *clock) takeFraction(s string) bool {
	for i := range 9 {
		k.nanos *= 10
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			k.nanos += int(s[i] - '0')
		}
	}
	return strings.Trim(s, "0123456789") == ""
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
