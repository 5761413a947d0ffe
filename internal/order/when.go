package order

import (
	"encoding/binary"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// micros orders PostgreSQL's counts of days and microseconds; the extremes are
// its infinities. A clock reading is never negative and takes fewer bytes.
func micros(name string, want logical.Tag, size int) *Encoding {
	return &Encoding{
		name: name, size: size,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			if tag != want {
				return dst, 0, errKind
			}
			switch {
			case size == 4 && len(payload) == 4:
				return binary.BigEndian.AppendUint32(dst, binary.BigEndian.Uint32(payload)^1<<31), At, nil
			case size == 8 && len(payload) == 8:
				return binary.BigEndian.AppendUint64(dst, binary.BigEndian.Uint64(payload)^1<<63), At, nil
			case size == 5 && len(payload) == 8 && payload[0] == 0 && payload[1] == 0 && payload[2] == 0:
				return append(dst, payload[3:]...), At, nil
			}
			return dst, 0, errKind
		},
	}
}

// clock orders MySQL's dates and times, which are texts of numbers: by their
// parts, which may be zero. A date is midnight beside a datetime.
func clock(k schema.Kind) *Encoding {
	name, size := "mydatetime", 8
	switch k {
	case schema.KindDate:
		name, size = "mydate", 4
	case schema.KindTime:
		name, size = "mytime", 6
	}
	return &Encoding{
		name: name, size: size,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			s := string(payload)
			if k == schema.KindTime {
				us, ok := spanMicros(s)
				if !ok || tag != logical.TagTime {
					return dst, 0, errKind
				}
				return appendLow(dst, uint64(us+1<<46), 6), At, nil
			}
			day, us, ok := moment(s, tag)
			switch {
			case !ok:
				return dst, 0, errKind
			case k == schema.KindDate && us > 0:
				return appendLow(dst, uint64(day), 4), Above, nil
			case k == schema.KindDate:
				return appendLow(dst, uint64(day), 4), At, nil
			}
			return appendLow(dst, uint64(day)*86_400_000_000+uint64(us), 8), At, nil
		},
	}
}

// appendLow appends the low n bytes of a number.
func appendLow(dst []byte, v uint64, n int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return append(dst, b[8-n:]...)
}

// moment reads YYYY-MM-DD[ HH:MM:SS[.fraction]]: the day as a number that is
// larger for later days, and the microseconds of it.
func moment(s string, tag logical.Tag) (day, us int64, ok bool) {
	switch tag {
	case logical.TagDate, logical.TagTimestamp, logical.TagTimestampTZ:
	default:
		return 0, 0, false
	}
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, 0, false
	}
	y, ok1 := digits(s[:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || m > 12 || d > 31 {
		return 0, 0, false
	}
	day = (y*13+m)*32 + d
	if len(s) == 10 {
		return day, 0, true
	}
	if s[10] != ' ' {
		return 0, 0, false
	}
	us, ok = spanMicros(s[11:])
	return day, us, ok && us >= 0 && us < 86_400_000_000
}

// spanMicros reads [-]HH:MM:SS[.fraction], with up to three digits of hours.
func spanMicros(s string) (us int64, ok bool) {
	sign := int64(1)
	if s != "" && s[0] == '-' {
		sign, s = -1, s[1:]
	}
	fraction := int64(0)
	if i := len(s) - 1; i > 0 {
		for j := range s {
			if s[j] != '.' {
				continue
			}
			f := s[j+1:]
			if len(f) < 1 || len(f) > 6 {
				return 0, false
			}
			if fraction, ok = digits(f + "000000"[len(f):]); !ok {
				return 0, false
			}
			s = s[:j]
			break
		}
	}
	n := len(s)
	if n < 8 || n > 9 || s[n-6] != ':' || s[n-3] != ':' {
		return 0, false
	}
	h, ok1 := digits(s[:n-6])
	m, ok2 := digits(s[n-5 : n-3])
	sec, ok3 := digits(s[n-2:])
	if !ok1 || !ok2 || !ok3 || m > 59 || sec > 59 {
		return 0, false
	}
	return sign * (((h*60+m)*60+sec)*1_000_000 + fraction), true
}

func digits(s string) (n int64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, s != ""
}
