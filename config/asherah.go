package config

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// asherahSection says how columns in Asherah's format name their keys.
type asherahSection struct {
	RegionSuffix string   `yaml:"region_suffix" doc:"Appended to key ids, as Asherah does with the region suffix of its DynamoDB metastore; none unless given."`
	ReadSuffixes []string `yaml:"read_suffixes" doc:"Further suffixes whose records open; an empty text for records from before there was one."`
}

func (s *asherahSection) check(d *decoder, p path) {
	if strings.ContainsFunc(s.RegionSuffix, unprintable) || strings.ContainsAny(s.RegionSuffix, " \t") {
		d.at(p.key("region_suffix"), "the suffix holds blanks or control characters", "")
	}
}

// Asherah holds what concerns columns in Asherah's format.
type Asherah struct {
	RegionSuffix string
	ReadSuffixes []string
}

// format gives a column its format: its own, that of its table, or that of
// defaults. Records in Asherah's format have a carrier of their own.
func (p *parse) format(c *schema.Column, table path, e *namedEntry[columnSection], ofTable string) {
	word := p.fallback
	for _, own := range []string{ofTable, e.Value.Format} {
		if own != "" {
			word = own
		}
	}
	if word != "asherah" {
		return
	}
	if at := table.key("columns").key(e.Key).key("carrier"); p.dec.has(at) && e.Value.Carrier == "binary" {
		p.dec.at(at, "records in Asherah's format are text", "remove the key, or use format: compact")
	}
	c.Carrier = schema.CarrierAsherah
}

// asherah takes the suffix of a region from the metastore where that gives one.
func (f *file) asherah() Asherah {
	a := Asherah{f.Asherah.RegionSuffix, f.Asherah.ReadSuffixes}
	if m := f.Metastore.DynamoDB; a.RegionSuffix == "" && m != nil && m.RegionSuffix {
		a.RegionSuffix = m.Region
	}
	return a
}
