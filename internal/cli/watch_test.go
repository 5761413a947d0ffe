package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// An operator revokes a key; programs that watch seal under another within
// seconds, though they would look by themselves in ten minutes. PostgreSQL's
// hear of it alone: they would look at the row in an hour.
func TestARevocationIsNoticedByThoseWhoWatch(t *testing.T) {
	for _, l := range lives {
		every := map[string]string{"postgres": "1h"}[l.dialect]
		if every == "" {
			every = "1s"
		}
		t.Run(l.dialect, func(t *testing.T) {
			t.Parallel()
			b := newRaceBench(t, l)
			b.edit("revoke_check: 1s", "revoke_check: 10m, watch: "+every)
			b.revoked(b.source)
		})
	}
}

// Behind PgBouncer no notification arrives: the row does it, and without that
// the check interval.
func TestBehindPgBouncerARevocationIsNoticedAllTheSame(t *testing.T) {
	l := lives[1]
	for name, policy := range map[string]string{
		"by looking at the row":     "revoke_check: 10m, watch: 1s",
		"within the check interval": "revoke_check: 5s, watch: 1h",
	} {
		t.Run(name, func(t *testing.T) {
			b := newRaceBench(t, l)
			b.edit("revoke_check: 1s", policy)
			behind := testenv.PgBouncer(t, b.source)
			sep := "?"
			if strings.Contains(behind, "?") {
				sep = "&"
			}
			b.revoked(behind + sep + "default_query_exec_mode=exec")
		})
	}
}

// revoked writes as a program does, revokes the key as an operator does, and
// waits until the program seals under a new one: long for a busy machine, and
// far less than the ten minutes after which the program would look by itself.
func (b *bench) revoked(source string) {
	b.t.Helper()
	direct := b.source
	b.source = source
	db := b.encrypted()
	b.source = direct
	b.exec(db, "INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (0, 'acme', 's', 'f')")
	time.Sleep(1500 * time.Millisecond) // by now it listens, as a rule, and has looked
	b.keys(exitOK, "keys", "revoke", "partition:acme")
	end := time.Now().Add(2 * time.Minute)
	for id := 1; ; id++ {
		b.exec(db, fmt.Sprintf("INSERT INTO keyholders (id, tenant, ssn, fax) VALUES (%d, 'acme', 's', 'f')", id))
		if strings.Count(b.keys(exitOK, "keys", "list", "--kind", "partition"), "/acme@") > 1 {
			break
		}
		if time.Now().After(end) {
			b.t.Fatal("the revoked key goes on sealing")
		}
		time.Sleep(200 * time.Millisecond)
	}
}
