package postgres

import (
	"database/sql/driver"
	"reflect"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	sealdriver "github.com/sealsql/sealsql/driver"
)

var _ sealdriver.ResettingEngine = (*engine)(nil)

// Resets is true for connections of pgx's stdlib that have a function of the
// application's (stdlib.OptionResetSession), and where that cannot be told: for those
// of other types. Without one, stdlib has a function of its own, which does nothing.
func (e *engine) Resets(inner driver.Conn) bool {
	c, ok := inner.(*stdlib.Conn)
	if !ok {
		_, resets := inner.(driver.SessionResetter)
		return resets
	}
	hook := reflect.ValueOf(c).Elem().FieldByName("resetSessionFunc")
	if !hook.IsValid() || hook.Kind() != reflect.Func || hook.IsNil() {
		return true
	}
	f := runtime.FuncForPC(hook.Pointer())
	return f == nil || !strings.HasPrefix(f.Name(), reflect.TypeFor[stdlib.Conn]().PkgPath()+".")
}
