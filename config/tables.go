package config

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

func (p *parse) catalog(raw *file) *schema.Catalog {
	fallback := p.partition(&raw.Defaults.Partition)
	if raw.Defaults.Partition.isZero() {
		fallback = schema.Partition{Kind: schema.PartitionConst, Const: schema.DefaultPartition}
	}
	p.fallback, p.scans = raw.Defaults.Format, raw.Limits.Scans
	base := raw.Defaults.sealing(p.dec, "defaults")
	var tables []*schema.Table
	names := map[string]path{}
	for i := range raw.Tables {
		e := &raw.Tables[i]
		t := p.table(e.Key, &e.Value, fallback, base)
		if t == nil {
			continue
		}
		names[t.String()] = path("tables").key(e.Key)
		tables = append(tables, t)
	}
	if len(raw.Tables) == 0 && p.dec.has("tables") && len(p.found) == 0 {
		p.dec.at("tables", "no table is named", "name one, or remove the key")
	}
	cat, err := schema.New(tables, schema.Options{ClearTables: raw.Clear, Views: p.views(raw.Views)})
	var problems schema.Problems
	if errors.As(err, &problems) {
		for _, problem := range problems {
			p.problem(problem, names)
		}
	}
	return cat
}

func (p *parse) table(key string, s *tableSection, fallback schema.Partition, base sealingKeys) *schema.Table {
	at := path("tables").key(key)
	schemaName, name, qualified := strings.Cut(key, ".")
	if !qualified {
		schemaName, name = "", key
	}
	if strings.Contains(name, ".") || name == "" || qualified && schemaName == "" {
		p.dec.atKey(at, "this is not a table name", "write table or schema.table")
		return nil
	}
	t := &schema.Table{Schema: schemaName, Name: name, Partition: fallback, Relaxed: s.Check == "relaxed", Row: s.BindRow.identity()}
	if s.Partition != nil {
		t.Partition = p.partition(s.Partition)
	}
	if len(s.Columns) == 0 && !p.dec.has(at.key("columns")) {
		return nil // reported: the key is missing
	}
	base = s.sealing(p.dec, at).over(base)
	for i := range s.Columns {
		t.Columns = append(t.Columns, p.column(at, &s.Columns[i], base))
		p.bound(at, &s.Columns[i], t.Columns[i], s.BindRow != nil)
		p.scope(t, at, &s.Columns[i])
		p.format(t.Columns[i], at, &s.Columns[i], s.Format)
	}
	for i := range s.Indexes {
		t.Compounds = append(t.Compounds, p.compound(t, at, &s.Indexes[i]))
	}
	return t
}

// bound reads a column's own word on row binding.
func (p *parse) bound(table path, e *namedEntry[columnSection], c *schema.Column, bound bool) {
	if e.Value.BindRow == nil {
		return
	}
	if *e.Value.BindRow && !bound {
		p.dec.at(table.key("columns").key(e.Key).key("bind_row"), "the table names no row identity", "add bind_row: {column: NAME, type: TYPE} to the table")
	}
	c.Unbound = !*e.Value.BindRow
}

func (p *parse) column(table path, e *namedEntry[columnSection], base sealingKeys) *schema.Column {
	c := &schema.Column{Name: e.Key, Type: schema.Type(e.Value.Type)}
	at := table.key("columns").key(e.Key)
	keys := e.Value.sealing(p.dec, at).over(base)
	c.Sealing, c.Verify = p.sealing(at, keys), schema.Verifications[keys.verify]
	if e.Value.Carrier == "text" {
		c.Carrier = schema.CarrierText
	}
	if e.Value.ID != nil {
		if c.ID = *e.Value.ID; c.ID == "" {
			p.dec.at(table.key("columns").key(e.Key).key("id"), "the id is empty", "leave the key out for table.column")
		}
	}
	for _, w := range e.Value.Audit {
		c.AuditReads = c.AuditReads || w == "read"
		c.AuditWrites = c.AuditWrites || w == "write"
		c.AuditSearches = c.AuditSearches || w == "search"
		c.AuditDeletes = c.AuditDeletes || w == "delete"
	}
	if v := e.Value.Default; v != nil {
		c.Default = (*string)(v)
		if k := c.Type.Kind; k == schema.KindBytes || k == schema.KindArray {
			p.dec.at(at.key("default"), "columns of this type take no default", "give the value in the application")
		}
	}
	e.Value.Search.indexes(c)
	if c.Equality != nil {
		c.Scan = p.scans
	}
	c.Accepted = schema.Leakages[e.Value.Accept]
	if s := e.Value.Sort; s != nil {
		c.ClientSort = s.MaxRows
		p.sortedBy(at.key("client_sort"), s, &c.Type)
	}
	return c
}

// sortedBy checks that values of a type can be sorted outside of the server.
func (p *parse) sortedBy(at path, s *sortSection, t *schema.Type) {
	switch text := t.Kind == schema.KindText; {
	case t.Kind == schema.KindJSON, text && t.Base == "char" || t.Base == "character" || t.Base == "bpchar":
		p.dec.at(at, "values of this type are not sorted outside of the server", "leave the key out")
	case text && s.Collation == "":
		p.dec.at(at, "the order of texts depends on a collation, which the driver does not know", "write {max_rows: "+strconv.Itoa(s.MaxRows)+", collation: binary} if bytes are compared")
	case !text && s.Collation != "":
		p.dec.at(at.key("collation"), "only texts have a collation", "leave the key out")
	}
}

func (s *partitionSection) isZero() bool {
	return !s.Context && s.Column == "" && s.Const == "" && s.Type == nil
}

func (p *parse) partition(s *partitionSection) schema.Partition {
	switch {
	case s.Context:
		return schema.Partition{Kind: schema.PartitionContext}
	case s.Column != "":
		out := schema.Partition{Kind: schema.PartitionColumn, Column: s.Column}
		if s.Type != nil {
			out.Type = schema.Type(*s.Type)
		}
		return out
	}
	return schema.Partition{Kind: schema.PartitionConst, Const: s.Const}
}

// problem reports a fault that package schema found, at its place in the file.
func (p *parse) problem(problem *schema.Problem, names map[string]path) {
	if problem.Table == "" && problem.Field != "" {
		if at := path(problem.Field); !p.reported(at) {
			p.dec.at(at, problem.Message, problem.Hint)
		}
		return
	}
	at, ok := names[problem.Table]
	if !ok {
		at = "tables"
	}
	if problem.Column != "" {
		at = at.key("columns").key(problem.Column)
	}
	if problem.Field == "" {
		p.dec.atKey(at, problem.Message, problem.Hint)
		return
	}
	place := at.key(problem.Field)
	if strings.HasPrefix(problem.Field, "partition") && !p.dec.has(at.key("partition")) {
		place = path("defaults").key(problem.Field)
	}
	if p.reported(place) {
		return // the decoder has said so already
	}
	if !p.dec.has(place) && problem.Field == "id" {
		p.dec.atKey(at, problem.Message, problem.Hint)
		return
	}
	p.dec.at(place, problem.Message, problem.Hint)
}

// reported reports whether a fault at or below the place is known.
func (p *parse) reported(at path) bool {
	for _, e := range p.found {
		if e.Path == string(at) || strings.HasPrefix(string(at), e.Path+".") && e.Path != "" {
			return true
		}
	}
	return false
}
