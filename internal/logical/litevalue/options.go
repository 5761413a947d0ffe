package litevalue

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options are the settings of a connection string that change how values are
// written or read. The zero value is the driver's default.
type Options struct {
	// WriteTimeFormat is the layout of _time_format; empty means the form of
	// time.Time.String.
	WriteTimeFormat string
	// IntegerTimeFormat is _time_integer_format: unix, unix_milli, unix_micro,
	// unix_nano, or empty. It wins over WriteTimeFormat.
	IntegerTimeFormat string
	// Location is _timezone: applied to times written and read; nil means none.
	Location *time.Location
	// IntToTime is _inttotime: integers of time columns are read as time.Time.
	IntToTime bool
	// TextToTime is _texttotime; it changes only the reported scan type.
	TextToTime bool
}

// OptionsError says which parameter of a connection string is wrong. It does
// not hold the string.
type OptionsError struct{ Parameter string }

func (e *OptionsError) Error() string {
	return "sealsql: connection string: parameter " + e.Parameter + " is not valid"
}

// writeTimeFormats are the names that _time_format takes.
var writeTimeFormats = map[string]string{
	"":         "",
	"sqlite":   "2006-01-02 15:04:05.999999999-07:00",
	"datetime": "2006-01-02 15:04:05",
}

// ParseDSN reads the options of a connection string as the driver does: what
// follows the first question mark, if it is not the first character. The error
// is an *OptionsError.
func ParseDSN(dsn string) (Options, error) {
	var o Options
	pos := strings.IndexByte(dsn, '?')
	if pos < 1 {
		return o, nil
	}
	q, err := url.ParseQuery(dsn[pos+1:])
	if err != nil {
		return o, &OptionsError{"list"}
	}
	var ok bool
	if o.WriteTimeFormat, ok = writeTimeFormats[q.Get("_time_format")]; !ok {
		return o, &OptionsError{"_time_format"}
	}
	o.IntegerTimeFormat = q.Get("_time_integer_format")
	switch o.IntegerTimeFormat {
	case "", "unix", "unix_milli", "unix_micro", "unix_nano":
	default:
		return o, &OptionsError{"_time_integer_format"}
	}
	if zone := q.Get("_timezone"); zone != "" {
		if o.Location, err = time.LoadLocation(zone); err != nil {
			return o, &OptionsError{"_timezone"}
		}
	}
	if o.IntToTime, err = parseBool(q.Get("_inttotime")); err != nil {
		return o, &OptionsError{"_inttotime"}
	}
	if o.TextToTime, err = parseBool(q.Get("_texttotime")); err != nil {
		return o, &OptionsError{"_texttotime"}
	}
	return o, nil
}

func parseBool(s string) (bool, error) {
	if s == "" {
		return false, nil
	}
	return strconv.ParseBool(s)
}
