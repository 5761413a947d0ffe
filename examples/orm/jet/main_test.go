package main

import (
	"testing"

	"github.com/sealsql/sealsql/examples/orm/tourtest"
)

func TestTour(t *testing.T) { tourtest.Run(t, app) }
