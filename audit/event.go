package audit

import "time"

// Event is what a line says. Empty members are left out.
type Event struct {
	// Op is what was done. Of keys: "key.create", "key.load", "key.wrap",
	// "key.unwrap", "key.revoke", "key.retire", "key.restore", "key.destroying",
	// "key.destroy", "key.tombstone", "key.rewrap", "key.revoked" (found to be).
	// Of columns: "read", "write". Of the trail: "open", "dropped", "close".
	Op string `json:"op"`
	// Key names a key version, "id@created"; without "@" the newest was asked for.
	Key string `json:"key,omitempty"`
	// Provider is the key service or metastore that was asked.
	Provider string `json:"provider,omitempty"`
	// Actor and Purpose are what the context says (sealsql.WithActor,
	// WithPurpose).
	Actor   string `json:"actor,omitempty"`
	Purpose string `json:"purpose,omitempty"`
	// Table and Columns are what was read or written, of Partition where one
	// partition is known.
	Table     string   `json:"table,omitempty"`
	Columns   []string `json:"columns,omitempty"`
	Partition string   `json:"partition,omitempty"`
	// Rows is the number of rows, where it is known.
	Rows *int64 `json:"rows,omitempty"`
	// Failed says that it was tried and did not succeed.
	Failed bool `json:"failed,omitempty"`
	// Dropped is, in "dropped", the number of events that found no room.
	Dropped int64 `json:"dropped,omitempty"`
}

// Record is an Event as it stands in a trail.
type Record struct {
	V      int       `json:"v"`
	Writer string    `json:"writer"`
	Seq    int64     `json:"seq"`
	Time   time.Time `json:"time"`
	Event
	Prev   string `json:"prev,omitempty"`
	MACKey string `json:"mac_key"`
}
