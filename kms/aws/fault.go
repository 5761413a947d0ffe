package aws

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/sealsql/sealsql/envelope"
)

// faults are the error codes of KMS, and of the services in front of it.
var faults = map[string]envelope.Fault{
	"ThrottlingException":      envelope.FaultThrottled,
	"Throttling":               envelope.FaultThrottled,
	"TooManyRequestsException": envelope.FaultThrottled,
	"RequestLimitExceeded":     envelope.FaultThrottled,
	"LimitExceededException":   envelope.FaultThrottled,
	"SlowDown":                 envelope.FaultThrottled,

	"AccessDeniedException":       envelope.FaultDenied,
	"AccessDenied":                envelope.FaultDenied,
	"UnrecognizedClientException": envelope.FaultDenied,
	"InvalidClientTokenId":        envelope.FaultDenied,
	"ExpiredToken":                envelope.FaultDenied,
	"ExpiredTokenException":       envelope.FaultDenied,
	"InvalidSignatureException":   envelope.FaultDenied,
	"IncompleteSignature":         envelope.FaultDenied,
	"MissingAuthenticationToken":  envelope.FaultDenied,
	"NotAuthorized":               envelope.FaultDenied,
	"OptInRequired":               envelope.FaultDenied,
	"InvalidGrantTokenException":  envelope.FaultDenied,

	"NotFoundException": envelope.FaultAbsent,

	"DisabledException":        envelope.FaultDisabled,
	"KMSInvalidStateException": envelope.FaultDisabled,

	"InvalidCiphertextException": envelope.FaultRefused,
	"IncorrectKeyException":      envelope.FaultRefused,

	"InvalidKeyUsageException":      envelope.FaultRequest,
	"ValidationException":           envelope.FaultRequest,
	"ValidationError":               envelope.FaultRequest,
	"UnsupportedOperationException": envelope.FaultRequest,
	"InvalidArnException":           envelope.FaultRequest,
	"InvalidAliasNameException":     envelope.FaultRequest,

	"KeyUnavailableException":    envelope.FaultUnreachable,
	"DependencyTimeoutException": envelope.FaultUnreachable,
	"KMSInternalException":       envelope.FaultUnreachable,
	"InternalFailure":            envelope.FaultUnreachable,
	"ServiceUnavailable":         envelope.FaultUnreachable,
}

// fault makes an error of the SDK one of ours. Of what the service said it keeps
// the code: its text may hold anything.
func (r *region) fault(op, key string, err error) error {
	e := &envelope.ServiceError{Service: Name, Region: r.name, Resource: key, Op: op}
	var api smithy.APIError
	var wire *smithy.DeserializationError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.Fault, e.Err = envelope.FaultUnreachable, context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		e.Fault, e.Err = envelope.FaultUnreachable, context.DeadlineExceeded
	case errors.As(err, &api):
		e.Fault, e.Detail = faults[api.ErrorCode()], code(api.ErrorCode())
		if e.Fault == envelope.FaultUnknown && api.ErrorFault() == smithy.FaultServer {
			e.Fault = envelope.FaultUnreachable
		}
	case errors.As(err, &wire):
		e.Fault = envelope.FaultMalformed
	case errors.As(err, &network):
		e.Fault, e.Detail = envelope.FaultUnreachable, "no connection"
	case strings.Contains(err.Error(), "get identity"), strings.Contains(err.Error(), "credentials"):
		e.Fault, e.Detail = envelope.FaultDenied, "no credentials found"
	}
	return e
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
