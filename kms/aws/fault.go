package aws

import (
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/awsfault"
)

// faults are the error codes of KMS.
var faults = map[string]envelope.Fault{
	"InvalidGrantTokenException": envelope.FaultDenied,

	"NotFoundException": envelope.FaultAbsent,

	"DisabledException":        envelope.FaultDisabled,
	"KMSInvalidStateException": envelope.FaultDisabled,

	"InvalidCiphertextException": envelope.FaultRefused,
	"IncorrectKeyException":      envelope.FaultRefused,

	"InvalidKeyUsageException":      envelope.FaultRequest,
	"UnsupportedOperationException": envelope.FaultRequest,
	"InvalidArnException":           envelope.FaultRequest,
	"InvalidAliasNameException":     envelope.FaultRequest,

	"KeyUnavailableException":    envelope.FaultUnreachable,
	"DependencyTimeoutException": envelope.FaultUnreachable,
	"KMSInternalException":       envelope.FaultUnreachable,
}

// fault makes an error of the SDK one of ours.
func (r *region) fault(op, key string, err error) error {
	e := &envelope.ServiceError{Service: Name, Region: r.name, Resource: key, Op: op}
	e.Fault, e.Detail, e.Err = awsfault.Read(err, faults)
	return e
}
