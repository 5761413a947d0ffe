package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxKeyID is the size of the id column of a metastore.
const maxKeyID = 255

// keyIDs makes the ids of one service and product.
//
//	ss1/sk/<service>/<product>
//	ss1/ik/<service>/<product>/<partition>
//	ss1/xk/<service>/<product>/<partition>   index secret of a partition
//	ss1/xt/<service>/<product>               index secret across partitions
//	ss1/nk/<service>/<product>/<name>        named key
//	ss1/ls/<service>/<product>/<name>        lease: no key
//	ss1/xn/<service>/<product>/~<hash>       note of a search index: no key
//	ss1/nw/<service>/<product>               that states have changed: no key
//
// Every component is escaped, so that different components never give the same
// id, also under collations that ignore trailing space. The namespace is not
// Asherah's (_SK_, _IK_): a key of the one never seals for the other.
type keyIDs struct {
	system string
	prefix string // of intermediate keys
	index  string // prefix of index secrets
	table  string // index secret across partitions
	named  string // prefix of named keys
	lease  string // prefix of leases
	note   string // prefix of notes of search indexes
	news   string // of announcements
}

func newKeyIDs(service, product string) (keyIDs, error) {
	if service == "" || product == "" || !utf8.ValidString(service) || !utf8.ValidString(product) {
		return keyIDs{}, errors.New("sealsql: service and product must be valid UTF-8 and not empty")
	}
	path := escapeID(service) + "/" + escapeID(product)
	ids := keyIDs{system: "ss1/sk/" + path, prefix: "ss1/ik/" + path + "/", index: "ss1/xk/" + path + "/", table: "ss1/xt/" + path, named: "ss1/nk/" + path + "/", lease: "ss1/ls/" + path + "/", note: "ss1/xn/" + path + "/", news: "ss1/nw/" + path}
	if len(ids.prefix)+hashedLen > maxKeyID {
		return keyIDs{}, errors.New("sealsql: service and product are too long together (limit 200 bytes)")
	}
	return ids, nil
}

// topic names the service and product to a Notifier, without saying them.
func (k *keyIDs) topic() string {
	sum := sha256.Sum256([]byte(k.news))
	return "sealsql-" + hex.EncodeToString(sum[:16])
}

// hashedLen is the length of "~" and 32 bytes in base64url.
const hashedLen = 1 + 43

// intermediate returns the id of a partition's keys. A partition that would not
// fit enters as its SHA-256 after a "~", which no escaped id begins with.
func (k keyIDs) intermediate(partition string) string { return partitionID(k.prefix, partition) }

// indexSecret returns the id of the secret that indexes of a partition are
// derived from; partition is empty for the one across partitions.
func (k keyIDs) indexSecret(partition string) string {
	if partition == "" {
		return k.table
	}
	return partitionID(k.index, partition)
}

func partitionID(prefix, partition string) string {
	id := prefix + escapeID(partition)
	if len(id) <= maxKeyID {
		return id
	}
	sum := sha256.Sum256([]byte(partition))
	return prefix + "~" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// escapeID writes the separator, the escape itself, "~", space and control
// characters as %XX. Everything else, UTF-8 included, stays readable.
func escapeID(s string) string {
	if !strings.ContainsFunc(s, escaped) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 && escaped(rune(c)) {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

const hexDigits = "0123456789ABCDEF"

func escaped(c rune) bool {
	return c <= ' ' || c == 0x7f || c == '/' || c == '%' || c == '~'
}
