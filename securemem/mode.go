package securemem

import "fmt"

// Mode says what happens when memory cannot be locked.
type Mode uint8

// The modes. The zero value is Prefer.
const (
	// Prefer locks what it can; what cannot be locked lives on the heap and is
	// wiped after use. [Arena.Locked] tells which it was.
	Prefer Mode = iota
	// Require makes locked memory a condition: opening fails without it, and no
	// key rests in unlocked memory (encrypted ones excepted, and expanded ones
	// under FIPS 140-3 mode, see the package documentation).
	Require
	// Off never locks. Keys are still wiped after use.
	Off
)

// ParseMode returns the mode with the given name: "require", "prefer" or
// "off"; the empty string is Prefer.
func ParseMode(s string) (Mode, error) {
	switch s {
	case "", "prefer":
		return Prefer, nil
	case "require":
		return Require, nil
	case "off":
		return Off, nil
	}
	return 0, fmt.Errorf("securemem: unknown mode %q: want require, prefer or off", s)
}

// String returns the name that ParseMode accepts.
func (m Mode) String() string {
	switch m {
	case Prefer:
		return "prefer"
	case Require:
		return "require"
	case Off:
		return "off"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText returns the mode's name.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText sets the mode from its name.
func (m *Mode) UnmarshalText(b []byte) error {
	v, err := ParseMode(string(b))
	if err == nil {
		*m = v
	}
	return err
}
