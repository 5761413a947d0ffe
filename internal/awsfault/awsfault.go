// Package awsfault reads errors of the AWS SDK without importing it.
package awsfault

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/sealsql/sealsql/envelope"
)

// common are error codes of all services, and of what stands in front of them.
var common = map[string]envelope.Fault{
	"ThrottlingException":      envelope.FaultThrottled,
	"Throttling":               envelope.FaultThrottled,
	"TooManyRequestsException": envelope.FaultThrottled,
	"RequestLimitExceeded":     envelope.FaultThrottled,
	"LimitExceededException":   envelope.FaultThrottled,
	"SlowDown":                 envelope.FaultThrottled,

	"AccessDeniedException":               envelope.FaultDenied,
	"AccessDenied":                        envelope.FaultDenied,
	"UnrecognizedClientException":         envelope.FaultDenied,
	"InvalidClientTokenId":                envelope.FaultDenied,
	"ExpiredToken":                        envelope.FaultDenied,
	"ExpiredTokenException":               envelope.FaultDenied,
	"InvalidSignatureException":           envelope.FaultDenied,
	"IncompleteSignature":                 envelope.FaultDenied,
	"IncompleteSignatureException":        envelope.FaultDenied,
	"MissingAuthenticationToken":          envelope.FaultDenied,
	"MissingAuthenticationTokenException": envelope.FaultDenied,
	"NotAuthorized":                       envelope.FaultDenied,
	"OptInRequired":                       envelope.FaultDenied,

	"ValidationException": envelope.FaultRequest,
	"ValidationError":     envelope.FaultRequest,

	"InternalFailure":     envelope.FaultUnreachable,
	"InternalServerError": envelope.FaultUnreachable,
	"ServiceUnavailable":  envelope.FaultUnreachable,
}

// Read tells what an error is; codes are those of one service, which come before
// the common ones. Of what the service said only the code is kept, for its text
// may hold anything. cause is an end of the context, or nil.
func Read(err error, codes map[string]envelope.Fault) (f envelope.Fault, detail string, cause error) {
	var api interface {
		error
		ErrorCode() string
	}
	var http interface {
		error
		HTTPStatusCode() int
	}
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return envelope.FaultUnreachable, "", context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return envelope.FaultUnreachable, "", context.DeadlineExceeded
	case errors.As(err, &api):
		f, ok := codes[api.ErrorCode()]
		if !ok {
			f, ok = common[api.ErrorCode()]
		}
		if !ok && errors.As(err, &http) && http.HTTPStatusCode() >= 500 {
			f = envelope.FaultUnreachable
		}
		return f, code(api.ErrorCode()), nil
	case errors.As(err, &network):
		return envelope.FaultUnreachable, "no connection", nil
	case errors.As(err, &http):
		return envelope.FaultMalformed, "", nil // an answer came, and was not understood
	case strings.Contains(err.Error(), "get identity"), strings.Contains(err.Error(), "credentials"):
		return envelope.FaultDenied, "no credentials found", nil
	}
	return envelope.FaultUnknown, "", nil
}

// code keeps what looks like an error code.
func code(s string) string {
	if len(s) > 80 || strings.ContainsFunc(s, func(c rune) bool {
		return c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) {
		return "unreadable code"
	}
	return s
}
