// Package bad makes messages as the product must not.
package bad

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
)

type config struct{ Password string }

type failure struct{ Value any }

func all(v driver.Value, nv driver.NamedValue, dsn string, c config, plaintext []byte, query, name string, payload []byte, vals []any) []error {
	err := failure{v}
	slog.Warn("good", "name", name, "length", len(plaintext))
	out := []error{
		fmt.Errorf("good %s %T %d%%", name, v, len(payload)),
		fmt.Errorf("bad %T %v", v, v),
		fmt.Errorf("bad %+v", nv),
		errors.New("bad " + "constant"),
		fmt.Errorf("bad %q", dsn),
		fmt.Errorf("bad %s", c.Password),
		fmt.Errorf("bad %x", plaintext),
		fmt.Errorf("bad %v", err.Value),
	}
	slog.Info("bad", "query", query)
	var lit driver.Value = name
	slog.Default().Warn("bad", slog.Any("value", lit))
	_ = fmt.Sprint("bad", string(payload))
	if name == "" {
		panic(vals)
	}
	return out
}

var _ = all
