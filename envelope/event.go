package envelope

import "context"

// KeyEvent is something that was done with a key.
type KeyEvent struct {
	// Op is what: "create", "load", "wrap", "unwrap" (by the key management
	// service), "revoked" (found to be, or not authentic), and of Keys "revoke",
	// "retire", "restore", "destroying", "destroy", "tombstone", "rewrap".
	Op string
	// Meta names the key; Created is 0 where the newest was asked for.
	Meta KeyMeta
	// Provider is the service or store, where one was asked.
	Provider string
	// Err is why it failed, or nil. That there is no key is not a failure.
	Err error
}

// event reports to who listens.
func (v *services) event(ctx context.Context, op string, meta KeyMeta, provider any, err error) {
	if v.events == nil {
		return
	}
	e := KeyEvent{Op: op, Meta: meta, Err: err}
	switch p := provider.(type) {
	case nil:
	case Metastore:
		e.Provider = providerName("metastore", p)
	default:
		e.Provider = providerName("kms", p)
	}
	v.events(ctx, e)
}

// stateOps are the words for changes to a state.
var stateOps = [...]string{"restore", "revoke", "retire", "destroying", "destroy"}
