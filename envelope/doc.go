// Package envelope seals values under a hierarchy of keys and opens them again.
//
// Make a [Sealer] with [New], prepare a [Column] and a [Partition], then call
// [Sealer.Seal] and [Sealer.Open]. Close the Sealer when done.
//
// # Keys
//
//	master key         in a KeyManagementService; never seen here
//	  system key       32 random bytes, one chain for a service and product
//	    intermediate   32 random bytes, one chain for a partition
//	      data key     derived, for one column and a bounded number of values
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
// is treated as revoked. What a writer of the metastore can still do is put back
// the row of a time before a revocation; a running process does not fall for it,
// a new one does unless Policy.NotBefore is set.
//
// # Records, version 1
//
// All numbers are big-endian.
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
//	| nonce, 12 |  ciphertext, as plaintext |     tag, 16     |
//	+-----------+---------------------------+-----------------+
//
//	off len
//	0   3   mark F9 53 51. F9 never occurs in UTF-8. The mark alone decides what
//	        is a record.
//	3   1   version in the high four bits (1), suite in the low four:
//	        1 derived data key, AES-256-GCM
//	        others are errors; 2 (wrapped data key) and 3 (ChaCha20-Poly1305) are
//	        reserved
//	4   1   flags: bit 0 the record carries its partition; the others are 0, and
//	        errors when they are not (reserved: row identity, compression,
//	        padding)
//	5   1   logical type, given to Seal and returned by Open
//	6   4   creation time of the intermediate key, Unix seconds
//	10  4   column tag: the first 4 bytes of SHA-256(lp("sealsql/v1/column") lp(column id))
//	14  1+n length of the partition id, 1 to 200, and the id; only with flag bit 0
//	s   12  salt
//	    16  commitment
//	    12  nonce
//	    m   ciphertext of m bytes
//	    16  tag
//
// Without the partition that is 70 bytes more than the plaintext. In text columns
// a record is "ss1." and its base64url without padding.
//
// The data key and the commitment are
//
//	context = SHA-256(lp("sealsql/v1/context") lp(service) lp(product) lp(column id) lp(partition))
//	key (32) | commitment (16) = HKDF-Expand(intermediate key, "sealsql" | suite byte | context | salt, 48)
//
// and the ciphertext is AES-256-GCM under key and nonce with the associated data
//
//	all bytes before the nonce | context
//
// so that no byte of the header can change, and a record opens only as a value of
// its column, in its partition, service and product. The commitment makes it
// infeasible (2^64 work) to make a record that opens under two keys, and is
// compared before anything is decrypted.
//
// # Limits
//
// Salt and nonce are random. A data key seals at most 2^20 values, within one
// process, column and partition, so that N data keys of m values stay below
// N·m = 2^64 by far, and a nonce collides under one data key with probability
// below 2^-57. The random bytes come from crypto/rand, read for each value: a
// virtual machine that is cloned relies on its kernel to be told so. A value has
// at most 1 GiB.
//
// # What leaks and what is not prevented
//
// A reader of the database learns the length of every value, its column and
// logical type, the time at which its key was made, the partition id where it is
// carried, and which values were sealed by one process in one interval. A writer
// can exchange two values of one column within one partition, put an old value
// back, and delete: the row is not bound.
//
// # Stored data
//
// Records of version 1 open in every later version of this package;
// testdata/vectors/v1 holds the proof.
package envelope
