// Package aws wraps system keys under master keys of AWS KMS, in one region or
// several. Import it for its effect:
//
//	import _ "github.com/sealsql/sealsql/kms/aws"
//
// and name the keys in the configuration:
//
//	kms:
//	  aws:
//	    preferred_region: us-west-2
//	    regions:
//	      us-west-2: arn:aws:kms:us-west-2:111122223333:key/mrk-1234
//	      eu-west-1: alias/orders
//
// A system key is encrypted by a data key that KMS makes in the preferred
// region, or the next that answers; the data key is encrypted in every region,
// and any of them opens it. The envelope is that of Asherah's AWS service (see
// internal/regional). Keys of the compact format carry the key's identity as
// encryption context; key policies may demand it. Keys in Asherah's format have
// none.
//
// Only configured keys are ever used. The ARN in a row, which a writer of the
// metastore can change, is no more than a hint which of them it is.
//
// Credentials come from where the AWS SDK finds them. Data keys are wiped after
// use; copies in buffers of the SDK and of TLS are not ours to wipe.
package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/regional"
)

// Name is the name under which the package registers.
const Name = "aws"

func init() { envelope.RegisterKMS(Name, open) }

// Options are the members of kms.aws in the configuration.
type Options struct {
	// PreferredRegion is asked first; empty means the first of Regions.
	PreferredRegion string `json:"preferred_region,omitempty"`
	// Regions hold the master keys, at least one.
	Regions []Key `json:"regions"`
	// FormerKeys are full ARNs of keys that decrypt, but do not encrypt.
	FormerKeys []string `json:"former_keys,omitempty"`
	// MinRegions is the number of regions that a new key must be wrapped in for
	// it to be used; 0 means 1.
	MinRegions int `json:"min_regions,omitempty"`
	// TimeoutMS bounds one request to one region, in milliseconds; 0 means 5 s.
	TimeoutMS int `json:"timeout_ms,omitempty"`
	// Profile is a profile of the AWS configuration files; empty means theirs.
	Profile string `json:"profile,omitempty"`
}

// Key is the master key of one region.
type Key struct {
	Region string `json:"region"`
	// Key is a key's ARN or id, or an alias ("alias/…" or its ARN).
	Key string `json:"key"`
	// Endpoint is an address instead of the region's public one.
	Endpoint string `json:"endpoint,omitempty"`
}

func open(ctx context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o Options
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return nil, errors.New("sealsql: options of kms aws have an unknown member or a value of the wrong type")
	}
	return Open(ctx, o, slog.Default())
}

// Open makes the service. It reads the configuration of the AWS SDK and asks no
// region. log is told of regions that fail and come back; nil discards.
func Open(ctx context.Context, o Options, log *slog.Logger) (*regional.Service, error) {
	regions, err := o.regions(ctx)
	if err != nil {
		return nil, fmt.Errorf("sealsql: kms aws: %w", err)
	}
	s, err := regional.New(regional.Config{
		Name: Name, Regions: regions, MinRegions: o.MinRegions, Logger: log,
		Timeout: time.Duration(o.TimeoutMS) * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("sealsql: kms aws: %w", err)
	}
	return s, nil
}

// regions makes a client for each region, the preferred one first.
func (o *Options) regions(ctx context.Context) ([]regional.Region, error) {
	keys := slices.Clone(o.Regions)
	if o.PreferredRegion != "" {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Region == o.PreferredRegion })
		if i < 0 {
			return nil, fmt.Errorf("preferred_region %q is not one of regions", o.PreferredRegion)
		}
		first := keys[i]
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, first)
	}
	var out []regional.Region
	for _, k := range keys {
		r, err := o.region(ctx, k)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (o *Options) region(ctx context.Context, k Key) (*region, error) {
	if k.Region == "" || k.Key == "" {
		return nil, errors.New("a region or its key is empty")
	}
	if a, ok := parseARN(k.Key); ok && a.region != k.Region {
		return nil, fmt.Errorf("the key of region %q is in region %q", k.Region, a.region)
	}
	for _, former := range o.FormerKeys {
		if a, ok := parseARN(former); !ok || !strings.HasPrefix(a.resource, "key/") {
			return nil, fmt.Errorf("former key %q is not the ARN of a key", former)
		}
	}
	load := []func(*config.LoadOptions) error{config.WithRegion(k.Region)}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("configuration of the AWS SDK: %w", err)
	}
	client := kms.NewFromConfig(c, func(x *kms.Options) {
		if k.Endpoint != "" {
			x.BaseEndpoint = &k.Endpoint
		}
	})
	return &region{client: client, name: k.Region, key: k.Key, former: o.FormerKeys}, nil
}

// arn is the part of an ARN that matters here.
type arn struct{ partition, region, account, resource string }

func parseARN(s string) (arn, bool) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "kms" {
		return arn{}, false
	}
	return arn{p[1], p[3], p[4], p[5]}, true
}

// replicas reports whether two ARNs name the same multi-region key.
func replicas(a, b string) bool {
	x, ok1 := parseARN(a)
	y, ok2 := parseARN(b)
	return ok1 && ok2 && strings.HasPrefix(x.resource, "key/mrk-") &&
		x.resource == y.resource && x.account == y.account && x.partition == y.partition
}
