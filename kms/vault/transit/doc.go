// Package transit runs package kms/vault against the transit engine of
// HashiCorp Vault itself, behind a small server of this repository. The engine's
// licence (Business Source License 1.1) allows that; nothing of this module is
// part of what others build, which is why it is a module of its own.
package transit
