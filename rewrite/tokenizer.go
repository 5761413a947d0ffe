package rewrite

// Tokenizer is implemented by front ends that cut a text into tokens without
// parsing it, for tools that read scripts.
type Tokenizer interface {
	// EachToken calls yield with every token of text from byte offset from on,
	// which must not lie inside a token or a comment, until yield returns
	// false or the text ends. Spans count from the start of text. It returns
	// false where a byte stopped it that cannot begin or end a token, such as
	// a quote that is never closed; what was yielded before is right.
	//
	// Nothing is limited or resolved: executable comments lie between tokens
	// like others, and the escapes of PostgreSQL's U&'…' are not undone.
	EachToken(text string, from int, s *Session, yield func(Token) bool) bool
}
