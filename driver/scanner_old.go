//go:build !go1.27

package driver

import "database/sql/driver"

// scanning returns the rows for database/sql, which before Go 1.27 reads them
// by Next alone.
func scanning(r *rows) driver.Rows { return r }
