package driver

import (
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// suites and forms of the configuration, in the words of package envelope.
var (
	suiteWords = map[string]envelope.Suite{
		string(schema.SuiteAES):      envelope.SuiteDerived,
		string(schema.SuiteWrapped):  envelope.SuiteWrapped,
		string(schema.SuiteChaCha20): envelope.SuiteChaCha20,
	}
	formWords = map[string]envelope.Form{
		schema.ReadUnbound:    envelope.FormUnbound,
		schema.ReadPadded:     envelope.FormPadded,
		schema.ReadUnpadded:   envelope.FormUnpadded,
		schema.ReadCompressed: envelope.FormCompressed,
	}
)

// columnOptions says what the records of a column look like. Package schema has
// checked the words.
func columnOptions(c *schema.Column) envelope.ColumnOptions {
	o := envelope.ColumnOptions{
		// A partition that the schema does not fix travels in the record, so that
		// any read finds the key (threats T13).
		CarryPartition: c.Table.Partition.Kind != schema.PartitionConst,
		Suite:          suiteWords[string(c.Sealing.Suite)],
		BindRow:        c.BindsRow(),
		Compress:       c.Sealing.Compress,
		Pad:            envelope.Padding(c.Sealing.Pad),
	}
	for _, word := range c.Sealing.Read {
		if suite, ok := suiteWords[word]; ok {
			o.Read = append(o.Read, suite)
		}
		o.Accept |= formWords[word]
	}
	return o
}
