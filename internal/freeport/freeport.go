// Package freeport finds a port for a server of a test that can only be told which
// one to take.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

// Port returns a port of 127.0.0.1 on which nothing listens. It is none of those that the kernel
// gives to connections and to listeners that ask for any: in the time until the
// server listens nobody gets it by chance, and nobody who tries to reach the
// server on it is connected to himself.
func Port() (int, error) {
	first := firstGiven()
	const low = 10000
	if first <= low+1000 { // an unusual range: what the kernel gives must do
		return listen(0)
	}
	for range 100 {
		if port, err := listen(low + rand.IntN(first-low)); err == nil {
			return port, nil
		}
	}
	return 0, errors.New("no port is free")
}

// listen listens on a port for a moment and returns its number.
func listen(port int) (int, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// firstGiven is the first port that the kernel gives by itself: on Linux what it
// says, elsewhere where IANA has these ports begin.
func firstGiven() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 49152
	}
	var first, last int
	if _, err := fmt.Sscan(string(b), &first, &last); err != nil {
		return 49152
	}
	return first
}
