package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// Shredder destroys the keys of a partition: nothing that is sealed under them
// can be opened again, wherever its copies are.
//
// It takes two halves with time between them. Begin refuses new keys and takes
// the right to seal and open from those that there are; processes notice within
// their check interval, and keys leave their memory. Finish, when that time is
// over, overwrites the keys. Until then backups that are taken, and processes
// that run, can still open; what a process seals in between is lost with the
// rest.
//
// Destroyed are the partition's keys in the configured format and the secret of
// its search indexes. Not destroyed are the rows themselves, backups of the key
// table, values that were decrypted elsewhere, and what Report.Remains names.
//
// A key that cannot be read is destroyed all the same: Report.Damaged names it.
type Shredder struct {
	Keys *envelope.Keys
	// Counter counts the partition's records for the report; nil does not count.
	Counter *Counter
	// Catalog says which indexes tell something without the partition's secret,
	// and whether there are columns in Asherah's format; required.
	Catalog *schema.Catalog
}

// ErrTooEarly is returned by Finish before the time at which no process can hold
// a key any more.
var ErrTooEarly = errors.New("sealsql: processes may still hold keys of the partition")

// Begin is the first half. The report is signed.
func (s *Shredder) Begin(ctx context.Context, partition string) (*Report, error) {
	p, err := s.partition(partition)
	if err != nil {
		return nil, err
	}
	usage, err := s.count(ctx, partition)
	if err != nil {
		return nil, err
	}
	x, err := s.Keys.BeginShred(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.report(ctx, p, x, usage, "begun")
}

// Finish is the second half, of what Begin began, in whatever process. Before it
// is due it is ErrTooEarly, unless force says that no process runs that could
// hold a key.
func (s *Shredder) Finish(ctx context.Context, partition string, force bool) (*Report, error) {
	p, err := s.partition(partition)
	if err != nil {
		return nil, err
	}
	x, err := s.Keys.Shredding(ctx, p)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, errors.New("sealsql: the destruction of this partition's keys has not begun")
	}
	if !force && (x.Due.IsZero() || s.Keys.Now().Before(x.Due)) {
		if x.Due.IsZero() {
			return nil, fmt.Errorf("%w: the configuration lets keys stay in memory for ever; stop all processes", ErrTooEarly)
		}
		return nil, fmt.Errorf("%w until %s", ErrTooEarly, x.Due.UTC().Format(time.RFC3339))
	}
	usage, err := s.count(ctx, partition)
	if err != nil {
		return nil, err
	}
	if x, err = s.Keys.FinishShred(ctx, p); err != nil {
		return nil, err
	}
	return s.report(ctx, p, x, usage, "finished")
}

// Reapply does what a report says was done, on a key table that was restored from
// a backup: both halves at once, because the processes that were started on it
// are stopped. The report must verify unless trust says that it may be taken for
// genuine: its key may be younger than the backup.
func (s *Shredder) Reapply(ctx context.Context, r *Report, trust bool) (*Report, error) {
	service, product := s.Keys.Owner()
	if r.Service != service || r.Product != product {
		return nil, ErrReport
	}
	if !trust {
		if err := r.Verify(ctx, s.Keys.Sealer()); err != nil {
			return nil, err
		}
	}
	if _, err := s.Begin(ctx, r.Partition); err != nil {
		return nil, err
	}
	return s.Finish(ctx, r.Partition, true)
}

// count counts the partition's records, if there is a Counter.
func (s *Shredder) count(ctx context.Context, partition string) (*Usage, error) {
	if s.Counter == nil {
		return nil, nil
	}
	c := *s.Counter
	c.Partition = partition
	return c.Count(ctx, nil)
}

func (s *Shredder) partition(id string) (envelope.Partition, error) {
	p, err := envelope.PartitionID(id)
	if err != nil {
		return p, err
	}
	for _, t := range s.Catalog.Tables() {
		for _, c := range t.Columns {
			if c.Carrier == schema.CarrierAsherah {
				return p, fmt.Errorf("sealsql: column %s is in Asherah's format, whose keys know no destruction: any process would make new ones", c)
			}
		}
	}
	return p, nil
}

func (s *Shredder) report(ctx context.Context, p envelope.Partition, x *envelope.Shredding, u *Usage, phase string) (*Report, error) {
	service, product := s.Keys.Owner()
	r := &Report{
		Version: 1, Service: service, Product: product, Partition: p.ID(), Phase: phase,
		Began: x.Began.UTC(), Due: x.Due.UTC(), Keys: []ReportKey{}, Records: []ReportRecord{}, Remains: s.remains(phase),
	}
	if x.Due.IsZero() {
		r.Due = time.Time{}
	}
	if phase == "finished" {
		r.Finished = s.Keys.Now().UTC().Truncate(time.Second)
	}
	for _, k := range x.Keys {
		status := k.Status.String()
		if k.Err != nil {
			status = k.State(s.Keys.Now())
		}
		r.Keys = append(r.Keys, ReportKey{name(k.Meta), string(k.Kind), status})
	}
	for _, m := range x.Damaged {
		r.Damaged = append(r.Damaged, name(m))
	}
	if u != nil {
		r.Counted = u.Ended.Truncate(time.Second)
		for _, l := range u.Lines() {
			r.Records = append(r.Records, ReportRecord(l))
		}
		r.NotCounted = u.Dropped()
	}
	return r, r.Sign(ctx, s.Keys.Sealer())
}

// remains says what is left.
func (s *Shredder) remains(phase string) []string {
	out := []string{
		"Backups of the key table from before this report hold the keys, wrapped: with one of them and the master key the values of the partition open. Destroy them, or after a restore run sealsql shred --reapply with this report before any process starts.",
		"The database may keep the overwritten rows of the key table until it reuses their space, and in its logs and replicas: vacuum, and count those as backups.",
	}
	if phase != "finished" {
		out = append(out, "The keys are still in the key table until the second half is done; processes that hold them go on until the time due.")
	}
	for _, t := range s.Catalog.Tables() {
		for _, c := range t.Columns {
			for _, x := range c.Indexes() {
				if x.AllPartitions() {
					out = append(out, fmt.Sprintf("Column %s.%s is an index across partitions: whoever has the index secret can still test guesses of the partition's values in it. Set it and %s to NULL in the partition's rows, or delete these.", t.Name, x.Physical(), c.Name))
				}
			}
		}
	}
	return append(out, "Rows, their other columns, and values that were exported or cached in clear are not touched.")
}
