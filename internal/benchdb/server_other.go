//go:build !linux

package main

import (
	"database/sql"
	"errors"
	"time"
)

var errServerElsewhere = errors.New("the server's CPU time can only be read on Linux")

func postgresCPU(*sql.DB) (func() (time.Duration, error), error) { return nil, errServerElsewhere }

func mysqlCPU(*sql.DB) (func() (time.Duration, error), error) { return nil, errServerElsewhere }
