package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sealsql/sealsql/envelope"
)

type attributes = map[string]types.AttributeValue

const (
	attrID      = "Id"
	attrCreated = "Created"
	attrRecord  = "KeyRecord"
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func base64Text(b []byte) types.AttributeValue { return text(base64.StdEncoding.EncodeToString(b)) }

func key(meta envelope.KeyMeta) attributes {
	return attributes{attrID: text(meta.ID), attrCreated: number(meta.Created)}
}

// record makes the member KeyRecord.
func record(r *envelope.KeyRecord) types.AttributeValue {
	m := attributes{"Created": number(r.Meta.Created), "Key": base64Text(r.Key)}
	if r.Revoked {
		m["Revoked"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if p := r.Parent; p != nil {
		m["ParentKeyMeta"] = &types.AttributeValueMemberM{Value: attributes{"KeyId": text(p.ID), "Created": number(p.Created)}}
	}
	if len(r.State) > 0 {
		m["SealsqlState"] = base64Text(r.State)
	}
	return &types.AttributeValueMemberM{Value: m}
}

// parse reads an item. What is not a key record matches envelope.ErrTampered.
func parse(item attributes) (*envelope.KeyRecord, error) {
	id, ok1 := item[attrID].(*types.AttributeValueMemberS)
	created, ok2 := item[attrCreated].(*types.AttributeValueMemberN)
	rec, ok3 := item[attrRecord].(*types.AttributeValueMemberM)
	if !ok1 || !ok2 || !ok3 {
		return nil, errItem
	}
	n, err := strconv.ParseInt(created.Value, 10, 64)
	if err != nil {
		return nil, errItem
	}
	v, ok := plain(rec.Value)
	if !ok {
		return nil, errItem
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, errItem
	}
	return envelope.ParseKeyRecord(envelope.KeyMeta{ID: id.Value, Created: n}, b)
}

// plain turns members into what encoding/json writes, so that one parser reads
// the rows of every store. Members of other types than ours have are left out:
// Asherah's other languages may have some.
func plain(m attributes) (map[string]any, bool) {
	out := map[string]any{}
	for name, v := range m {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			out[name] = v.Value
		case *types.AttributeValueMemberBOOL:
			out[name] = v.Value
		case *types.AttributeValueMemberN:
			n, err := strconv.ParseInt(v.Value, 10, 64)
			if err != nil {
				return nil, false
			}
			out[name] = n
		case *types.AttributeValueMemberM:
			inner, ok := plain(v.Value)
			if !ok {
				return nil, false
			}
			out[name] = inner
		}
	}
	return out, true
}

// errItem matches envelope.ErrTampered.
var errItem error = itemError{}

type itemError struct{}

func (itemError) Error() string        { return "the item is not a key record" }
func (itemError) Is(target error) bool { return target == envelope.ErrTampered }

// sameMeta refuses an item that was not asked for.
func sameMeta(r *envelope.KeyRecord, id string) error {
	if r.Meta.ID != id {
		return fmt.Errorf("%w: another item than was asked for", errItem)
	}
	return nil
}
