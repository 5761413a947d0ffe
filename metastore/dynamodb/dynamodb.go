// Package dynamodb keeps wrapped keys in a table of Amazon DynamoDB, in the
// items of Asherah. Import it for its effect:
//
//	import _ "github.com/sealsql/sealsql/metastore/dynamodb"
//
// and name the table in the configuration:
//
//	metastore:
//	  dynamodb: {table: EncryptionKey, region: us-west-2}
//
// An item is
//
//	Id         S   the key's id (partition key)
//	Created    N   creation time, Unix seconds (sort key)
//	KeyRecord  M   Created N · Key S (base64) · Revoked BOOL, if true ·
//	               ParentKeyMeta M {KeyId S, Created N}, of an intermediate key ·
//	               SealsqlState S (base64), where the row has one
//
// Asherah passes over the last member.
//
// # Regions
//
// The first region is the home: keys are written there and nowhere else. A
// global table decides between two regions that write one item by the clock, and
// the key that loses takes what was sealed under it along; a conditional write
// in one region is the only thing that keeps two processes from making two keys.
// All processes that share key ids must therefore name the same home.
// (Asherah's way to write in several regions is ids of their own for each:
// Options.RegionSuffix.)
//
// While the home does not answer, rows are read from its replicas, in order:
// what was sealed opens, and what is in memory goes on sealing. Replicas lag, so
// that they answer for the rows that they have, and not that there is none: no
// key is made without the home. Nor do they know whether a key was revoked
// meanwhile: sealing ends when the home has not answered for policy.max_stale.
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/failover"
)

// Name is the name under which the package registers.
const Name = "dynamodb"

func init() { envelope.RegisterMetastore(Name, open) }

// DefaultTable is the name that Asherah uses.
const DefaultTable = "EncryptionKey"

// Options are the members of metastore.dynamodb in the configuration.
type Options struct {
	// Table is the table's name; empty means DefaultTable.
	Table string `json:"table,omitempty"`
	// Region is the home.
	Region string `json:"region"`
	// Replicas are further regions of a global table.
	Replicas []string `json:"replicas,omitempty"`
	// Endpoints are addresses of regions instead of their public ones.
	Endpoints map[string]string `json:"endpoints,omitempty"`
	// Profile is a profile of the AWS configuration files; empty means theirs.
	Profile string `json:"profile,omitempty"`
	// TimeoutMS bounds one request to one region, in milliseconds; 0 means 3 s.
	TimeoutMS int `json:"timeout_ms,omitempty"`
	// RegionSuffix has keys in Asherah's format carry the home's name in their
	// ids, for programs that take the suffix from the metastore (package session).
	RegionSuffix bool `json:"region_suffix,omitempty"`
	// Failover overrides how regions are judged, for tests.
	Failover failover.Config `json:"-"`
}

// Metastore is a table. It implements envelope.Keeper and
// envelope.BoundedLoader.
type Metastore struct {
	o       Options
	clients []*dynamodb.Client // the home first
	names   []string
	order   []int
	group   *failover.Group
	log     *slog.Logger
	closed  atomic.Bool
	listing listing
}

var (
	_ envelope.Metastore     = (*Metastore)(nil)
	_ envelope.BoundedLoader = (*Metastore)(nil)
)

func open(ctx context.Context, raw json.RawMessage) (envelope.Metastore, error) {
	var o Options
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return nil, errors.New("sealsql: options of metastore dynamodb have an unknown member or a value of the wrong type")
	}
	return Open(ctx, o, slog.Default())
}

// Open makes a metastore. It reads the configuration of the AWS SDK and asks no
// region. log is told of regions that fail and come back; nil discards.
func Open(ctx context.Context, o Options, log *slog.Logger) (*Metastore, error) {
	if o.Table == "" {
		o.Table = DefaultTable
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m := &Metastore{o: o, log: log}
	seen := map[string]bool{}
	for i, name := range append([]string{o.Region}, o.Replicas...) {
		if name == "" || seen[name] {
			return nil, fmt.Errorf("sealsql: metastore dynamodb: region %q is named twice, or empty", name)
		}
		seen[name] = true
		c, err := o.client(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("sealsql: metastore dynamodb: configuration of the AWS SDK: %w", err)
		}
		m.clients, m.names, m.order = append(m.clients, c), append(m.names, name), append(m.order, i)
	}
	for name := range o.Endpoints {
		if !seen[name] {
			return nil, fmt.Errorf("sealsql: metastore dynamodb: endpoint of region %q, which is not used", name)
		}
	}
	f := o.Failover
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
		if o.TimeoutMS > 0 {
			f.Timeout = time.Duration(o.TimeoutMS) * time.Millisecond
		}
	}
	f.Probe, f.Changed = m.probe, m.changed
	m.group = failover.New(len(m.clients), f)
	return m, nil
}

func (o *Options) client(ctx context.Context, region string) (*dynamodb.Client, error) {
	load := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, err
	}
	return dynamodb.NewFromConfig(c, func(x *dynamodb.Options) {
		if url := o.Endpoints[region]; url != "" {
			x.BaseEndpoint = &url
		}
	}), nil
}

// Name names the metastore in messages.
func (*Metastore) Name() string { return Name }

// RegionSuffix is what key ids of Asherah's format end in, or "".
func (m *Metastore) RegionSuffix() string {
	if m.o.RegionSuffix {
		return m.o.Region
	}
	return ""
}

// Close ends the watch over regions.
func (m *Metastore) Close() error {
	if !m.closed.Swap(true) {
		m.group.Close()
	}
	return nil
}

func (m *Metastore) changed(i int, cause error) {
	if cause == nil {
		m.log.Info("sealsql: a region of the metastore answers again", "metastore", Name, "region", m.names[i])
		return
	}
	m.log.Warn("sealsql: a region of the metastore is left out until it answers again", "metastore", Name, "region", m.names[i], "error", cause)
}

// probe asks a region that is left out for an item that is not there.
func (m *Metastore) probe(ctx context.Context, i int) error {
	_, err := m.clients[i].GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &m.o.Table, Key: key(envelope.KeyMeta{ID: "sealsql/probe", Created: 1}),
	})
	if err != nil {
		return m.fault(i, "probe", err)
	}
	return nil
}

// CreateTable makes the table in the home, billed by request, and waits for it.
// Replicas are added by the operator.
func (m *Metastore) CreateTable(ctx context.Context) error {
	id, created := attrID, attrCreated
	_, err := m.clients[0].CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &m.o.Table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &id, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &created, AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &id, KeyType: types.KeyTypeHash},
			{AttributeName: &created, KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return m.fault(0, "create table", err)
	}
	w := dynamodb.NewTableExistsWaiter(m.clients[0], func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 5*time.Second
	})
	if err := w.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &m.o.Table}, time.Minute); err != nil {
		return m.fault(0, "create table", err)
	}
	return nil
}
