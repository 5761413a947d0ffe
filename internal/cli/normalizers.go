package cli

import _ "github.com/sealsql/sealsql/normalize/phone" // for commands that compute indexes
