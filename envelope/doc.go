// Package envelope seals values under a hierarchy of keys and opens them again.
//
// Make a [Sealer] with [New], prepare a [Column] and a [Partition], then call
// [Sealer.Seal] and [Sealer.Open]; for columns that bind values to rows,
// [Sealer.SealRow] and [Sealer.OpenRow]. [Sealer.Rewrap] puts values with a
// wrapped data key under a newer key. Close the Sealer when done.
//
// # Keys
//
//	master key         in a KeyManagementService; never seen here
//	  system key       32 random bytes, one chain for a service and product
//	    intermediate   32 random bytes, one chain for a partition
//	      data key     derived, or random and wrapped, for one column and a
//	                   bounded number of values
//
// System and intermediate keys are rows of a [Metastore], wrapped by the level
// above. A key encrypts until it expires or is revoked, which every process
// notices within Policy.RevokeCheck, and decrypts for ever. New keys are made
// when a value is sealed and none may encrypt; processes that do so at the same
// time agree on one.
//
// A system key serves only through keys derived from it:
//
//	wrap key  = HKDF-Expand(system key, "sealsql/v1/wrap-intermediate", 32)
//	state key = HKDF-Expand(system key, "sealsql/v1/state-key", 32)
//
// HKDF-Expand is RFC 5869 §2.3 with SHA-256 throughout; every pseudorandom key
// is uniformly random, so Extract is not needed (§3.3).
//
// An intermediate key is wrapped with AES-256-GCM under the wrap key, stored as
// nonce (12 bytes), ciphertext (32), tag (16). Associated data are, where lp is
// a string after its length in four bytes and u64 eight bytes, big-endian:
//
//	lp("sealsql/v1/intermediate") lp(id) u64(created) lp(parent id) u64(parent created)
//
// The state of a row of either kind, of which revoked is one byte 0 or 1, is
// authenticated by HKDF-Expand(state key, "sealsql/v1/state" | SHA-256(fields), 32)
// with
//
//	fields = lp("sealsql/v1/state") lp(id) u64(created) [lp(parent id) u64(parent created)] revoked
//
// under the system key itself or the parent. A row whose state does not verify
// is treated as revoked.
//
// States beyond revoked stand in a byte in front of that MAC (2 retired, 3
// destroying, 4 destroyed), take the place of the byte revoked in fields, and are
// followed there by lp(key): the wrapped key, or, where it is destroyed, the time
// of that in Unix seconds in eight bytes. Only where the state verifies is a
// value of such a key ErrKeyRetired or ErrShredded. The row with the creation
// time 4294967295 is a tombstone: the keys of its id are destroyed, and none is
// made. [Keys] changes states, and re-wraps.
//
// A named key is wrapped like an intermediate key, under the label
// "sealsql/v1/named-key". Its MAC of a message is
//
//	HKDF-Expand(named key, "sealsql/v1/mac" | SHA-256(message), 32)
//
// What a writer of the metastore can still do is put back
// the row of a time before a revocation; a running process does not fall for it,
// a new one does unless Policy.NotBefore is set.
//
// # Records, version 1
//
// All numbers are big-endian. Suites 1 and 3, where the data key is derived:
//
//	 0               3     4     5     6               10              14
//	+---+---+---+-----+-----+-----+---+---+---+---+---+---+---+---+
//	| F9  53  51 | suite|flags| tag |    created    |  column tag   |
//	+---+---+---+-----+-----+-----+---+---+---+---+---+---+---+---+
//	                                                14   if flags bit 0
//	                                               +-----+-----------------+
//	                                               |  n  | partition, n    |
//	                                               +-----+-----------------+
//	 s = 14, or 15 + n       s+12                      s+28
//	+-----------------------+-------------------------+
//	|       salt, 12        |     commitment, 16      |
//	+-----------------------+-------------------------+
//	 s+28        s+40                        end-16            end
//	+-----------+---------------------------+-----------------+
//	| nonce, 12 |  ciphertext, as payload   |     tag, 16     |
//	+-----------+---------------------------+-----------------+
//
// Suite 2, where it is random and wrapped, differs in the middle:
//
//	 s               s+12                    s+44          s+60              s+76
//	+---------------+-----------------------+-------------+-----------------+
//	| wrap nonce 12 | wrapped data key, 32  | wrap tag 16 | commitment, 16  |
//	+---------------+-----------------------+-------------+-----------------+
//	 s+76        s+88                        end-16            end
//	+-----------+---------------------------+-----------------+
//	| nonce, 12 |  ciphertext, as payload   |     tag, 16     |
//	+-----------+---------------------------+-----------------+
//
//	off len
//	0   3   mark F9 53 51. F9 never occurs in UTF-8. The mark alone decides what
//	        is a record.
//	3   1   version in the high four bits (1), suite in the low four:
//	        1 derived data key, AES-256-GCM
//	        2 wrapped random data key, AES-256-GCM
//	        3 derived data key, ChaCha20-Poly1305
//	        others are errors
//	4   1   flags:
//	        bit 0  the record carries its partition
//	        bit 1  the row identity is in the associated data
//	        bit 2  the payload is compressed
//	        bit 3  the payload is padded
//	        the others are 0, and errors when they are not
//	5   1   logical type, given to Seal and returned by Open
//	6   4   creation time of the intermediate key, Unix seconds
//	10  4   column tag: the first 4 bytes of SHA-256(lp("sealsql/v1/column") lp(column id))
//	14  1+n length of the partition id, 1 to 200, and the id; only with flag bit 0
//	s   12  salt; with suite 2 wrap nonce (12), wrapped data key (32), wrap tag (16)
//	    16  commitment
//	    12  nonce
//	    m   ciphertext of m bytes, the length of the payload
//	    16  tag
//
// Without the partition that is 70 bytes more than the payload, with suite 2 118.
// In text columns a record is "ss1." and its base64url without padding.
//
// # Keys and associated data of a value
//
// With
//
//	context = SHA-256(lp("sealsql/v1/context") lp(service) lp(product) lp(column id) lp(partition))
//
// suites 1 and 3 derive
//
//	key (32) | commitment (16) = HKDF-Expand(intermediate key, "sealsql" | suite byte | context | salt, 48)
//
// and encrypt the payload under key and nonce, by AES-256-GCM (NIST SP 800-38D)
// or ChaCha20-Poly1305 (RFC 8439), with the associated data
//
//	all bytes before the nonce | context | row identity
//
// where the row identity stands only with flag bit 1. Its length is the rest: all
// before it tells its own length.
//
// Suite 2 takes 32 random bytes, the data key, wraps them by AES-256-GCM under
//
//	wrap key = HKDF-Expand(intermediate key, "sealsql/v1/wrap-data-key" | context, 32)
//
// with the associated data
//
//	all bytes before the wrap nonce | context
//
// and encrypts the payload by AES-256-GCM with
//
//	key (32) | commitment (16) = HKDF-Expand(data key, "sealsql" | suite byte | context, 48)
//	associated data = bytes 0 to 5 | bytes 10 to s | commitment | context | row identity
//
// The suite byte is byte 3 of the record in each case.
//
// What is bound where: everything in the header is in the associated data of the
// value, except, with suite 2, the creation time and the wrapped key, which
// Rewrap replaces. Those are authenticated by the wrapping: the creation time as
// its associated data, together with the rest of the header and the context; the
// wrap nonce, key and tag by themselves. What joins the two halves is the
// commitment: it is computed from the data key and is in the associated data of
// the value, so a wrapped key of one record beside the value of another is
// noticed before anything is decrypted. It does not depend on the intermediate
// key, so it stays when that changes. No byte of a record can be changed, and it
// opens only as a value of its column, in its partition, service, product and,
// where bound, row.
//
// The commitment makes it infeasible (2^64 work) to make a record that opens
// under two keys, and is compared before anything is decrypted. In suite 2 that
// is true of the key of the value. AES-GCM, which wraps, does not commit: who
// knows two intermediate keys of one column can make a wrapped key that opens
// under both, to the same data key; created says which one is meant.
//
// # Payload
//
// The payload is the plaintext, or with flag bit 2
//
//	length of the plaintext, 4 bytes | one Zstandard frame (RFC 8878)
//
// or with flag bit 3 either of these, a byte 80, and zeros to the length that the
// column's padding demands (ISO/IEC 7816-4): the next multiple of 16 to 65536, or
// the next length of PADMÉ but 32 at least. Reading takes any number of zeros. A
// frame is decompressed into the declared length and no further, at most 1 GiB,
// and refused before memory is taken when that length is more than its size can
// yield (128 KiB for every 4 bytes).
//
// # What a column accepts
//
// The suite and flags 1 to 3 of a record are no instructions: ColumnOptions say
// which a column reads, and a record in another form is refused, authentic or
// not. Without Read and Accept that is the form that the column seals. Only
// uncompressed records are always accepted, because what does not become smaller
// is not compressed, and flag bit 0 is free, because the partition is bound and
// expected either way.
//
// # Limits
//
// Salt and nonce are random. A data key seals at most 2^20 values, within one
// process, column and partition, so that N data keys of m values stay below
// N·m = 2^64 by far, and a nonce collides under one data key with probability
// below 2^-57. A wrap key wraps data keys of one column and partition for as long
// as its intermediate key seals, and its nonces are random as well: at most 2^32
// data keys (SP 800-38D §8.3). One use of a wrapping key in 2^26, drawn by its
// nonce, is the last in whichever process it falls, and a process that has
// wrapped 2^20 keys under one system key makes a new one. The random bytes come from crypto/rand, read for
// each value: a virtual machine that is cloned relies on its kernel to be told
// so. Salts and unwrapped data keys live in the process only. A value has at most
// 1 GiB, a row identity at most 1 KiB.
//
// # What leaks and what is not prevented
//
// A reader of the database learns the length of every value (with padding, the
// padded length), its column and logical type, whether it is bound, compressed or
// padded, the time at which its key was made, the partition id where it is
// carried, and which values were sealed by one process in one interval. The
// length of a compressed value tells how well it compresses: where an attacker
// can add text to a secret, that gives the secret away. A writer can put an old
// value back, and delete. Where rows are not bound he can exchange two values of
// one column within one partition.
//
// Compression keeps parts of values in buffers of the compressor until they are
// used again; these are not wiped.
//
// # FIPS 140-3 mode
//
// Under GODEBUG=fips140=on and =only suites 1 and 2 use the approved services of
// the Go module alone (AES-GCM with random nonces, HKDF, SHA-256). Suite 3 is not
// approved there, and [Sealer.Column] refuses it with ErrFIPS, for sealing and for
// reading.
//
// # Stored data
//
// Records of version 1 open in every later version of this package;
// testdata/vectors/v1 holds the proof.
package envelope
