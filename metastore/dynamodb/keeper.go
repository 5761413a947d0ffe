package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sealsql/sealsql/envelope"
)

var (
	_ envelope.Keeper        = (*Metastore)(nil)
	_ envelope.VersionLister = (*Metastore)(nil)
)

// listing is the names of the rows with a prefix, in order. DynamoDB finds rows
// by whole ids only, so that a listing reads the whole table: once, and then its
// pages go by the names.
type listing struct {
	mu     sync.Mutex
	prefix string
	names  []envelope.KeyMeta
	at     time.Time
}

const (
	// listingLife bounds how old names are that a page goes by.
	listingLife = 5 * time.Minute
	// batch is the most that BatchGetItem takes.
	batch = 100
	// maxUnprocessed bounds how often rows are asked for again that DynamoDB did
	// not return because it was busy.
	maxUnprocessed = 8
)

// List implements envelope.Keeper, in the home. The first page (after is zero)
// scans the table; rows that come while pages are read are not in them.
func (m *Metastore) List(ctx context.Context, prefix string, after envelope.KeyMeta, limit int) ([]envelope.StoredKey, error) {
	names, err := m.namesOf(ctx, prefix, after)
	if err != nil {
		return nil, err
	}
	at, found := slices.BinarySearchFunc(names, after, compareMeta)
	if found {
		at++
	}
	var out []envelope.StoredKey
	for names = names[at:]; len(names) > 0 && len(out) < limit; {
		n := min(len(names), batch, limit-len(out))
		rows, err := m.rows(ctx, names[:n])
		if err != nil {
			return nil, err
		}
		out, names = append(out, rows...), names[n:]
	}
	return out, nil
}

func compareMeta(a, b envelope.KeyMeta) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Created, b.Created))
}

// namesOf returns the names of a listing, which it begins anew for the first
// page.
func (m *Metastore) namesOf(ctx context.Context, prefix string, after envelope.KeyMeta) ([]envelope.KeyMeta, error) {
	l := &m.listing
	l.mu.Lock()
	defer l.mu.Unlock()
	first := after == envelope.KeyMeta{}
	if !first && l.prefix == prefix && l.names != nil && time.Since(l.at) < listingLife {
		return l.names, nil
	}
	names, err := m.scan(ctx, prefix)
	if err != nil {
		return nil, err
	}
	l.prefix, l.names, l.at = prefix, names, time.Now()
	return names, nil
}

// scan reads the names of all rows with a prefix.
func (m *Metastore) scan(ctx context.Context, prefix string) ([]envelope.KeyMeta, error) {
	in := &dynamodb.ScanInput{
		TableName: &m.o.Table, ConsistentRead: aws.Bool(true),
		ProjectionExpression:     aws.String("#i, #c"),
		ExpressionAttributeNames: map[string]string{"#i": attrID, "#c": attrCreated},
	}
	if prefix != "" {
		in.FilterExpression = aws.String("begins_with(#i, :p)")
		in.ExpressionAttributeValues = attributes{":p": text(prefix)}
	}
	names := []envelope.KeyMeta{}
	for {
		var out *dynamodb.ScanOutput
		err := m.home(ctx, "list", func(ctx context.Context) (err error) {
			out, err = m.clients[0].Scan(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			meta, err := metaOf(item)
			if err != nil {
				return nil, err
			}
			names = append(names, meta)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			slices.SortFunc(names, compareMeta)
			return names, nil
		}
	}
}

func metaOf(item attributes) (m envelope.KeyMeta, err error) {
	id, ok1 := item[attrID].(*types.AttributeValueMemberS)
	created, ok2 := item[attrCreated].(*types.AttributeValueMemberN)
	if !ok1 || !ok2 {
		return m, errItem
	}
	n, err := strconv.ParseInt(created.Value, 10, 64)
	if err != nil {
		return m, errItem
	}
	return envelope.KeyMeta{ID: id.Value, Created: n}, nil
}

// rows reads rows by their names, in that order. Those that are gone are left
// out.
func (m *Metastore) rows(ctx context.Context, names []envelope.KeyMeta) ([]envelope.StoredKey, error) {
	want := make([]attributes, len(names))
	for i, n := range names {
		want[i] = key(n)
	}
	var out []envelope.StoredKey
	pause := 20 * time.Millisecond
	for try := 0; len(want) > 0; try++ {
		var got *dynamodb.BatchGetItemOutput
		err := m.home(ctx, "list", func(ctx context.Context) (err error) {
			got, err = m.clients[0].BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				m.o.Table: {Keys: want, ConsistentRead: aws.Bool(true)},
			}})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, item := range got.Responses[m.o.Table] {
			k, err := storedKey(item)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
		if want = got.UnprocessedKeys[m.o.Table].Keys; len(want) == 0 {
			break
		}
		if try == maxUnprocessed {
			return nil, &envelope.ServiceError{
				Service: Name, Region: m.names[0], Resource: "table " + m.o.Table, Op: "list",
				Fault: envelope.FaultThrottled, Detail: fmt.Sprintf("%d rows were not returned", len(want)),
			}
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	slices.SortFunc(out, func(a, b envelope.StoredKey) int { return compareMeta(a.Meta, b.Meta) })
	return out, nil
}

func storedKey(item attributes) (k envelope.StoredKey, err error) {
	if k.Meta, err = metaOf(item); err != nil {
		return k, err
	}
	k.Record, k.Err = parse(item)
	return k, nil
}

// Versions implements envelope.VersionLister, in the home.
func (m *Metastore) Versions(ctx context.Context, id string) ([]envelope.StoredKey, error) {
	in := &dynamodb.QueryInput{
		TableName: &m.o.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#i = :i"),
		ExpressionAttributeNames:  map[string]string{"#i": attrID},
		ExpressionAttributeValues: attributes{":i": text(id)},
	}
	var all []envelope.StoredKey
	for {
		var out *dynamodb.QueryOutput
		err := m.home(ctx, "list", func(ctx context.Context) (err error) {
			out, err = m.clients[0].Query(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			k, err := storedKey(item)
			if err != nil {
				return nil, err
			}
			all = append(all, k)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return all, nil
		}
	}
}

// Remove implements envelope.Keeper.
func (m *Metastore) Remove(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	condition, names, values := unchanged(rec)
	return m.write(ctx, "remove", func(ctx context.Context) error {
		_, err := m.clients[0].DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &m.o.Table, Key: key(rec.Meta),
			ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		})
		return err
	})
}

// home asks the home, and nowhere else.
func (m *Metastore) home(ctx context.Context, op string, ask func(context.Context) error) error {
	_, err := m.write(ctx, op, ask)
	return err
}

// buried reports ErrShredded where the id of a row has a tombstone. The row was
// stored before this looks: either this finds the tombstone, or who set the
// tombstone finds the row when he lists the versions after it, for both read
// what was written before. A row that comes in between is taken back where the
// role may, and otherwise left: the tombstone is the newest row of the id, and
// nothing is sealed under one that is older.
func (m *Metastore) buried(ctx context.Context, rec *envelope.KeyRecord, stored bool) error {
	if rec.Meta.Created == envelope.Tombstone || strings.HasPrefix(rec.Meta.ID, "_") { // Asherah's ids have none
		return nil
	}
	var dead bool
	err := m.home(ctx, "store", func(ctx context.Context) error {
		out, err := m.clients[0].GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &m.o.Table, Key: key(envelope.KeyMeta{ID: rec.Meta.ID, Created: envelope.Tombstone}), ConsistentRead: aws.Bool(true),
			ProjectionExpression: aws.String("#i"), ExpressionAttributeNames: map[string]string{"#i": attrID},
		})
		dead = err == nil && len(out.Item) > 0
		return err
	})
	if err != nil || !dead {
		return err
	}
	if stored {
		_, _ = m.Remove(ctx, rec)
	}
	return envelope.ErrShredded
}
