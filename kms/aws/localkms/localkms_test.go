package localkms

import _ "github.com/sealsql/sealsql/kms/aws/internal/contract"
