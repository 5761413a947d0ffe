// Package ent is written by entgo.io/ent from the schema beside it.
package ent

//go:generate go run -mod=mod entgo.io/ent/cmd/ent generate --feature sql/upsert,sql/lock,sql/modifier,sql/execquery ./schema
