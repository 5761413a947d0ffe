package envelope

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Fault says what kind of trouble a key management service or metastore had.
type Fault uint8

// The faults. New ones may be added.
const (
	FaultUnknown     Fault = iota // an answer that is not understood
	FaultUnreachable              // no answer in time, or one that says that the service is in trouble
	FaultThrottled                // too many requests
	FaultDenied                   // credentials are missing, expired or without permission
	FaultAbsent                   // the master key or table does not exist
	FaultDisabled                 // the master key is disabled, or going to be deleted
	FaultRefused                  // the wrapped bytes are not authentic, or their context is another
	FaultMalformed                // the answer is not what the protocol says
	FaultRequest                  // the request is wrong: the configuration does not fit the key
)

var faults = [...]struct{ text, hint string }{
	FaultUnknown:     {"failed", "check the service's own log"},
	FaultUnreachable: {"not reachable", "check the network, the region's health and the endpoint; nothing was lost"},
	FaultThrottled:   {"throttled", "raise the quota of requests or the cache's times; nothing was lost"},
	FaultDenied:      {"permission denied", "give this process's identity the permissions that docs/kms.md lists for the key"},
	FaultAbsent:      {"key or table does not exist", "check key, region and account in the configuration; a deleted key cannot be had back"},
	FaultDisabled:    {"key is disabled or going to be deleted", "enable the key, or cancel its deletion, before its time is up"},
	FaultRefused:     {"wrapped key is not authentic", "the row was changed, or the configuration names another key than it was wrapped by"},
	FaultMalformed:   {"malformed answer", "check that the address is that of the service, and no proxy's"},
	FaultRequest:     {"request is not valid for this key", "compare the key's type and usage with docs/kms.md"},
}

func (f Fault) String() string {
	if int(f) < len(faults) {
		return faults[f].text
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// Temporary reports whether the same request may succeed later without anybody
// changing anything.
func (f Fault) Temporary() bool { return f == FaultUnreachable || f == FaultThrottled }

// ServiceError is what came of one request to a key management service or
// metastore. It holds no key bytes and no credentials.
type ServiceError struct {
	// Service is the registered name: "aws", "vault", "dynamodb".
	Service string
	// Region is the region or address that was asked, empty where there is one
	// only.
	Region string
	// Resource names the master key or table.
	Resource string
	// Op is what was asked: "encrypt", "decrypt", "load".
	Op    string
	Fault Fault
	// Detail is what the service said in its own terms, short and harmless: an
	// error code, an HTTP status.
	Detail string
	// Err is the cause where a caller may branch on it: an end of the context.
	Err error
}

func (e *ServiceError) Error() string {
	var b strings.Builder
	b.WriteString(e.Service)
	if e.Region != "" {
		b.WriteString(" in " + e.Region)
	}
	fmt.Fprintf(&b, ": %s", e.Op)
	if e.Resource != "" {
		fmt.Fprintf(&b, " with %s", e.Resource)
	}
	b.WriteString(": " + e.Fault.String())
	if e.Detail != "" {
		b.WriteString(" (" + e.Detail + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *ServiceError) Unwrap() error { return e.Err }

// Is matches ErrTampered for FaultRefused.
func (e *ServiceError) Is(target error) bool {
	return target == ErrTampered && e.Fault == FaultRefused
}

// Hint says what the operator can do.
func (e *ServiceError) Hint() string {
	if int(e.Fault) < len(faults) {
		return faults[e.Fault].hint
	}
	return ""
}

// serviceHint returns the remedy that an error of a service knows, or otherwise.
func serviceHint(err error, otherwise string) string {
	if errors.Is(err, context.Canceled) {
		return otherwise
	}
	var service *ServiceError // by that type also out of errors with an As of their own
	if errors.As(err, &service) && service.Hint() != "" {
		return service.Hint()
	}
	var e interface {
		error
		Hint() string
	}
	if errors.As(err, &e) && e.Hint() != "" {
		return e.Hint()
	}
	return otherwise
}
