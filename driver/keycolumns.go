package driver

import (
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// keyColumns are the columns that identify the partition or the row of a table's values
// and that store some values otherwise than they are given: of all tables that an
// annotation matches. A table without any has none here.
type keyColumns struct {
	partitions, rows map[*schema.Table][]*rewrite.IdentifyingColumn
}

// add adds those of a snapshot's tables.
func (k *keyColumns) add(d rewrite.Dialect, snap *rewrite.Snapshot, annotations *schema.Catalog) {
	for i := range snap.Relations {
		rel := &snap.Relations[i]
		t := annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		for j := range rel.Columns {
			c := &rel.Columns[j]
			if t.Partition.Kind == schema.PartitionColumn && schema.EqualNames(c.Name, t.Partition.Column) {
				addKey(&k.partitions, t, rewrite.IdentifyingColumnOf(d, c, t.Partition.Type))
			}
			if t.Row.Column != "" && schema.EqualNames(c.Name, t.Row.Column) {
				addKey(&k.rows, t, rewrite.IdentifyingColumnOf(d, c, t.Row.Type))
			}
		}
	}
}

func addKey(to *map[*schema.Table][]*rewrite.IdentifyingColumn, t *schema.Table, c *rewrite.IdentifyingColumn) {
	if c == nil {
		return
	}
	if *to == nil {
		*to = map[*schema.Table][]*rewrite.IdentifyingColumn{}
	}
	(*to)[t] = append((*to)[t], c)
}

// keeps checks that the database's column stores a partition or a row as it is given:
// what is sealed for another opens for nobody. It returns what makes an error of it.
func keeps(columns []*rewrite.IdentifyingColumn, typ *schema.Type, id string) error {
	for _, c := range columns {
		if problem := c.Keeps(id); problem != "" {
			return logical.NewTypeError(typ, id, problem)
		}
	}
	return nil
}

// keyHint says what to do about it.
const keyHint = "give a value that the column stores as it is, and write the type of the database in the configuration"

// keepsPartition checks the partition of a value that is to be sealed.
func (x *call) keepsPartition(s *rewrite.PartitionSource, t *schema.Table) error {
	columns := x.c.view.keys.partitions[t]
	if len(columns) == 0 || s.Value == nil {
		return nil
	}
	id, err := x.canonical(s.Value, t)
	if err != nil {
		return err
	}
	if err := keeps(columns, &t.Partition.Type, id); err != nil {
		return partitionError(t, err, keyHint)
	}
	return nil
}

// keepsRow checks the row of a value that is to be sealed.
func (x *call) keepsRow(id string, t *schema.Table) error {
	columns := x.c.view.keys.rows[t]
	if len(columns) == 0 {
		return nil
	}
	if err := keeps(columns, &t.Row.Type, id); err != nil {
		e := rowError(t, err)
		e.Hint = keyHint
		return e
	}
	return nil
}
