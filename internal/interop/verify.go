package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Result is what came of one case. Err says why it did not pass.
type Result struct {
	Set, Case string
	Err       error
}

// Verify opens every record and reports each case in its order.
func (f *File) Verify(ctx context.Context, report func(Result)) {
	for i := range f.Sets {
		f.Sets[i].verify(ctx, report)
	}
}

func (s *Set) verify(ctx context.Context, report func(Result)) {
	open, done, err := s.opener(ctx)
	if err == nil && len(s.Cases) == 0 {
		err = errors.New("the set has no cases")
	}
	if err != nil && len(s.Cases) == 0 {
		report(Result{Set: s.Name, Case: "(set)", Err: err})
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		r := Result{Set: s.Name, Case: c.Name, Err: err}
		if err == nil {
			r.Err = c.verify(open)
		}
		report(r)
	}
	if done != nil {
		done()
	}
}

// opener returns what opens a record of the set.
func (s *Set) opener(ctx context.Context) (open func(partition, record string) ([]byte, error), done func(), err error) {
	sealer, a, err := s.open(ctx, &rows{all: s.Metastore}, nil)
	if err != nil {
		return nil, nil, err
	}
	open = func(partition, record string) ([]byte, error) {
		p, err := a.Partition(partition)
		if err != nil {
			return nil, err
		}
		return p.Open(ctx, nil, []byte(record))
	}
	return open, func() { _ = sealer.Close() }, nil
}

func (c *Case) verify(open func(partition, record string) ([]byte, error)) error {
	got, err := open(c.Partition, c.Record)
	switch c.Expect {
	case expectOK:
		if err != nil {
			return fmt.Errorf("does not open: %w", err)
		}
		if !bytes.Equal(got, c.Plaintext) {
			return errors.New("opens as something else")
		}
		return nil
	case expectError:
		if err == nil {
			return errors.New("opens, which it must not")
		}
		return nil
	}
	return fmt.Errorf("expect is %q; want ok or error", c.Expect)
}
