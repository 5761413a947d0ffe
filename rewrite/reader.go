package rewrite

// TokenReader yields the tokens of a text one by one. (Escapes of PostgreSQL's
// U& tokens are not undone.)
type TokenReader interface {
	// Next stores the next token in t; false at the end of the text and where
	// it cannot be read on.
	Next(t *Token) bool
	// Sound reports whether nothing that was read so far would have kept Parse
	// from its parser, apart from the caps.
	Sound() bool
	// Skip goes on behind a quoted name that ends at offset to, which lies
	// behind every token read so far.
	Skip(to int)
}
