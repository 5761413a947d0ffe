package config

import "github.com/sealsql/sealsql/schema"

// compoundSection declares an index over several columns.
type compoundSection struct {
	Columns []partSection `yaml:"columns" required:"true" doc:"Two to eight columns, at least one of them encrypted. Their order is part of the index."`
	Column  string        `yaml:"column" doc:"Name of the physical column that holds the index; the index's name and _bidx unless given."`
	Bits    int           `yaml:"bits" default:"128" min:"128" max:"256" doc:"Size of the hash."`
	Unique  bool          `yaml:"unique" doc:"The application has a unique key over exactly these columns."`
	Scope   string        `yaml:"scope" enum:"partition table" doc:"partition hides from the database which rows of two partitions are equal; table lets searches go across partitions. partition unless given."`
	Version int           `yaml:"version" default:"1" min:"1" max:"20000" doc:"Version of the key of the index."`
	State   string        `yaml:"state" enum:"adding dropping" doc:"adding: rows are stored that lack the index; sealsql reindex fills it, and it is searched when every row has it. dropping: it is not searched any more, and sealsql reindex --finish drops it."`
	Next    *compoundKeys `yaml:"next" doc:"The definition to which sealsql reindex moves the index, with a physical column of its own. Meanwhile both are written."`
}

// compoundKeys are the settings of one to which another is moved.
type compoundKeys struct {
	Columns []partSection `yaml:"columns" doc:"The same columns, with other settings; as they are, or as their equality is moved, unless given."`
	Column  string        `yaml:"column" required:"true" doc:"Name of the physical column that holds the index."`
	Bits    int           `yaml:"bits" default:"128" min:"128" max:"256" doc:"Size of the hash."`
	Unique  bool          `yaml:"unique" doc:"The application has a unique key over exactly these columns."`
	Scope   string        `yaml:"scope" enum:"partition table" doc:"As that of the index beside it, which it need not have."`
	Version int           `yaml:"version" min:"1" max:"20000" doc:"Version of the key of the index; that of the index beside it unless given."`
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
	x.Transit = schema.Transits[s.State]
	at := table.key("indexes").key(e.Key)
	p.uniqueScope(t, at, s.Unique, s.Scope)
	if n := s.Next; n != nil {
		x.Next = &schema.Compound{Name: n.Column, Bits: n.Bits, Unique: n.Unique, TableScope: n.Scope == "table", Version: n.Version}
		for i := range n.Columns {
			x.Next.Parts = append(x.Next.Parts, n.Columns[i].index())
		}
		p.uniqueScope(t, at.key("next"), n.Unique, n.Scope)
	}
	return x
}

// uniqueScope asks for a word where two readings of unique differ.
func (p *parse) uniqueScope(t *schema.Table, at path, unique bool, scope string) {
	if unique && scope == "" && t.Partition.Kind != schema.PartitionConst {
		p.dec.at(at.key("unique"), "unique within a partition, or over all of them?", "add scope: partition, or scope: table")
	}
}

// compounds reports changes of the indexes over several columns, at the column
// behind which each stands.
func (d *differ) compounds(c, now *schema.Column) {
	for _, a := range c.Table.Compounds {
		if a.Column() != c {
			continue
		}
		if a.Searched() || a.Transit != schema.Settled {
			d.compound(a, now.Table.Compound(a.Key))
		}
	}
	for _, b := range now.Table.Compounds {
		switch {
		case b.Column() != now || c.Table.Compound(b.Key) != nil:
		case b.Transit == schema.Adding:
			d.add(b.String(), Harmless, "are to be searched together", "give every process this configuration, then run sealsql reindex")
		default:
			d.add(b.String(), Orphans, "can be searched together now; rows that are stored have no index and are not found", addFirst)
		}
	}
}

func (d *differ) compound(a, b *schema.Compound) {
	same := func(x, y *schema.Compound) bool {
		return x != nil && schema.EqualNames(x.Name, y.Name) && x.Copies(y) && x.Version == y.Version
	}
	switch {
	case b == nil && a.Transit == schema.Dropping:
		d.add(a.String(), Harmless, "cannot be searched together any more", dropFirst)
	case b == nil:
		d.add(a.String(), Harmless, "cannot be searched together any more", dropInstead)
	case same(a, b) && b.Transit == schema.Dropping && a.Transit != b.Transit:
		d.add(a.String(), Harmless, "their index is to be dropped; statements that search by it are refused", "give every process this configuration, then run sealsql reindex --finish")
	case same(a, b) && b.Transit == schema.Adding && a.Transit != b.Transit:
		d.add(a.String(), Harmless, "are searched together only as far as sealsql reindex has recorded", "")
	case same(a, b) && a.Transit == schema.Adding && b.Transit == schema.Settled:
		d.add(a.String(), Harmless, "can be searched together now", addedFirst)
	case same(a, b):
		d.compoundNext(a.String(), a.Next, b.Next, same)
	case same(a.Next, b):
		d.add(a.String(), Harmless, movedTo("compound index"), finishFirst)
	default:
		d.add(a.String(), Orphans, "their search index changed; rows that are stored are not found", "keep columns, their order, types, normalize and collation, and column, scope, bits and version, or declare the new index as next: and run sealsql reindex")
	}
}

// compoundNext reports what becomes of a move of a compound index that stays.
func (d *differ) compoundNext(name string, before, now *schema.Compound, same func(x, y *schema.Compound) bool) {
	switch {
	case before == nil && now == nil:
	case before == nil:
		d.add(name, Harmless, "its compound index is to be moved to "+now.Name, "give every process this configuration, then run sealsql reindex")
	case now == nil:
		d.add(name, Harmless, "its compound index is no longer to be moved", abortFirst)
	case !same(before, now):
		d.add(name, Orphans, "the definition to which its compound index is moved changed; rows that are filled would not be found", "run sealsql reindex --abort under the old configuration first, then name another column")
	}
}
