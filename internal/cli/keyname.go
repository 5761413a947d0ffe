package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/envelope"
)

// keyNames says how commands name a key.
const keyNames = `A key is named as keys list prints it (ss1/ik/shop/orders/tenant1@1795310040), or
by its kind:

    system               the system key
    partition:ID         the key of a partition
    index:ID             the secret of a partition's search indexes
    index-table          the secret of search indexes across partitions
    named:NAME           a named key

Without @ and a creation time, in Unix seconds, its newest version is meant.`

// parseKey reads the name of a key.
func (r *keyring) parseKey(text string) (envelope.KeyMeta, error) {
	var meta envelope.KeyMeta
	name := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		n, err := strconv.ParseInt(text[at+1:], 10, 64)
		switch {
		case err == nil && n > 0:
			name, meta.Created = text[:at], n
		case strings.HasPrefix(text, "ss1/"):
			return meta, errors.New("the creation time behind the @ is not a number of seconds")
		}
	}
	if strings.HasPrefix(name, "ss1/") || strings.HasPrefix(name, "_SK_") || strings.HasPrefix(name, "_IK_") {
		meta.ID = name
		return meta, nil
	}
	kind, rest, _ := strings.Cut(name, ":")
	id, err := r.KeyID(envelope.KeyKind(kind), rest)
	if err != nil {
		return meta, err
	}
	meta.ID = id
	return meta, nil
}

func printKey(m envelope.KeyMeta) string {
	return m.ID + "@" + strconv.FormatInt(m.Created, 10)
}
