package cli

import (
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

// dialects are the engines that types can be checked against.
var dialects = map[string]func(*schema.Type) error{
	"postgres": pgvalue.New(pgvalue.Options{}).Check,
	"mysql":    myvalue.New(myvalue.Options{}).Check,
	"sqlite":   litevalue.New(litevalue.Options{}).Check,
}
