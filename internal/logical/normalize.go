package logical

// NormalizeError says that a normalizer of a search index does not take a value.
// It matches ErrValue, and holds nothing of the value.
type NormalizeError struct {
	// Normalizer is the word of the configuration.
	Normalizer string
	// Problem is what is wrong.
	Problem string
}

func (e *NormalizeError) Error() string {
	return "sealsql: normalizer " + e.Normalizer + ": " + e.Problem
}

// Is reports ErrValue.
func (e *NormalizeError) Is(target error) bool { return target == ErrValue }
