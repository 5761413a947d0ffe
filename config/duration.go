package config

import (
	"math"
	"reflect"
	"strconv"
	"time"
)

// duration is a length of time written as numbers with units: 90d, 1h30m,
// 500ms. Units: ms, s, m, h, d (24 h), w (7 d).
type duration time.Duration

var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"ms", time.Millisecond}, // before m
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

const durationHint = "write a number with a unit: 500ms, 30s, 60m, 2h, 90d, 2w"

func (d *duration) set(text string) (problem, suggestion string) {
	parsed, ok := parseDuration(text)
	if !ok {
		return "this is not a length of time", durationHint
	}
	*d = duration(parsed)
	return "", ""
}

func parseDuration(text string) (time.Duration, bool) {
	if text == "" || len(text) > 32 {
		return 0, false
	}
	total := time.Duration(0)
	for text != "" {
		digits := 0
		for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(text[:digits], 10, 64)
		if err != nil {
			return 0, false
		}
		text = text[digits:]
		unit, length := unitOf(text)
		if unit == 0 || n > int64((math.MaxInt64-total)/unit) {
			return 0, false
		}
		total += time.Duration(n) * unit
		text = text[length:]
	}
	return total, true
}

// unitOf returns the unit at the start of text and its length.
func unitOf(text string) (time.Duration, int) {
	for _, u := range durationUnits {
		if len(text) >= len(u.name) && text[:len(u.name)] == u.name {
			return u.size, len(u.name)
		}
	}
	return 0, 0
}

func (d duration) std() time.Duration { return time.Duration(d) }

// within compares with the min and max tags.
func (d duration) within(tag reflect.StructTag) bool {
	return duration(limit(tag.Get("min"))) <= d && d <= duration(limit(tag.Get("max")))
}

func limit(text string) time.Duration {
	d, ok := parseDuration(text)
	if !ok {
		panic("config: wrong tag " + text)
	}
	return d
}
