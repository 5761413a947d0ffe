package session_test

import (
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/session"
)

func TestFactoriesCountWhatTheirSessionsDo(t *testing.T) {
	tooLarge := make([]byte, envelope.MaxPlaintext+1)
	for _, format := range []session.Format{session.Asherah, session.Compact} {
		t.Run(format.String(), func(t *testing.T) {
			rec := observe.New()
			f, err := session.NewSessionFactory(&session.Config{
				Service: "s", Product: "p", Format: format,
				Policy: session.NewCryptoPolicy(session.WithSessionCache()),
			}, newWorld(t).store, testKMS(t), session.WithRecorder(rec))
			if err != nil {
				t.Fatal(err)
			}
			if f.Recorder() != rec {
				t.Fatal("the factory counts elsewhere")
			}
			for range 3 {
				s, err := f.GetSession("tenant")
				if err != nil {
					t.Fatal(err)
				}
				r, err := s.Encrypt(ctx, []byte("payload"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Decrypt(ctx, *r); err != nil {
					t.Fatal(err)
				}
				b, err := s.Seal(ctx, []byte("in front"), []byte("more"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Open(ctx, []byte("in front"), b[len("in front"):]); err != nil {
					t.Fatal(err)
				}
				r.Data[len(r.Data)-1] ^= 1
				if _, err := s.Decrypt(ctx, *r); err == nil {
					t.Fatal("a damaged record opens")
				}
				if _, err := s.Encrypt(ctx, tooLarge); err == nil {
					t.Fatal("too large a payload is sealed")
				}
				s.Close()
			}
			st := f.Stats()
			if st.Encrypt.Values != 6 || st.Decrypt.Values != 6 || st.Encrypt.Bytes != 33 || st.Decrypt.Bytes != 33 {
				t.Errorf("%+v, %+v", st.Encrypt, st.Decrypt)
			}
			if st.Encrypt.Failed["too_large"] != 3 || st.Decrypt.Failed["damaged_value"] != 3 {
				t.Errorf("failures: %v, %v", st.Encrypt.Failed, st.Decrypt.Failed)
			}
			if st.Encrypt.Seconds.Count == 0 || st.Decrypt.Seconds.Count == 0 {
				t.Error("nothing was timed")
			}
			if c := st.Caches["session"]; c.Hits != 2 || c.Misses != 1 || c.Entries != 1 {
				t.Errorf("session cache: %+v", c)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if c := rec.Stats().Caches["session"]; c.Hits != 2 {
				t.Errorf("session cache after closing: %+v", c)
			}
		})
	}
}
