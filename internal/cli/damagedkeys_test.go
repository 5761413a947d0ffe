package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
)

// row returns the creation time of the newest row of an id, as the table has it.
func (b *bench) row(id string) (created, record string) {
	b.t.Helper()
	for _, r := range b.backup() {
		if r[0] == id && r[1] > created && r[1] < "2100" {
			created, record = r[1], r[2]
		}
	}
	if created == "" {
		b.t.Fatalf("the key table has no row of %s", id)
	}
	return created, record
}

// TestADamagedPartitionIsShredded: whatever is wrong with the rows of a partition's
// keys, the partition can be destroyed, and the command says what it found.
func TestADamagedPartitionIsShredded(t *testing.T) {
	const key, index = "ss1/ik/shop/orders/acme", "index"
	damage := map[string]struct {
		of   string
		make func(record string) string
	}{
		"a key that is no record":                {key, func(string) string { return `{"Key": 7}` }},
		"a key whose bytes are others":           {key, func(r string) string { return strings.Replace(r, `"Key":"`, `"Key":"AAAA`, 1) }},
		"a key whose system key is not there":    {key, func(r string) string { return changedParent(r) }},
		"an index secret that is no record":      {index, func(string) string { return `[]` }},
		"an index secret without its system key": {index, func(r string) string { return changedParent(r) }},
	}
	everyEngine(t, func(b *bench) {
		tenants(b).Close()
		whole := b.backup()
		index := index
		for _, r := range whole {
			if strings.HasSuffix(r[0], "/acme") && r[0] != key {
				index = r[0]
			}
		}
		for name, d := range damage {
			if d.of != key {
				d.of = index
			}
			b.restore(whole)
			created, record := b.row(d.of)
			changed := d.make(record)
			if changed == record {
				b.t.Fatalf("%s: nothing was changed in %s", name, record)
			}
			b.exec(b.keyTable(), "UPDATE encryption_key SET key_record = '"+changed+"' WHERE id = '"+d.of+"' AND created = '"+created+"'")
			report := filepath.Join(b.t.TempDir(), "report.json")
			unread := !strings.Contains(name, "bytes")
			said := []string{"^begun: "}
			if unread {
				said = []string{"^The row of " + d.of + "@[0-9]+ cannot be read: it is left for the second half", "begun: "}
			}
			b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes"), said...)
			b.has(b.keys(exitOK, "keys", "list", "--kind", "partition"), "initech +active")
			said = []string{`^destroyed [23] keys of partition "acme"`}
			if unread {
				said = append(said, "The row of "+d.of+"@[0-9]+ could not be read; it was overwritten.")
			}
			b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now"), said...)
			data, err := os.ReadFile(report)
			if err != nil {
				b.t.Fatal(err)
			}
			if got := strings.Contains(string(data), `"damaged"`) && strings.Contains(string(data), d.of); got != unread {
				b.t.Errorf("%s: the report says\n%s", name, data)
			}
			b.shredded("acme", "initech")
			b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now"), `^destroyed [23] keys`)
		}
		// A tombstone that is none is replaced.
		b.restore(whole)
		b.exec(b.keyTable(), "INSERT INTO encryption_key (id, created, key_record) VALUES ('"+key+"', '2106-02-07 06:28:15', '[]')")
		report := filepath.Join(b.t.TempDir(), "report.json")
		b.has(b.keys(exitOK, "shred", "--partition", "acme", "--report", report, "--yes", "--now"), `^destroyed [23] keys`)
		b.shredded("acme", "initech")
	})
}

// changedParent names a system key that there is not.
func changedParent(record string) string {
	at := strings.Index(record, `"ParentKeyMeta"`)
	if at < 0 {
		return record
	}
	return record[:at] + strings.Replace(record[at:], `"Created":1`, `"Created":2`, 1)
}

// TestTheKeyOfNowIsRevoked: without a creation time a command means the newest key of
// now; one from the future, and one that cannot be read, are named and left alone.
func TestTheKeyOfNowIsRevoked(t *testing.T) {
	const key = "ss1/ik/shop/orders/acme"
	everyEngine(t, func(b *bench) {
		tenants(b).Close()
		created, record := b.row(key)
		for i, soon := range []time.Time{time.Now().UTC().Add(48 * time.Hour), time.Now().UTC().Add(50 * time.Hour)} {
			later := regexp.MustCompile(`"Created":\d+`).ReplaceAllString(record, fmt.Sprintf(`"Created":%d`, soon.Unix()))
			if i == 1 {
				later = record // which names another time
			}
			b.exec(b.keyTable(), "INSERT INTO encryption_key (id, created, key_record) VALUES ('"+key+"', '"+soon.Format(time.DateTime)+"', '"+later+"')")
		}
		meant, err := time.Parse(time.DateTime, created)
		if err != nil {
			b.t.Fatal(err)
		}
		now := key + "@" + strconv.FormatInt(meant.Unix(), 10)
		b.has(b.keys(exitOK, "keys", "revoke", "partition:acme"), "^"+now+" is revoked\n(not changed: "+key+"@[0-9]+, which is from the future; it was not named\n){2}$")
		b.has(b.keys(exitOK, "keys", "show", now), "revoked")
		b.has(b.keys(exitOK, "keys", "revoke", "partition:initech"), `^ss1/ik/shop/orders/initech@\d+ is revoked\n$`)
		b.exec(b.keyTable(), "DELETE FROM encryption_key WHERE id = '"+key+"' AND created = '"+created+"'")
		b.has(b.keys(exitFault, "keys", "revoke", "partition:acme"), "no version of "+key+" is valid now: name one of them")
		b.keys(exitFault, "keys", "revoke", "partition:nobody")
		db := b.encrypted()
		defer db.Close()
		var ssn string
		if err := db.QueryRow("SELECT ssn FROM keyholders WHERE id = 0 AND tenant = 'acme'").Scan(&ssn); !errors.Is(err, sealsql.ErrKeyNotFound) {
			b.t.Errorf("%q, %v", ssn, err)
		}
	})
}
