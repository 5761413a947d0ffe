package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope"
)

func keysListCommand() *cobra.Command {
	var o metastoreOptions
	var asJSON bool
	var states, kinds []string
	cmd := &cobra.Command{
		Use:   "list [--state STATE]... [--kind KIND]...",
		Short: "List keys with their states",
		Long: `Lists every version of every key of the configured service and product.

States: active (seals), expired and revoked (open for ever, seal no more), future
(created by a clock that is ahead), retired (neither seals nor opens), destroying
and destroyed (see sealsql shred), damaged (the row was changed), unchecked (the
master key is another one, or a service does not answer; the exit code is then 1).

Kinds: system, partition, index, index-table, named, asherah-system,
asherah-partition.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		w := newKeyWriter(cmd.OutOrStdout(), asJSON)
		var unchecked error
		err := r.Each(cmd.Context(), func(i *envelope.KeyInfo) error {
			state := i.State(r.Now())
			if state == "unchecked" && unchecked == nil {
				unchecked = i.Err
			}
			if len(states) > 0 && !slices.Contains(states, state) || len(kinds) > 0 && !slices.Contains(kinds, string(i.Kind)) {
				return nil
			}
			return w.key(i, state)
		})
		if err != nil {
			return err
		}
		return errors.Join(w.flush(), unchecked)
	})
	o.flags(cmd)
	cmd.Flags().StringSliceVar(&states, "state", nil, "only keys in this state (repeatable)")
	cmd.Flags().StringSliceVar(&kinds, "kind", nil, "only keys of this kind (repeatable)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func keysShowCommand() *cobra.Command {
	var o metastoreOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show KEY",
		Short: "Show one key",
		Long:  keyNames,
		Args:  cobra.ExactArgs(1),
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		meta, err := r.parseKey(args[0])
		if err != nil {
			return err
		}
		i, err := r.Show(cmd.Context(), meta)
		if err != nil {
			return err
		}
		w := newKeyWriter(cmd.OutOrStdout(), asJSON)
		state := i.State(r.Now())
		if err := w.key(i, state); err != nil {
			return err
		}
		if state == "unchecked" {
			return errors.Join(w.flush(), i.Err)
		}
		return w.flush()
	})
	o.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON object")
	return cmd
}

// keyWriter prints keys as a table or as JSON.
type keyWriter struct {
	out   io.Writer
	table *tabwriter.Writer // nil for JSON
}

func newKeyWriter(out io.Writer, asJSON bool) *keyWriter {
	w := &keyWriter{out: out}
	if !asJSON {
		w.table = tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w.table, "KIND\tNAME\tSTATE\tCREATED\tSEALS UNTIL\tKEY")
	}
	return w
}

// keyJSON is a key as --json prints it.
type keyJSON struct {
	Key       string `json:"key"`
	Kind      string `json:"kind"`
	Name      string `json:"name,omitempty"`
	State     string `json:"state"`
	Latest    bool   `json:"latest"`
	Authentic bool   `json:"authentic"`
	Created   string `json:"created"`
	Expires   string `json:"expires,omitempty"`
	Parent    string `json:"parent,omitempty"`
	At        string `json:"destroyed,omitempty"`
	Error     string `json:"error,omitempty"`
}

func (w *keyWriter) key(i *envelope.KeyInfo, state string) error {
	j := keyJSON{
		Key: printKey(i.Meta), Kind: string(i.Kind), Name: i.Name, State: state, Latest: i.Latest, Authentic: i.Authentic,
		Created: stamp(time.Unix(i.Meta.Created, 0)), Expires: stamp(i.Expires), At: stamp(i.At),
	}
	if i.Parent.ID != "" {
		j.Parent = printKey(i.Parent)
	}
	if i.Err != nil {
		j.Error = i.Err.Error()
	}
	if i.Kind == envelope.KindIndex || i.Kind == envelope.KindIndexTable || i.Tombstone {
		j.Created, j.Expires = "", "" // the time is a fixed one
	}
	if w.table == nil {
		return json.NewEncoder(w.out).Encode(j)
	}
	if i.Tombstone {
		j.Kind, j.State = "tombstone", "since "+j.At
	}
	if state != "active" {
		j.Expires = ""
	}
	_, err := fmt.Fprintf(w.table, "%s\t%s\t%s\t%s\t%s\t%s\n", j.Kind, dash(j.Name), j.State, dash(j.Created), dash(j.Expires), j.Key)
	return err
}

func (w *keyWriter) flush() error {
	if w.table == nil {
		return nil
	}
	return w.table.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
