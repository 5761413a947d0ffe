package session_test

import (
	"strconv"
	"testing"

	"github.com/sealsql/sealsql/session"
)

func TestEveryEvictionPolicyServesMorePartitionsThanItKeeps(t *testing.T) {
	for _, policy := range []string{"", "simple", "clock", "tinylfu", "lru", "lfu"} {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t)
			f := w.factory(func(c *session.Config) {
				c.Policy = session.NewCryptoPolicy()
				c.Policy.IntermediateKeyCacheMaxSize = 4
				c.Policy.IntermediateKeyCacheEvictionPolicy = policy
			})
			var records []*session.DataRowRecord
			for i := range 20 {
				s := get(t, f, "p"+strconv.Itoa(i))
				records = append(records, encrypt(t, s, "v"))
				s.Close()
			}
			for i, r := range records {
				s := get(t, f, "p"+strconv.Itoa(i))
				if got, err := s.Decrypt(ctx, *r); err != nil || string(got) != "v" {
					t.Fatalf("%q, %v", got, err)
				}
				s.Close()
			}
		})
	}
}
