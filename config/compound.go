package config

import "github.com/sealsql/sealsql/schema"

// compoundSection declares an index over several columns.
type compoundSection struct {
	Columns []partSection `yaml:"columns" required:"true" doc:"Two to eight columns, at least one of them encrypted. Their order is part of the index."`
	Column  string        `yaml:"column" doc:"Name of the physical column that holds the index; the index's name and _bidx unless given."`
	Bits    int           `yaml:"bits" default:"128" min:"128" max:"256" doc:"Size of the hash."`
	Unique  bool          `yaml:"unique" doc:"The application has a unique key over exactly these columns."`
	Scope   string        `yaml:"scope" enum:"partition table" doc:"partition hides from the database which rows of two partitions are equal; table lets searches go across partitions. partition unless given."`
	Version int           `yaml:"version" default:"1" min:"1" max:"1000000" doc:"Part of the key of the index."`
}

// partSection is a column of it: its name, or more.
type partSection struct {
	Column    string       `yaml:"column" required:"true" doc:"Name of the column."`
	Type      *typeName    `yaml:"type" doc:"Type of a clear column, in the engine's spelling. That of an encrypted one is known."`
	Collation string       `yaml:"collation" enum:"binary ci ci_ai normalized" doc:"Which texts are equal, as in search: equality; that of the column's equality unless given."`
	Normalize []normalizer `yaml:"normalize" doc:"What is done to a text before it is hashed, with collation: normalized."`
	Region    string       `yaml:"region" doc:"Country of phone numbers without a country code, for the normalizer phone."`
}

// setName is for the short form of a column that needs no more.
func (s *partSection) setName(name string) { *s = partSection{Column: name} }

func (s *partSection) index() schema.Part {
	p := schema.Part{Name: s.Column, Collation: schema.Collations[s.Collation], Region: s.Region}
	if s.Type != nil {
		p.Type = schema.Type(*s.Type)
	}
	for _, n := range s.Normalize {
		p.Normalize = append(p.Normalize, schema.Normalizer(n))
	}
	return p
}

func (p *parse) compound(t *schema.Table, table path, e *namedEntry[compoundSection]) *schema.Compound {
	s := &e.Value
	x := &schema.Compound{Key: e.Key, Name: s.Column, Bits: s.Bits, Unique: s.Unique, TableScope: s.Scope == "table", Version: s.Version}
	for i := range s.Columns {
		x.Parts = append(x.Parts, s.Columns[i].index())
	}
	if s.Unique && s.Scope == "" && t.Partition.Kind != schema.PartitionConst {
		p.dec.at(table.key("indexes").key(e.Key).key("unique"), "unique within a partition, or over all of them?", "add scope: partition, or scope: table")
	}
	return x
}

// compounds reports changes of the indexes over several columns, at the column
// behind which each stands.
func (d *differ) compounds(c, now *schema.Column) {
	for _, a := range c.Table.Compounds {
		if a.Column() != c {
			continue
		}
		b := now.Table.Compound(a.Key)
		switch {
		case b == nil:
			d.add(a.String(), Harmless, "cannot be searched together any more", "drop the index column with its guard; the driver does not write it any more")
		case !schema.EqualNames(a.Name, b.Name) || !a.Copies(b) || a.Version != b.Version:
			d.add(a.String(), Orphans, "their search index changed; rows that are stored are not found", "keep columns, their order, types, normalize and collation, and column, scope, bits and version")
		}
	}
	for _, b := range now.Table.Compounds {
		if b.Column() == now && c.Table.Compound(b.Key) == nil {
			d.add(b.String(), Orphans, "can be searched together now; rows that are stored have no index and are not found", "declare the index before values are stored")
		}
	}
}
