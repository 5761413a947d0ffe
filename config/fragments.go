package config

import "github.com/sealsql/sealsql/schema"

// fragmentSection declares a prefix or suffix index.
type fragmentSection struct {
	fragmentKeys
	State string        `yaml:"state" enum:"adding dropping" doc:"adding: rows are stored that lack the index; sealsql reindex fills it, and it is searched when every row has it. dropping: it is not searched any more, and sealsql reindex --finish drops it."`
	Next  *fragmentKeys `yaml:"next" doc:"The definition to which sealsql reindex moves the index, with a physical column of its own. Meanwhile both are written."`
}

// fragmentKeys are its settings.
type fragmentKeys struct {
	Column    string       `yaml:"column" doc:"Name of the physical column that holds the index; the column's name and _pfx or _sfx unless given."`
	Lengths   []int        `yaml:"lengths" doc:"Lengths in letters, ascending: up to 8 numbers from 1 to 64; [3] unless given. A pattern needs as many letters as the shortest."`
	Normalize []normalizer `yaml:"normalize" doc:"What is done to a text before it is cut; case and accents never matter."`
	Collation string       `yaml:"collation" enum:"binary ci ci_ai" doc:"Which letters LIKE finds equal. Required on MySQL; on PostgreSQL ci for citext."`
	Scope     string       `yaml:"scope" enum:"partition table" doc:"partition hides from the database which texts of two partitions share pieces; table lets searches go across partitions. partition unless given."`
	Version   int          `yaml:"version" default:"1" min:"1" max:"20000" doc:"Version of the key of the index."`
}

func (*fragmentSection) words() []string { return []string{"default"} }

func (s *fragmentSection) setWord(string) { *s = fragmentSection{} }

func (s *fragmentKeys) index() *schema.Fragments {
	if s == nil {
		return nil
	}
	return fragments(s.Column, s.Lengths, s.Normalize, s.Collation, s.Scope, s.Version)
}

// containsSection declares a contains index.
type containsSection struct {
	containsKeys
	State string        `yaml:"state" enum:"adding dropping" doc:"adding: rows are stored that lack the index; sealsql reindex fills it, and it is searched when every row has it. dropping: it is not searched any more, and sealsql reindex --finish drops it."`
	Next  *containsKeys `yaml:"next" doc:"The definition to which sealsql reindex moves the index, with a physical column of its own. Meanwhile both are written."`
}

// containsKeys are its settings.
type containsKeys struct {
	Column    string       `yaml:"column" doc:"Name of the physical column that holds the index; the column's name and _sub unless given."`
	Length    int          `yaml:"length" default:"3" min:"2" max:"8" doc:"Letters of a piece. A pattern needs as many in a row."`
	Normalize []normalizer `yaml:"normalize" doc:"What is done to a text before it is cut; case and accents never matter."`
	Collation string       `yaml:"collation" enum:"binary ci ci_ai" doc:"Which letters LIKE finds equal. Required on MySQL; on PostgreSQL ci for citext."`
	Scope     string       `yaml:"scope" enum:"partition table" doc:"partition hides from the database which texts of two partitions share pieces; table lets searches go across partitions. partition unless given."`
	Version   int          `yaml:"version" default:"1" min:"1" max:"20000" doc:"Version of the key of the index."`
}

func (*containsSection) words() []string { return []string{"default"} }

func (s *containsSection) setWord(string) { *s = containsSection{} }

func (s *containsKeys) index() *schema.Fragments {
	if s == nil {
		return nil
	}
	var lengths []int
	if s.Length != 0 {
		lengths = []int{s.Length}
	}
	return fragments(s.Column, lengths, s.Normalize, s.Collation, s.Scope, s.Version)
}

func fragments(column string, lengths []int, normalize []normalizer, collation, scope string, version int) *schema.Fragments {
	f := &schema.Fragments{
		Name: column, Lengths: lengths, Collation: schema.Collations[collation], TableScope: scope == "table", Version: version,
	}
	for _, n := range normalize {
		f.Normalize = append(f.Normalize, schema.Normalizer(n))
	}
	return f
}
