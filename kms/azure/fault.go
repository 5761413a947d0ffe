package azure

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/sealsql/sealsql/envelope"
)

func (s *service) fault(op string, f envelope.Fault, detail string) *envelope.ServiceError {
	return &envelope.ServiceError{Service: Name, Region: s.o.Vault, Resource: "key " + s.o.Key, Op: op, Fault: f, Detail: detail}
}

// failed makes a fault of an error of the client. Of what the service said it
// keeps the code: its text may hold anything.
func (s *service) failed(ctx context.Context, op string, err error) error {
	e := s.fault(op, envelope.FaultUnknown, "")
	var res *azcore.ResponseError
	var auth *azidentity.AuthenticationFailedError
	var network net.Error
	switch {
	case ctx.Err() != nil:
		e.Fault, e.Err = envelope.FaultUnreachable, context.Cause(ctx)
	case errors.As(err, &auth):
		e.Fault, e.Detail = envelope.FaultDenied, "no token"
	case errors.As(err, &res):
		e.Detail = code(res.ErrorCode)
		e.Fault = statusFault(op, res)
	case errors.As(err, &network):
		e.Fault, e.Detail = envelope.FaultUnreachable, "no connection"
	case strings.Contains(err.Error(), "Credential"):
		e.Fault, e.Detail = envelope.FaultDenied, "no usable credentials"
	default: // an answer that the client cannot read
		e.Fault = envelope.FaultMalformed
	}
	return e
}

func statusFault(op string, res *azcore.ResponseError) envelope.Fault {
	switch c := res.StatusCode; {
	case strings.Contains(res.Error(), "KeyDisabled"), strings.Contains(res.Error(), "disabled key"), c == http.StatusConflict:
		return envelope.FaultDisabled
	case c == http.StatusBadRequest && op == "unwrap":
		return envelope.FaultRefused
	case c == http.StatusBadRequest:
		return envelope.FaultRequest
	case c == http.StatusUnauthorized, c == http.StatusForbidden:
		return envelope.FaultDenied
	case c == http.StatusNotFound:
		return envelope.FaultAbsent
	case c == http.StatusTooManyRequests:
		return envelope.FaultThrottled
	case c >= 500, c == http.StatusRequestTimeout:
		return envelope.FaultUnreachable
	}
	return envelope.FaultUnknown
}

// code keeps what looks like an error code.
func code(s string) string {
	if s == "" || isName(s) {
		return s
	}
	return "unreadable code"
}
