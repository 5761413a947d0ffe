package driver

import "database/sql/driver"

var _ driver.Tx = (*tx)(nil)

// tx passes on to the inner transaction. It exists for one thing: to know when
// the transaction ends, because a rollback takes back changes of the schema
// and of session settings. It is part of its conn and costs no allocation.
type tx struct {
	c     *conn
	inner driver.Tx
}

func (t *tx) Commit() error {
	defer t.ended()
	return t.inner.Commit()
}

func (t *tx) Rollback() error {
	defer t.ended()
	return t.inner.Rollback()
}

func (t *tx) ended() {
	t.c.manual = false
	t.c.settled()
}
