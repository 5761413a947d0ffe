package litevalue

import (
	"strings"
	"time"
)

// parseTimeFormats are the layouts that the driver tries, in its order. No
// text matches two of them.
var parseTimeFormats = [...]string{
	"2006-01-02 15:04:05.999999999-07:00",
	"2006-01-02T15:04:05.999999999-07:00",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	"2006-01-02",
}

// timeString is the form of time.Time.String without a monotonic reading.
const timeString = "2006-01-02 15:04:05.999999999 -0700 MST"

// parseTime reads text of a time column as the driver does: first the form of
// time.Time.String, whose zone is in the text, then parseTimeFormats, in the
// connection's zone unless the text ends in Z.
func (c *Codec) parseTime(s string) (time.Time, bool) {
	head := s
	if i := strings.Index(s, "m="); i > 0 {
		head = s[:i]
	}
	if t, err := time.Parse(timeString, strings.TrimSpace(head)); err == nil {
		return c.inZone(t), true
	}
	text, utc := strings.CutSuffix(s, "Z")
	for _, layout := range parseTimeFormats {
		t, err := time.Time{}, error(nil)
		if c.o.Location != nil && !utc {
			t, err = time.ParseInLocation(layout, text, c.o.Location)
		} else {
			t, err = time.Parse(layout, text)
		}
		if err == nil {
			return c.inZone(t), true
		}
	}
	return time.Time{}, false
}

func (c *Codec) inZone(t time.Time) time.Time {
	if c.o.Location == nil {
		return t
	}
	return t.In(c.o.Location)
}

// formatTime writes an argument as the driver binds it as text. The default
// keeps a monotonic reading ("m=+0.01"), as the plain driver does.
func (c *Codec) formatTime(t time.Time) string {
	t = c.inZone(t)
	if c.o.WriteTimeFormat == "" {
		return t.String()
	}
	return t.Format(c.o.WriteTimeFormat)
}

// integerTime is the form of an argument under IntegerTimeFormat.
func (c *Codec) integerTime(t time.Time) (int64, bool) {
	switch c.o.IntegerTimeFormat {
	case "unix":
		return t.Unix(), true
	case "unix_milli":
		return t.UnixMilli(), true
	case "unix_micro":
		return t.UnixMicro(), true
	case "unix_nano":
		return t.UnixNano(), true
	}
	return 0, false
}

// millisecondsFrom is the size at which the driver takes an integer for
// milliseconds instead of seconds.
const millisecondsFrom = 1e12

// timeFromInteger reads an integer of a time column under IntToTime.
func (c *Codec) timeFromInteger(v int64) time.Time {
	switch {
	case c.o.IntegerTimeFormat == "unix_micro":
		return c.inZone(time.UnixMicro(v).UTC())
	case c.o.IntegerTimeFormat == "unix_nano":
		return c.inZone(time.Unix(0, v).UTC())
	case v > millisecondsFrom || v < -millisecondsFrom:
		return c.inZone(time.UnixMilli(v).UTC())
	}
	return c.inZone(time.Unix(v, 0).UTC())
}
