module github.com/sealsql/sealsql/kms/gcp

go 1.26.0

require github.com/sealsql/sealsql v0.0.0

require cloud.google.com/go/kms v1.33.0 // indirect

replace github.com/sealsql/sealsql => ../..
