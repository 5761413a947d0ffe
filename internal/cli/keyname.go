package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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

Without @ and a creation time, in Unix seconds, its newest version is meant. Commands
that change a key mean the newest of now: not one whose creation time lies in the
future, nor one that cannot be read; they name these, and others that still seal.`

// namedKinds are those of keyNames.
var namedKinds = []envelope.KeyKind{envelope.KindSystem, envelope.KindPartition, envelope.KindIndex, envelope.KindIndexTable, envelope.KindNamed}

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
	if !slices.Contains(namedKinds, envelope.KeyKind(kind)) {
		return meta, fmt.Errorf("%q names no key: write system, partition:ID, index:ID, index-table, named:NAME, or the key as sealsql keys list prints it", text)
	}
	id, err := r.KeyID(envelope.KeyKind(kind), rest)
	if err != nil {
		return meta, err
	}
	meta.ID = id
	return meta, nil
}

// validNow returns the newest version of an id that is not from the future and can be
// read, and the others that are newer, or that count as active.
func (r *keyring) validNow(ctx context.Context, id string) (meta envelope.KeyMeta, others []envelope.KeyInfo, err error) {
	all, err := r.Versions(ctx, id)
	if err != nil {
		return meta, nil, err
	}
	now := r.Now()
	for k := len(all) - 1; k >= 0; k-- {
		state := all[k].State(now)
		switch usable := !all[k].Future(now) && state != "damaged" && state != "unchecked"; {
		case all[k].Tombstone:
		case usable && meta.Created == 0:
			meta = all[k].Meta
		case !usable && meta.Created == 0, state == "active":
			others = append(others, all[k])
		}
	}
	if meta.Created == 0 && len(others) > 0 && others[0].State(now) == "unchecked" {
		return meta, nil, others[0].Err
	}
	if meta.Created == 0 && len(others) > 0 {
		return meta, nil, fmt.Errorf("no version of %s is valid now: name one of them with @ and its creation time (%s is %s)", id, printKey(others[0].Meta), stateOf(&others[0], now))
	}
	if meta.Created == 0 {
		meta.ID = id // not found, as whoever looks says
	}
	return meta, others, nil
}

// stateOf is the word for a version that was not meant.
func stateOf(i *envelope.KeyInfo, now time.Time) string {
	if i.Future(now) {
		return "from the future"
	}
	return i.State(now)
}

func printKey(m envelope.KeyMeta) string {
	return m.ID + "@" + strconv.FormatInt(m.Created, 10)
}
