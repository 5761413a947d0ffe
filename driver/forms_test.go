package driver

import (
	"context"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

func TestEveryWordOfTheConfigurationReachesTheColumn(t *testing.T) {
	for _, word := range schema.ReadWords() {
		_, suite := suiteWords[word]
		_, form := formWords[word]
		if suite == form {
			t.Errorf("%q is both suite and form, or neither", word)
		}
	}
	if int(envelope.PadPadme) != schema.PadPadme {
		t.Error("padme is another number here and there")
	}
	for word, suite := range suiteWords {
		if suite.String() != word {
			t.Errorf("%s is called %s", word, suite)
		}
	}
	table := &schema.Table{
		Name: "t", Partition: schema.Partition{Kind: schema.PartitionContext},
		Row: schema.RowIdentity{Column: "id", Type: schema.Type{Name: "uuid"}},
		Columns: []*schema.Column{
			{Name: "a"},
			{Name: "b", Unbound: true, Sealing: schema.Sealing{
				Suite: schema.SuiteWrapped, Compress: 100, Pad: 64,
				Read: []string{"AES-256-GCM", "compressed", "unpadded"},
			}},
			{Name: "c", Sealing: schema.Sealing{Read: []string{"unbound", "padded"}}},
		},
	}
	if _, err := schema.New([]*schema.Table{table}, schema.Options{}); err != nil {
		t.Fatal(err)
	}
	want := []envelope.ColumnOptions{
		{CarryPartition: true, Suite: envelope.SuiteDerived, BindRow: true},
		{
			CarryPartition: true, Suite: envelope.SuiteWrapped, Read: []envelope.Suite{envelope.SuiteDerived},
			Compress: 100, Pad: 64, Accept: envelope.FormCompressed | envelope.FormUnpadded,
		},
		{CarryPartition: true, Suite: envelope.SuiteDerived, BindRow: true, Accept: envelope.FormUnbound | envelope.FormPadded},
	}
	for i, c := range table.Columns {
		if got := columnOptions(c); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: %+v, want %+v", c, got, want[i])
		}
	}
}

// Whatever padding the schema allows, the envelope takes.
func TestEveryPaddingOfTheSchemaIsOneOfTheEnvelope(t *testing.T) {
	s := newSealer(t)
	for _, pad := range []int{0, schema.PadPadme, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536} {
		table := &schema.Table{Name: "t", Columns: []*schema.Column{{Name: "a", Sealing: schema.Sealing{Pad: pad}}}}
		if _, err := schema.New([]*schema.Table{table}, schema.Options{}); err != nil {
			t.Fatal(err)
		}
		c, err := s.Column("t.a", columnOptions(table.Columns[0]))
		if err != nil {
			t.Fatal(err)
		}
		p, err := envelope.PartitionID("p")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Seal(context.Background(), nil, c, p, 1, []byte("v")); err != nil {
			t.Error(err)
		}
	}
}
