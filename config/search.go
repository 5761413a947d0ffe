package config

import "github.com/sealsql/sealsql/schema"

// searchSection declares the indexes of a column.
type searchSection struct {
	Equality *equalitySection `yaml:"equality" doc:"A blind index: the column answers =, IN and joins. The database learns which rows hold equal values."`
	Prefix   *fragmentSection `yaml:"prefix" doc:"Hashes of the beginnings of a text: the column answers LIKE 'abc%'. The database learns which rows share beginnings."`
	Suffix   *fragmentSection `yaml:"suffix" doc:"Hashes of the ends of a text: the column answers LIKE '%1234'. The database learns which rows share ends."`
	Contains *containsSection `yaml:"contains" doc:"Hashes of all pieces of a text: the column answers LIKE '%abc%'. The database learns which rows share pieces, from which much of natural text can be recovered."`
	Range    *rangeSection    `yaml:"range" doc:"An index for <, <=, >, >= and BETWEEN."`
}

func (*searchSection) words() []string { return []string{"equality"} }

func (s *searchSection) setWord(string) { *s = searchSection{Equality: &equalitySection{}} }

func (s *searchSection) check(d *decoder, p path) {
	for _, kind := range []string{"equality", "prefix", "suffix", "contains", "range"} {
		if d.has(p.key(kind)) {
			return
		}
	}
	if s.Equality == nil {
		d.at(p, "no index is named", "write search: equality, or remove the key")
	}
}

// indexes sets the indexes of a column, and those to which they are moved.
func (s *searchSection) indexes(c *schema.Column) {
	if s == nil {
		return
	}
	if e := s.Equality; e != nil {
		c.Equality, c.Next.Equality = e.index(), e.Next.index()
		c.Equality.Transit = schema.Transits[e.State]
	}
	if f := s.Prefix; f != nil {
		c.Prefix, c.Next.Prefix = f.index(), f.Next.index()
		c.Prefix.Transit = schema.Transits[f.State]
	}
	if f := s.Suffix; f != nil {
		c.Suffix, c.Next.Suffix = f.index(), f.Next.index()
		c.Suffix.Transit = schema.Transits[f.State]
	}
	if f := s.Contains; f != nil {
		c.Contains, c.Next.Contains = f.index(), f.Next.index()
		c.Contains.Transit = schema.Transits[f.State]
	}
	if r := s.Range; r != nil {
		c.Range, c.Next.Range = r.index(), r.Next.index()
		c.Range.Transit = schema.Transits[r.State]
	}
}

// equalitySection declares a blind index.
type equalitySection struct {
	equalityKeys
	State string        `yaml:"state" enum:"adding dropping" doc:"adding: rows are stored that lack the index; sealsql reindex fills it, and it is searched when every row has it. dropping: it is not searched any more, and sealsql reindex --finish drops it."`
	Next  *equalityKeys `yaml:"next" doc:"The definition to which sealsql reindex moves the index, with a physical column of its own. Meanwhile both are written."`
}

// equalityKeys are its settings.
type equalityKeys struct {
	Column    string       `yaml:"column" doc:"Name of the physical column that holds the index; the column's name and _bidx unless given."`
	Normalize []normalizer `yaml:"normalize" doc:"What is done to a text before it is hashed, in this order: trim, trim_end, collapse, nfc, nfkc, lower, strip_accents, digits, email, phone. Searches then find more than equal values, and the rows are filtered after opening."`
	Region    string       `yaml:"region" doc:"Country of phone numbers without a country code, for the normalizer phone: DE, say."`
	Collation string       `yaml:"collation" enum:"binary ci ci_ai normalized" doc:"Equality that the application expects: binary compares bytes, ci ignores case (citext), ci_ai also accents and trailing blanks (MySQL's default), normalized what normalize makes of the values. Required for text on MySQL."`
	Unique    string       `yaml:"unique" enum:"exact normalized" doc:"The application has a unique key on the column: of its values, or of what normalize makes of them."`
	Scope     string       `yaml:"scope" enum:"partition table" doc:"partition hides from the database which values of two partitions are equal; table lets searches go across partitions. partition unless given."`
	Group     string       `yaml:"group" doc:"Columns of one group can be joined; the column's id unless given. The database then learns which of their values are equal."`
	Bits      int          `yaml:"bits" default:"128" min:"8" max:"256" doc:"Size of the hash. Fewer bits than 128 collide: rows are then filtered after opening."`
	Version   int          `yaml:"version" default:"1" min:"1" max:"20000" doc:"Version of the key of the index."`
}

func (*equalitySection) words() []string { return []string{"default"} }

func (s *equalitySection) setWord(string) { *s = equalitySection{} }

func (s *equalityKeys) index() *schema.Equality {
	if s == nil {
		return nil
	}
	e := &schema.Equality{
		Name: s.Column, Region: s.Region, Bits: s.Bits, Group: s.Group, Version: s.Version, TableScope: s.Scope == "table",
		Collation: schema.Collations[s.Collation],
		Unique:    map[string]schema.Uniqueness{"exact": schema.UniqueExact, "normalized": schema.UniqueNormalized}[s.Unique],
	}
	for _, n := range s.Normalize {
		e.Normalize = append(e.Normalize, schema.Normalizer(n))
	}
	return e
}

// normalizer is the name of one.
type normalizer schema.Normalizer

func (n *normalizer) set(text string) (problem, suggestion string) {
	for _, known := range schema.Normalizers {
		if string(known) == text {
			*n = normalizer(known)
			return "", ""
		}
	}
	var best string
	names := make([]string, len(schema.Normalizers))
	for i, known := range schema.Normalizers {
		names[i] = string(known)
	}
	if best = schema.Nearest(text, names); best != "" {
		return "this is no normalizer", "use " + best
	}
	return "this is no normalizer", "use trim, trim_end, collapse, nfc, nfkc, lower, strip_accents, digits, email or phone"
}

// scope asks for a word where two readings of unique differ: a key within each
// partition, or over all of them (threats T23).
func (p *parse) scope(t *schema.Table, table path, e *namedEntry[columnSection]) {
	s := e.Value.Search
	if s == nil || s.Equality == nil || t.Partition.Kind == schema.PartitionConst {
		return
	}
	at := table.key("columns").key(e.Key).key("search").key("equality")
	for _, k := range []struct {
		*equalityKeys
		at path
	}{{&s.Equality.equalityKeys, at}, {s.Equality.Next, at.key("next")}} {
		if k.equalityKeys != nil && k.Unique != "" && k.Scope == "" {
			p.dec.at(k.at.key("unique"), "unique within a partition, or over all of them?", "add scope: partition, or scope: table")
		}
	}
}
