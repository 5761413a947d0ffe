package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope"
)

// keyChange is a command that changes the state of one key.
type keyChange struct {
	word, short, long, done string
	ask, now                bool
	do                      func(*envelope.Keys, context.Context, envelope.KeyMeta) error
}

var keyChanges = []keyChange{
	{
		word: "revoke", short: "Keep a key from sealing", done: "is revoked",
		long: `Keeps a key from sealing. Every process notices within its revoke_check, and
makes a new key then; what the key has sealed goes on opening. A system key takes
the keys below it with it.`,
		do: (*envelope.Keys).Revoke,
	},
	{
		word: "retire", short: "Keep a key from opening", done: "is retired",
		long: `Keeps a key from opening as well as from sealing: what it has sealed is an error
from now on, in processes that hold the key when it leaves their memory. The key
is still there: keys restore brings it back. Use keys usage first, to see that
nothing is sealed under it. The key in use cannot be retired, nor a system key
that others are wrapped by, or that a process may still wrap a new key under: that
takes max_stale from the making of the newer one, and some minutes. --now does not
wait for that: only when no process runs.`,
		now: true, do: (*envelope.Keys).Retire,
	},
	{
		word: "restore", short: "Let a retired key open again", done: "opens again; it stays revoked",
		long: `Lets a retired key open again. It does not seal again.`,
		do:   (*envelope.Keys).Restore,
	},
	{
		word: "destroy", short: "Destroy a retired key for good", done: "is destroyed", ask: true, now: true,
		long: `Overwrites a retired key. What it has sealed can never be opened again, unless a
backup of the metastore still has the row. To destroy all keys of a partition use
sealsql shred.

A process seals under a key until it looks at it again: the command fails until
max_stale has passed since the next version was made, and some minutes, or the key
has expired. --now does not wait for that: only when no process runs that could hold
the key, for it would go on sealing what can never be opened.`,
		do: (*envelope.Keys).Destroy,
	},
}

func keyChangeCommand(c keyChange) *cobra.Command {
	var o metastoreOptions
	var yes, now bool
	cmd := &cobra.Command{
		Use:   c.word + " KEY",
		Short: c.short,
		Long:  c.long + "\n\n" + keyNames,
		Args:  cobra.ExactArgs(1),
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		meta, err := r.parseKey(args[0])
		if err != nil {
			return err
		}
		var others []envelope.KeyInfo
		if meta.Created == 0 {
			if meta, others, err = r.validNow(cmd.Context(), meta.ID); err != nil {
				return err
			}
		}
		i, err := r.Show(cmd.Context(), meta)
		if err != nil {
			return err
		}
		if c.ask && !yes {
			if err := confirm(cmd, "This destroys "+printKey(i.Meta)+".", i.Meta.ID); err != nil {
				return err
			}
		}
		keys := r.Keys
		if now {
			keys = keys.Alone()
		}
		if err := c.do(keys, cmd.Context(), i.Meta); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", printKey(i.Meta), c.done)
		for k := range others {
			fmt.Fprintf(cmd.OutOrStdout(), "not changed: %s, which is %s; it was not named\n", printKey(others[k].Meta), stateOf(&others[k], r.Now()))
		}
		return nil
	})
	o.flags(cmd)
	if c.now {
		cmd.Flags().BoolVar(&now, "now", false, "no process runs: do not wait until all have let go of the key")
	}
	if c.ask {
		cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	}
	return cmd
}

// confirm asks for a word to be typed.
func confirm(cmd *cobra.Command, what, word string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s\nIt cannot be undone. Type %s to go on: ", what, word)
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimRight(line, "\r\n") != word {
		return errors.New("not confirmed; nothing was changed")
	}
	return nil
}
