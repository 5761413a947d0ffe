package lifecycle

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Report says what was destroyed. It is authenticated by a named key of the
// hierarchy ("report"): a changed one does not verify. It holds no key.
type Report struct {
	Version   int    `json:"version"` // of this form: 1
	Service   string `json:"service"`
	Product   string `json:"product"`
	Partition string `json:"partition"`
	// Phase is "begun" or "finished".
	Phase string `json:"phase"`
	// Began is when new keys were refused, Due by when no process can hold a key
	// any more (zero where that is not known), Finished when the keys were
	// overwritten.
	Began    time.Time `json:"began"`
	Due      time.Time `json:"due,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Keys are the partition's keys, by name, with their state.
	Keys []ReportKey `json:"keys"`
	// Damaged names those whose rows could not be read, or whose system key could
	// not be had: a report that is begun has left them as they are, one that is
	// finished says that they were overwritten.
	Damaged []string `json:"damaged,omitempty"`
	// Counted is when Records were counted; zero if they were not.
	Counted time.Time      `json:"counted,omitzero"`
	Records []ReportRecord `json:"records"`
	// NotCounted names tables that went away while they were counted: dropped, or
	// renamed, with records that are not among Records.
	NotCounted []string `json:"not_counted,omitempty"`
	// Remains is what destroying the keys does not take away.
	Remains []string `json:"remains"`
	// MACKey names the key that authenticates the report, MAC is base64.
	MACKey string `json:"mac_key"`
	MAC    string `json:"mac"`
}

// ReportKey is a key of a Report.
type ReportKey struct {
	Key    string `json:"key"`
	Kind   string `json:"kind"`
	Status string `json:"status"`
}

// ReportRecord is a number of records in a Report.
type ReportRecord struct {
	Table   string `json:"table"`
	Column  string `json:"column"`
	Key     string `json:"key"`
	Records int64  `json:"records"`
}

// reportKey is the name of the key that authenticates reports.
const reportKey = "report"

// ErrReport is returned for a report that is not what was written.
var ErrReport = errors.New("sealsql: the report was changed, or is not one of this service and product")

// Sign authenticates the report under the newest key for reports, which it makes
// if there is none.
func (r *Report) Sign(ctx context.Context, s *envelope.Sealer) error {
	k, err := s.MACKey(ctx, reportKey, 0)
	if err != nil {
		return err
	}
	defer k.Close()
	r.MACKey = name(k.Meta())
	sum, err := r.sum(k)
	if err != nil {
		return err
	}
	r.MAC = base64.StdEncoding.EncodeToString(sum)
	return nil
}

// Verify checks the report under the key that it names. The error is ErrReport,
// or says why the key cannot be had: after a restore, a key for reports that was
// made after the backup is gone.
func (r *Report) Verify(ctx context.Context, s *envelope.Sealer) error {
	id, created, ok := strings.Cut(r.MACKey, "@")
	n, err := strconv.ParseInt(created, 10, 64)
	if !ok || err != nil || n <= 0 || !strings.HasSuffix(id, "/"+reportKey) {
		return ErrReport
	}
	k, err := s.MACKey(ctx, reportKey, n)
	if err != nil {
		return err
	}
	defer k.Close()
	sum, err := r.sum(k)
	if err != nil {
		return err
	}
	mac, err := base64.StdEncoding.Strict().DecodeString(r.MAC)
	if err != nil || name(k.Meta()) != r.MACKey || subtle.ConstantTimeCompare(mac, sum) != 1 {
		return ErrReport
	}
	return nil
}

// sum is over the JSON of everything but the MAC, whose form encoding/json fixes.
func (r *Report) sum(k *envelope.MACKey) ([]byte, error) {
	c := *r
	c.MAC = ""
	b, err := json.Marshal(&c)
	if err != nil {
		return nil, err
	}
	return k.Sum(nil, append([]byte("sealsql/v1/shred-report\n"), b...))
}

// Encode returns the report as it is kept.
func (r *Report) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// maxReport bounds a report in bytes.
const maxReport = 16 << 20

// ParseReport reads what Encode returned. It does not verify.
func ParseReport(b []byte) (*Report, error) {
	if len(b) > maxReport {
		return nil, ErrReport
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Report
	if err := d.Decode(&r); err != nil {
		return nil, ErrReport
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("%w (version %d)", ErrReport, r.Version)
	}
	return &r, nil
}

func name(m envelope.KeyMeta) string { return m.ID + "@" + strconv.FormatInt(m.Created, 10) }
