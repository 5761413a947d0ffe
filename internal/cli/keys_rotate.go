package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope"
)

func keysRotateCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "rotate system|partition:ID|named:NAME",
		Short: "Replace a key by a new one now",
		Long: `Makes a new version of a key before the old one expires. Processes seal under it
within their revoke_check; the old version goes on opening.

After "rotate system" the keys of partitions are still wrapped by the old system
key, until they expire themselves; sealsql keys rewrap puts them under the new one.

Index secrets are not rotated: declare another version as next: of the index, and run
sealsql reindex.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		made, err := r.rotate(cmd.Context(), args[0], false)
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "made", printKey(made))
		}
		return err
	})
	o.flags(cmd)
	return cmd
}

func keysCreateCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "create system|partition:ID|named:NAME|index:ID|index-table",
		Short: "Make a key that does not exist yet",
		Long: `Makes the first version of a key, and fails if there is one. Nothing needs this:
keys are made when they are first used. It is for those who want them made by an
operator, before an application runs. By purpose:

    system               wraps the others
    partition:ID         seals the values of a partition
    index:ID             for search indexes within a partition
    index-table          for search indexes across partitions
    named:NAME           authenticates: audit trails (audit), reports (report)

Once it exists, a new version of a key is made by keys rotate.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		made, err := r.rotate(cmd.Context(), args[0], true)
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "made", printKey(made))
		}
		return err
	})
	o.flags(cmd)
	return cmd
}

// rotate makes a new version of a key; first demands that there is none.
func (r *keyring) rotate(ctx context.Context, name string, first bool) (envelope.KeyMeta, error) {
	meta, err := r.parseKey(name)
	if err != nil {
		return meta, err
	}
	if meta.Created != 0 {
		return meta, errors.New("a new version has no creation time yet: leave out the @ and what follows")
	}
	info, err := r.Show(ctx, meta)
	switch {
	case err == nil && first:
		return meta, fmt.Errorf("%s exists", printKey(info.Meta))
	case err != nil && !errors.Is(err, envelope.ErrKeyNotFound):
		return meta, err
	case err != nil:
		info = r.Describe(meta.ID)
	}
	return r.make(ctx, info, first)
}

func (r *keyring) make(ctx context.Context, info *envelope.KeyInfo, first bool) (envelope.KeyMeta, error) {
	var p envelope.Partition
	var err error
	if info.Kind == envelope.KindPartition || info.Kind == envelope.KindIndex {
		if p, err = envelope.PartitionID(info.Name); err != nil || info.Hashed() {
			return info.Meta, errors.New("name this partition as partition:ID; its id is too long to stand in its key")
		}
	}
	switch {
	case info.Kind == envelope.KindSystem:
		return r.RotateSystem(ctx)
	case info.Kind == envelope.KindPartition:
		return r.RotatePartition(ctx, p)
	case info.Kind == envelope.KindNamed:
		return r.RotateNamed(ctx, info.Name)
	case first && (info.Kind == envelope.KindIndex || info.Kind == envelope.KindIndexTable):
		if _, err := r.sealer.CreateIndexSecret(ctx, p); err != nil {
			return info.Meta, err
		}
		i, err := r.Show(ctx, envelope.KeyMeta{ID: info.Meta.ID})
		if err != nil {
			return info.Meta, err
		}
		return i.Meta, nil
	}
	if info.Kind == envelope.KindIndex || info.Kind == envelope.KindIndexTable {
		return info.Meta, errors.New("an index secret is not rotated by itself: declare another version as next: of its indexes, and run sealsql reindex")
	}
	return info.Meta, fmt.Errorf("keys of kind %s are not rotated", info.Kind)
}

func keysRewrapCommand() *cobra.Command {
	var o metastoreOptions
	var to string
	var force bool
	cmd := &cobra.Command{
		Use:   "rewrap [--to CONFIGURATION] [--force]",
		Short: "Put keys under the newest system key and master key",
		Long: `Re-wraps keys. No value is touched, and the keys stay what they are: only what
wraps them changes. It can be stopped and run again at any time.

First every system key is wrapped anew by the master key of the configuration
(kms), where that cannot unwrap it already; --force does so with all, for a
service that goes on unwrapping by older versions of its master key. With --to it
is the kms of another configuration file, from which nothing else is taken.

Then every other key that is wrapped by an older system key is put under the
newest (keys rotate system makes one). Not with --to.

To move to another master key or service: give all processes a configuration
with the new one as kms and the old one as kms_retiring; run keys rewrap; take
kms_retiring out.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		return r.rewrap(cmd, to, force)
	})
	o.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "configuration whose kms takes the system keys over")
	cmd.Flags().BoolVar(&force, "force", false, "wrap system keys anew that the service unwraps already")
	return cmd
}

func (r *keyring) rewrap(cmd *cobra.Command, to string, force bool) (err error) {
	ctx, cancel := context.WithTimeout(cmd.Context(), keysTime)
	defer cancel()
	target := r.cfg
	if to != "" {
		if target, err = load(cmd.ErrOrStderr(), to); err != nil {
			return err
		}
	}
	kms, err := envelope.OpenKMS(ctx, target.KMS.Provider, target.KMS.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kms.Close()) }()
	bar := newProgress(cmd.ErrOrStderr(), "system keys", 0)
	n, err := r.RewrapSystem(ctx, kms, force, func(n envelope.Rewrapped) { bar.at(n.Done + n.Already + n.Left) })
	bar.end()
	if err := printRewrapped(cmd, "system keys", n, err); err != nil || to != "" {
		return err
	}
	bar = newProgress(cmd.ErrOrStderr(), "other keys", 0)
	n, err = r.Rewrap(ctx, func(n envelope.Rewrapped) { bar.at(n.Done + n.Already + n.Left) })
	bar.end()
	return printRewrapped(cmd, "other keys", n, err)
}

func printRewrapped(cmd *cobra.Command, what string, n envelope.Rewrapped, err error) error {
	_, err2 := fmt.Fprintf(cmd.OutOrStdout(), "%s: %d wrapped anew, %d were so already\n", what, n.Done, n.Already)
	return errors.Join(err, err2)
}
