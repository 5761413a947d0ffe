package securemem

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "securemem(hidden)"

// hidden is embedded by everything that holds a key. Whatever prints, logs or
// marshals the holder gets a constant or an error.
type hidden struct{}

var errMarshal = errors.New("securemem: keys cannot be marshalled")

// Format writes a constant for every verb.
func (hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a constant.
func (hidden) String() string { return redacted }

// LogValue returns a constant.
func (hidden) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns an error.
func (hidden) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText returns an error.
func (hidden) MarshalText() ([]byte, error) { return nil, errMarshal }

// MarshalBinary returns an error.
func (hidden) MarshalBinary() ([]byte, error) { return nil, errMarshal }

// GobEncode returns an error.
func (hidden) GobEncode() ([]byte, error) { return nil, errMarshal }
