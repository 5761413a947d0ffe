// Package session is envelope encryption for programs that store records
// themselves: Asherah for Go, on the engine of this module.
//
// Make one [SessionFactory] for a service and product, get a [Session] for a
// partition (a tenant, a customer), and encrypt:
//
//	factory, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders"}, store, kms)
//	defer factory.Close()
//	s, err := factory.GetSession("customer-1")
//	defer s.Close()
//	record, err := s.Encrypt(ctx, []byte("value"))
//
// The store and the key management service are those of package envelope;
// envelope/builtin has some. Both stay the caller's: several factories may share
// them, and Close of a factory does not close them.
//
// # Formats
//
// Records are Asherah's by default, byte for byte: its libraries read them, and
// theirs open here, with the same key store and master key. That format binds a
// record to its partition only, so a writer of the database can exchange two
// records of a partition unnoticed. [Compact] is the format of this module's
// drivers: smaller, faster, with authenticated key rows. The two have separate
// keys, and a factory reads what its configuration says, never one in place of
// the other.
//
// # Differences from Asherah
//
// docs/from-asherah.md lists every option and metric of Asherah with what it is
// here. The most visible: constructors return errors, an empty payload comes
// back as an empty slice and not as nil, a session is a cheap handle that holds
// no keys, and intermediate keys are shared by all sessions of a factory.
package session
