package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/awsfault"
	"github.com/sealsql/sealsql/internal/failover"
	"github.com/sealsql/sealsql/observe"
)

// faults are the error codes of DynamoDB.
var faults = map[string]envelope.Fault{
	"ProvisionedThroughputExceededException": envelope.FaultThrottled,
	"ReplicatedWriteConflictException":       envelope.FaultThrottled,
	"TransactionConflictException":           envelope.FaultThrottled,
	"ResourceNotFoundException":              envelope.FaultAbsent,
	"ResourceInUseException":                 envelope.FaultRequest,
}

func (m *Metastore) fault(i int, op string, err error) error {
	e := &envelope.ServiceError{Service: Name, Region: m.names[i], Resource: "table " + m.o.Table, Op: op}
	e.Fault, e.Detail, e.Err = awsfault.Read(err, faults)
	return e
}

func verdict(err error) failover.Verdict {
	var e *envelope.ServiceError
	if errors.As(err, &e) {
		switch e.Fault {
		case envelope.FaultDenied, envelope.FaultAbsent, envelope.FaultRequest:
			return failover.Next
		}
	}
	return failover.Failed
}

// Load implements envelope.Metastore. A row does not change but for its state,
// so any region's copy will do: a region that lacks it may only lag.
func (m *Metastore) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	return m.read(ctx, func(ctx context.Context, i int) (*envelope.KeyRecord, error) {
		out, err := m.clients[i].GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &m.o.Table, Key: key(meta), ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return nil, m.fault(i, "load", err)
		}
		return one(meta.ID, out.Item)
	}, true)
}

// LoadLatest implements envelope.Metastore.
func (m *Metastore) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return m.LoadLatestBefore(ctx, id, math.MaxInt64)
}

// LoadLatestBefore implements envelope.BoundedLoader. The home knows what is the
// newest; replicas are asked while it does not answer.
func (m *Metastore) LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*envelope.KeyRecord, error) {
	return m.read(ctx, func(ctx context.Context, i int) (*envelope.KeyRecord, error) {
		out, err := m.clients[i].Query(ctx, &dynamodb.QueryInput{
			TableName: &m.o.Table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(1),
			KeyConditionExpression:    aws.String("#i = :i AND #c <= :c"),
			ExpressionAttributeNames:  map[string]string{"#i": attrID, "#c": attrCreated},
			ExpressionAttributeValues: attributes{":i": text(id), ":c": number(notAfter)},
		})
		if err != nil {
			return nil, m.fault(i, "load", err)
		}
		if len(out.Items) == 0 {
			return nil, envelope.ErrKeyNotFound
		}
		return one(id, out.Items[0])
	}, false)
}

func one(id string, item attributes) (*envelope.KeyRecord, error) {
	if item == nil {
		return nil, envelope.ErrKeyNotFound
	}
	r, err := parse(item)
	if err == nil {
		err = sameMeta(r, id)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// read asks the regions in their order. A row that a region lacks is looked for
// in the others where everywhere says so. That there is none is only said if the
// home answered, and where everywhere says so all did.
func (m *Metastore) read(ctx context.Context, ask func(context.Context, int) (*envelope.KeyRecord, error), everywhere bool) (*envelope.KeyRecord, error) {
	op := "load_latest"
	if everywhere {
		op = "load"
	}
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	var rec *envelope.KeyRecord
	var final, failed error
	ok := m.group.Try(ctx, m.order, func(ctx context.Context, i int) (failover.Verdict, error) {
		ctx, t := m.begin(ctx, i, op)
		r, err := ask(ctx, i)
		t.End(envelope.Outcome(err))
		switch {
		case err == nil:
			rec, r.Replica = r, i != 0
			return failover.Done, nil
		case errors.Is(err, envelope.ErrKeyNotFound):
			if i == 0 && !everywhere {
				final = err
				return failover.Done, nil
			}
			return failover.Next, nil
		case errors.Is(err, envelope.ErrTampered): // another region may have it whole
			final = err
			return failover.Next, nil
		}
		failed = errors.Join(failed, err)
		return verdict(err), err
	}, func(i int, why error) { failed = errors.Join(failed, m.leftOut(i, why)) })
	switch {
	case rec != nil:
		return rec, nil
	case ok, failed == nil && final != nil:
		return nil, final
	case failed != nil:
		return nil, failed
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, envelope.ErrKeyNotFound
}

func (m *Metastore) ready(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if m.closed.Load() {
		return envelope.ErrClosed
	}
	return nil
}

func (m *Metastore) leftOut(i int, why error) error {
	detail := why.Error()
	if cause := m.group.Out(i); cause != nil {
		detail += ": " + cause.Error()
	}
	return &envelope.ServiceError{
		Service: Name, Region: m.names[i], Resource: "table " + m.o.Table, Op: "request", Fault: envelope.FaultUnreachable, Detail: detail,
	}
}

// Store implements envelope.Metastore, in the home. A repetition by the SDK
// after a lost answer finds the row that the first attempt stored, and reports
// false: the row is then read back, as another process's would be.
func (m *Metastore) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	item := key(rec.Meta)
	item[attrRecord] = record(rec)
	stored, err := m.write(ctx, "store", func(ctx context.Context) error {
		_, err := m.clients[0].PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &m.o.Table, Item: item,
			ConditionExpression:      aws.String("attribute_not_exists(#i)"),
			ExpressionAttributeNames: map[string]string{"#i": attrID},
		})
		return err
	})
	if err == nil {
		err = m.buried(ctx, rec, stored)
	}
	return stored && err == nil, err
}

// Replace implements envelope.Keeper.
func (m *Metastore) Replace(ctx context.Context, old, rec *envelope.KeyRecord) (bool, error) {
	if old.Meta != rec.Meta {
		return false, errors.New("sealsql: metastore: a row is replaced by one of the same id and time only")
	}
	condition, names, values := unchanged(old)
	values[":new"] = record(rec)
	return m.write(ctx, "replace", func(ctx context.Context) error {
		_, err := m.clients[0].UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &m.o.Table, Key: key(old.Meta),
			UpdateExpression:          aws.String("SET #r = :new"),
			ConditionExpression:       &condition,
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		})
		return err
	})
}

// unchanged is the condition that every member of a row is as in r, or is not
// there as in r. An absent Revoked and one that is false are the same.
func unchanged(r *envelope.KeyRecord) (condition string, names map[string]string, values attributes) {
	want := record(r).(*types.AttributeValueMemberM).Value
	names, values = map[string]string{"#r": attrRecord}, attributes{}
	var all []string
	for i, member := range []string{"Created", "Key", "Revoked", "ParentKeyMeta", "SealsqlState"} {
		name, value := fmt.Sprintf("#m%d", i), fmt.Sprintf(":m%d", i)
		names[name] = member
		path := "#r." + name
		switch v := want[member].(type) {
		case nil:
			all = append(all, absent(member, path, value, values))
		case *types.AttributeValueMemberM:
			names["#pi"], names["#pc"] = "KeyId", "Created"
			values[":pi"], values[":pc"] = v.Value["KeyId"], v.Value["Created"]
			all = append(all, path+".#pi = :pi", path+".#pc = :pc")
		default:
			values[value] = v
			all = append(all, path+" = "+value)
		}
	}
	return strings.Join(all, " AND "), names, values
}

func absent(member, path, value string, values attributes) string {
	if member != "Revoked" {
		return "attribute_not_exists(" + path + ")"
	}
	values[value] = &types.AttributeValueMemberBOOL{Value: false}
	return "(attribute_not_exists(" + path + ") OR " + path + " = " + value + ")"
}

// write asks the home; a condition that does not hold is false and no error.
func (m *Metastore) write(ctx context.Context, op string, ask func(context.Context) error) (bool, error) {
	if err := m.ready(ctx); err != nil {
		return false, err
	}
	var refused bool
	var failed error
	done, asked := m.group.One(ctx, 0, func(ctx context.Context, _ int) (failover.Verdict, error) {
		ctx, t := m.begin(ctx, 0, op)
		err := ask(ctx)
		var no *types.ConditionalCheckFailedException
		if refused = errors.As(err, &no); refused {
			t.End(observe.Exists)
		} else if err == nil {
			t.End(observe.OK)
		}
		if err == nil || refused {
			return failover.Done, nil
		}
		failed = m.fault(0, op, err)
		t.End(envelope.Outcome(failed))
		return verdict(failed), failed
	})
	if !asked {
		failed = m.leftOut(0, failover.ErrLeftOut)
	}
	return done && !refused, failed
}
