package main

import (
	"context"
	"fmt"
)

// bypass is a write in clear past the encrypting driver.
type bypass struct{ text, message string }

// inClear is the value of such a write. It is none of this run's marks: the
// server's log may show what a guard refuses.
const inClear = "written past the encrypting driver"

// bypass writes a value in clear to every encrypted column, as a forgotten
// program with the plain driver would, and expects the database to refuse each
// time: that is what the guards are for.
func (w *workspace) bypass(ctx context.Context, d *database) ([]bypass, error) {
	plain := &database{}
	if err := w.open(plain, w.engine.plain, d.dsn); err != nil {
		return nil, err
	}
	var all []bypass
	for _, t := range sealedTables {
		for _, c := range t.columns {
			text := w.engine.spell(fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE %sId = 1", t.name, c.name, inClear, t.name))
			_, err := plain.db.ExecContext(ctx, text)
			if !w.engine.blocked(err) {
				return nil, fmt.Errorf("%s: %s.%s in clear: want the guard's refusal, got %v", d.title, t.name, c.name, err)
			}
			all = append(all, bypass{text, err.Error()})
		}
	}
	return all, nil
}
