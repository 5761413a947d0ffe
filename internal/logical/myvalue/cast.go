package myvalue

import (
	"math"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Caster = (*Codec)(nil)

// EncodeCast applies a cast as MySQL and MariaDB do, where it gives no warning,
// which under strict mode is an error in a statement that writes; see
// logical.Caster. Casts of casts are refused. On MySQL so is a cast that rounds
// or cuts: a prepared statement converts its argument to the type of the cast
// already, and that was not compared.
func (c *Codec) EncodeCast(dst []byte, t *schema.Type, casts []string, v any) ([]byte, logical.Tag, bool, error) {
	val, err := c.receive(t, v)
	if err != nil {
		return dst, 0, false, err
	}
	if val.kind == isNull {
		return dst, 0, true, nil
	}
	return c.encodeCast(dst, t, casts, val)
}

// EncodeLiteralCast does the same for a constant of the text.
func (c *Codec) EncodeLiteralCast(dst []byte, t *schema.Type, casts []string, lit logical.Literal) ([]byte, logical.Tag, bool, error) {
	val, why := constant(lit)
	if why != "" {
		return dst, 0, false, logical.NewLiteralError(t, why)
	}
	val.constant = true
	return c.encodeCast(dst, t, casts, val)
}

func (c *Codec) encodeCast(dst []byte, t *schema.Type, casts []string, v value) ([]byte, logical.Tag, bool, error) {
	col, ok := columnOf(t)
	if !ok {
		return dst, 0, false, errNoType(t)
	}
	why := logical.ProblemCast
	if len(casts) == 1 {
		v, why = c.casted(casts[0], v)
	}
	payload := dst
	if why == "" {
		v.constant = true // what an expression gives is not converted on the way
		payload, why = c.store(dst, &col, &v)
	}
	if why != "" {
		return dst, 0, false, &logical.TypeError{Type: t.Name, GoType: "cast", Problem: why}
	}
	return payload, col.tag, false, nil
}

// castForm is a type that a cast names, with its numbers.
var castForm = regexp.MustCompile(`^(signed|unsigned|decimal|char|date|datetime|double)(?: (?:integer|int))?(?:\((\d{1,3})(?:,(\d{1,2}))?\))?$`)

// casted is what a cast makes of a value.
func (c *Codec) casted(name string, v value) (value, problem) {
	form := castForm.FindStringSubmatch(name)
	if form == nil || v.kind == isBinary || v.kind == isHex {
		return value{}, logical.ProblemCast
	}
	n, _ := strconv.Atoi(form[2]) // none is 0
	scale, _ := strconv.Atoi(form[3])
	switch form[1] {
	case "signed", "unsigned":
		return c.castInteger(v, form[1] == "unsigned")
	case "decimal":
		if form[2] == "" {
			n = defaultPrecision
		}
		return c.castDecimal(v, n, scale)
	case "char":
		return c.castText(v, n, form[2] != "")
	case "double":
		return c.castDouble(v)
	}
	return c.castMoment(v, form[1] == "date", n)
}

// Texts that are read whole, whatever the target.
var (
	wholeText   = regexp.MustCompile(`^-?\d{1,18}$`)
	decimalForm = regexp.MustCompile(`^-?\d{1,30}(\.\d{1,30})?$`)
	dateForm    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	momentForm  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$`)
)

// castInteger keeps integers, and rounds decimals half away from zero. A negative
// number has no place in UNSIGNED, though the server wraps it.
func (c *Codec) castInteger(v value, unsigned bool) (value, problem) {
	switch v.kind {
	case isString:
		if !wholeText.MatchString(v.s) {
			return value{}, logical.ProblemCast
		}
		i, err := strconv.ParseInt(v.s, 10, 64)
		if err != nil {
			return value{}, logical.ProblemRange
		}
		v = value{kind: isInt, i: i}
	case isDecimal:
		d, why := v.decimal()
		if why != "" {
			return value{}, why
		}
		if d.Round(0); c.o.MySQL {
			return value{}, logical.ProblemCast
		}
		i, err := strconv.ParseInt(string(d.Append(nil)), 10, 64)
		if err != nil {
			return value{}, logical.ProblemCast
		}
		v = value{kind: isInt, i: i}
	case isUint:
		if !unsigned && v.u > math.MaxInt64 {
			return value{}, logical.ProblemCast
		}
		return v, ""
	}
	if v.kind != isInt || unsigned && v.i < 0 {
		return value{}, logical.ProblemCast
	}
	return v, ""
}

// castDecimal rounds half away from zero. What does not fit is refused, though
// the server takes the nearest number that does.
func (c *Codec) castDecimal(v value, precision, scale int) (value, problem) {
	if precision < 1 || precision > maxPrecision || scale > maxScale || scale > precision ||
		v.kind == isString && !decimalForm.MatchString(v.s) || v.kind == isDouble {
		return value{}, logical.ProblemCast
	}
	d, why := v.decimal()
	if why != "" {
		return value{}, why
	}
	if c.o.MySQL && d.Scale > scale || !d.Fit(precision, scale) {
		return value{}, logical.ProblemCast
	}
	return value{kind: isDecimal, s: string(d.Append(nil))}, ""
}

// castText keeps a text that is short enough; a longer one is cut with a warning.
func (c *Codec) castText(v value, length int, limited bool) (value, problem) {
	s, ok := c.text(&v)
	if !ok || v.kind == isDouble || !utf8.ValidString(s) || limited && utf8.RuneCountInString(s) > length {
		return value{}, logical.ProblemCast
	}
	return value{kind: isString, s: s}, ""
}

func (c *Codec) castDouble(v value) (value, problem) {
	if v.kind == isString && !decimalForm.MatchString(v.s) {
		return value{}, logical.ProblemCast
	}
	f, why := v.float()
	return value{kind: isDouble, f: f}, why
}

// castMoment reads a date, or a date and a time, as a column of the type does.
func (c *Codec) castMoment(v value, day bool, fraction int) (value, problem) {
	if v.kind != isString || !dateForm.MatchString(v.s) && !momentForm.MatchString(v.s) || fraction > 6 {
		return value{}, logical.ProblemCast
	}
	d, _, _ := takeDate(v.s)
	if d.year == 0 || d.month == 0 || d.day == 0 {
		return value{}, logical.ProblemCast
	}
	const whole = len("2006-01-02 15:04:05")
	digits := max(len(v.s)-whole-len("."), 0)
	col := column{tag: logical.TagTimestamp, scale: fraction}
	if day {
		col = column{tag: logical.TagDate}
	}
	if c.o.MySQL && digits > fraction {
		return value{}, logical.ProblemCast
	}
	payload, why := c.appendMoment(nil, &col, v.s)
	return value{kind: isString, s: string(payload)}, why
}
