package config

import "github.com/sealsql/sealsql/schema"

// rangeSection declares an index for comparisons by order.
type rangeSection struct {
	rangeKeys
	State string     `yaml:"state" enum:"adding dropping" doc:"adding: rows are stored that lack the index; sealsql reindex fills it, and it is searched when every row has it. dropping: it is not searched any more, and sealsql reindex --finish drops it."`
	Next  *rangeKeys `yaml:"next" doc:"The definition to which sealsql reindex moves the index, with a physical column of its own. Meanwhile both are written."`
}

// rangeKeys are its settings.
type rangeKeys struct {
	Column    string `yaml:"column" doc:"Name of the physical column that holds the index; the column's name and _rng unless given."`
	Order     string `yaml:"order" enum:"hidden revealing" default:"hidden" doc:"What the database learns of the order of values. hidden: none by itself, but which values share leading bits, and by queries which of these make up ranges. revealing: all of it, and about how far values are apart; it can sort then, and the column needs accept_leakage: order."`
	Form      string `yaml:"form" enum:"path nodes" default:"path" doc:"How order: hidden is stored. path: the way to the value in a tree whose children are shuffled, as many bytes as the value has, with one index of the database. nodes: a hash of 16 bytes for each four bits, with an index of the database for each; for indexes that were made so."`
	Prefix    int    `yaml:"prefix" min:"1" max:"64" doc:"Number of bytes of a text, or of bytes, that are compared."`
	Longer    string `yaml:"longer" enum:"accept refuse" default:"accept" doc:"Texts longer than prefix: accept stores them, and then the database cannot sort by the column unless the length of its type rules them out; refuse reports an error when they are written."`
	Collation string `yaml:"collation" enum:"binary" doc:"Order of texts that the application expects: by their bytes. Required for text on PostgreSQL, where it is COLLATE \"C\", and on MySQL."`
	Scope     string `yaml:"scope" enum:"partition table" doc:"partition hides from the database how values of two partitions compare; table lets searches go across partitions. partition unless given."`
	Group     string `yaml:"group" doc:"Columns of one group can be compared with each other; the column's id unless given."`
	Version   int    `yaml:"version" default:"1" min:"1" max:"20000" doc:"Version of the key of the index."`
}

func (s *rangeKeys) index() *schema.Range {
	if s == nil {
		return nil
	}
	return &schema.Range{
		Name: s.Column, Order: map[string]schema.Order{"revealing": schema.OrderRevealing}[s.Order], Form: map[string]schema.Form{"nodes": schema.FormNodes}[s.Form], Prefix: s.Prefix,
		Collation: schema.Collations[s.Collation], RefuseLonger: s.Longer == "refuse", TableScope: s.Scope == "table", Group: s.Group, Version: s.Version,
	}
}

func (*rangeSection) words() []string { return []string{"default"} }

func (s *rangeSection) setWord(string) { *s = rangeSection{} }
