package securemem

// SealSecret is Seal of a secret's 32 bytes, which are read where they lie: a
// secret in a slot is copied neither to the heap nor to the stack.
func (c *Cipher) SealSecret(dst []byte, s *Secret, ad []byte) ([]byte, error) {
	ReserveStack()
	defer scrub()
	if s.slot != nil {
		return c.Seal(dst, slotBytes(small, s.slot)[:SecretSize], ad)
	}
	err := s.withCopy(func(key []byte) (err error) {
		dst, err = c.Seal(dst, key, ad)
		return err
	})
	return dst, err
}

// SealSecretNonceLast is SealNonceLast of a secret's 32 bytes, read as by
// SealSecret.
func (c *Cipher) SealSecretNonceLast(dst []byte, s *Secret) ([]byte, error) {
	ReserveStack()
	defer scrub()
	if s.slot != nil {
		return c.SealNonceLast(dst, slotBytes(small, s.slot)[:SecretSize])
	}
	err := s.withCopy(func(key []byte) (err error) {
		dst, err = c.SealNonceLast(dst, key)
		return err
	})
	return dst, err
}
