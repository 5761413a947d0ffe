// Package localkms runs the contract that package kms/aws demands of AWS KMS
// against local-kms, a stand-in for KMS by other hands. It is a module of its
// own, so that nobody else downloads that.
package localkms
