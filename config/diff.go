package config

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sealsql/sealsql/schema"
)

// Effect is what a change of the configuration does to stored data.
type Effect uint8

// The effects, from worst to least.
const (
	// Orphans: values sealed under the old configuration do not open under
	// the new one.
	Orphans Effect = iota + 1
	// KeyPlace: keys are looked for in another place; stored data open if the
	// same keys are there, which a comparison of files cannot tell.
	KeyPlace
	// Harmless: stored data open as before.
	Harmless
)

// String returns the effect in a word.
func (e Effect) String() string {
	switch e {
	case Orphans:
		return "orphans data"
	case KeyPlace:
		return "moves keys"
	case Harmless:
		return "harmless"
	}
	return "invalid"
}

// Change is one difference of two configurations. It holds names, never a
// value of the sections kms and metastore.
type Change struct {
	// Path is the place: "service", "users.ssn".
	Path   string
	Effect Effect
	// Message says what is different, Remedy what to do about it (or is empty).
	Message string
	Remedy  string
}

// Diff compares two configurations as to data that were sealed under the first
// and are to be opened under the second (threats T31). The changes are sorted
// by effect, worst first.
func Diff(before, after *Config) []Change {
	d := &differ{}
	d.identity(before, after)
	d.keys(before, after)
	d.tables(before.Catalog, after.Catalog)
	d.views(before.Catalog, after.Catalog)
	d.settings(before, after)
	slices.SortStableFunc(d.changes, func(a, b Change) int { return cmp.Compare(a.Effect, b.Effect) })
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(path string, e Effect, message, remedy string) {
	d.changes = append(d.changes, Change{path, e, message, remedy})
}

func (d *differ) identity(a, b *Config) {
	for _, x := range []struct{ name, before, after string }{
		{"service", a.Service, b.Service},
		{"product", a.Product, b.Product},
	} {
		if x.before != x.after {
			d.add(x.name, Orphans, fmt.Sprintf("changed from %q to %q", x.before, x.after),
				"keep the old name: it is part of every key's id and bound into every value")
		}
	}
}

// same reports whether two providers name the same keys.
func same(a, b Provider) bool { return a.Provider == b.Provider && bytes.Equal(a.written, b.written) }

func (d *differ) keys(a, b *Config) {
	if a.KMSRetiring.Provider != "" && !same(a.KMSRetiring, b.KMSRetiring) && !same(a.KMSRetiring, b.KMS) {
		d.add("kms_retiring", KeyPlace, "removed or changed", "run sealsql keys rewrap first: stored data open only if every system key was handed over")
	}
	switch {
	case same(a.KMS, b.KMSRetiring): // handed over
	case a.KMS.Provider != b.KMS.Provider:
		d.add("kms", KeyPlace, fmt.Sprintf("changed from %s to %s", a.KMS.Provider, b.KMS.Provider), "stored data open only if it is the same master key")
	case !bytes.Equal(a.KMS.written, b.KMS.written):
		d.add("kms."+a.KMS.Provider, KeyPlace, "changed", "stored data open only if it is the same master key")
	}
	switch {
	case a.Metastore.Provider != b.Metastore.Provider && b.Metastore.Provider == "memory":
		d.add("metastore", Orphans, "changed to memory", "keep the old one: memory forgets the keys when the program ends")
	case a.Metastore.Provider != b.Metastore.Provider:
		d.add("metastore", KeyPlace, fmt.Sprintf("changed from %s to %s", a.Metastore.Provider, b.Metastore.Provider), "copy the key rows first")
	case !bytes.Equal(a.Metastore.Options, b.Metastore.Options) || a.Metastore.Same != b.Metastore.Same:
		d.add("metastore."+a.Metastore.Provider, KeyPlace, "changed", "copy the key rows first")
	}
}

func (d *differ) tables(a, b *schema.Catalog) {
	opens, changed := map[*schema.Column]bool{}, map[*schema.Column]bool{}
	for _, t := range a.Tables() {
		for _, c := range t.Columns {
			d.column(c, b)
			now := counterpart(c, b)
			if opens[now] = true; now == nil {
				changed[byName(c, b)] = true
			}
		}
		d.table(t, b)
	}
	for _, t := range b.Tables() {
		for _, c := range t.Columns {
			if !opens[c] && !changed[c] {
				d.add(c.String(), Harmless, "is encrypted now", "values that are stored in clear do not open: encrypt them first")
			}
		}
	}
}

// counterpart finds the column that opens what c sealed: the one of the same
// name if it has the same id, else any with the id. Records are bound to the
// id, not to names.
func counterpart(c *schema.Column, in *schema.Catalog) *schema.Column {
	if same := byName(c, in); same != nil && same.ID == c.ID {
		return same
	}
	for _, t := range in.Tables() {
		for _, other := range t.Columns {
			if other.ID == c.ID {
				return other
			}
		}
	}
	return nil
}

// byName finds the column of the same table and name.
func byName(c *schema.Column, in *schema.Catalog) *schema.Column {
	t := tableLike(c.Table, in)
	if t == nil {
		return nil
	}
	return t.Column(c.Name)
}

// tableLike finds the table of the same schema and name, else the only one of
// the name.
func tableLike(t *schema.Table, in *schema.Catalog) *schema.Table {
	if found := in.Lookup(t.Schema, t.Name); found != nil {
		return found
	}
	var only *schema.Table
	for _, other := range in.Tables() {
		if !schema.EqualNames(other.Name, t.Name) {
			continue
		}
		if only != nil {
			return nil
		}
		only = other
	}
	return only
}

func (d *differ) column(c *schema.Column, in *schema.Catalog) {
	now := counterpart(c, in)
	if now == nil {
		d.gone(c, in)
		return
	}
	if !schema.EqualNames(now.Name, c.Name) || !schema.EqualNames(now.Table.Name, c.Table.Name) {
		d.add(c.String(), Harmless, "is now "+now.String()+", with the same id", "rename it in the database together with the configuration")
	}
	d.columnType(c, now)
	switch {
	case now.Carrier != c.Carrier && (now.Carrier == schema.CarrierAsherah || c.Carrier == schema.CarrierAsherah):
		d.add(c.String(), Orphans, fmt.Sprintf("format changed from %s to %s", formatOf(c), formatOf(now)),
			"keep the old format, or add a column of the new one and copy the values through the application")
	case now.Carrier != c.Carrier:
		d.add(c.String(), Orphans, fmt.Sprintf("carrier changed from %s to %s", c.Carrier, now.Carrier),
			"keep the old carrier, or convert the stored values when the physical column changes")
	}
	if (c.Default == nil) != (now.Default == nil) || c.Default != nil && *c.Default != *now.Default {
		d.add(c.String(), Harmless, "its default changed", "rows that are stored keep their values; the database's schema has no default to change")
	}
	d.sealing(c, now)
	d.partition(c, now)
	d.search(c, now)
	d.compounds(c, now)
}

func formatOf(c *schema.Column) string {
	if c.Carrier == schema.CarrierAsherah {
		return "asherah"
	}
	return "compact"
}

// formNames puts the words of read into a sentence.
var formNames = map[string]string{
	string(schema.SuiteAES):      "sealed with AES-256-GCM and derived data keys",
	string(schema.SuiteWrapped):  "sealed with wrapped data keys",
	string(schema.SuiteChaCha20): "sealed with ChaCha20-Poly1305",
	schema.ReadUnbound:           "not bound to a row",
	schema.ReadPadded:            "padded",
	schema.ReadUnpadded:          "not padded",
	schema.ReadCompressed:        "compressed",
}

// sealing compares the form of the records that may be stored with those that
// are read.
func (d *differ) sealing(c, now *schema.Column) {
	for _, word := range schema.ReadWords() {
		if c.Reads(word) && !now.Reads(word) {
			remedy := "add read: [" + word + "] until every value is written anew"
			if word == schema.ReadUnbound {
				remedy += "; until then a writer of the database can exchange unbound values between rows"
			}
			d.add(c.String(), Orphans, "no longer reads records that are "+formNames[word], remedy)
		}
	}
	a, b := c.Table.Row, now.Table.Row
	switch {
	case c.BindsRow() && !now.BindsRow():
		d.add(c.String(), Orphans, "is no longer bound to rows", "keep bind_row: bound values do not open without it")
	case c.BindsRow() && !schema.EqualNames(a.Column, b.Column):
		d.add(c.String(), Orphans, fmt.Sprintf("column of the row identity changed from %s to %s", a.Column, b.Column), "keep the old column; if it was only renamed in the database, pass this comparison by hand")
	case c.BindsRow() && (a.Type.Kind != b.Type.Kind || a.Type.Unsigned != b.Type.Unsigned):
		d.add(c.String(), Orphans, fmt.Sprintf("type of the row identity changed from %s to %s", a.Type.Name, b.Type.Name), "keep the old type: values are bound to the form that it gives")
	case c.Sealing.Suite != now.Sealing.Suite || c.Sealing.Pad != now.Sealing.Pad || c.Sealing.Compress != now.Sealing.Compress || c.BindsRow() != now.BindsRow():
		d.add(c.String(), Harmless, "is sealed in another form", "values that are stored keep the form in which they were sealed")
	}
}

func (d *differ) gone(c *schema.Column, in *schema.Catalog) {
	switch same := byName(c, in); {
	case same != nil:
		d.add(c.String(), Orphans, fmt.Sprintf("id changed from %q to %q", c.ID, same.ID), fmt.Sprintf("add id: %s", c.ID))
	case tableLike(c.Table, in) != nil:
		d.add(c.String(), Orphans, "is no longer encrypted", "keep the column; if it was renamed, give the new name id: "+c.ID+"; if it is to be in clear, decrypt it first")
	default:
		d.add(c.String(), Orphans, "its table is no longer annotated", "keep the table; if it was renamed, give the column of the new name id: "+c.ID)
	}
}

// search reports changes of an index: what is stored stays readable, and is no
// longer found.
func (d *differ) search(c, now *schema.Column) {
	d.ranges(c, now)
	d.equality(c, now)
	d.fragments(c, c.Prefix, now.Prefix, c.Next.Prefix, now.Next.Prefix)
	d.fragments(c, c.Suffix, now.Suffix, c.Next.Suffix, now.Next.Suffix)
	d.fragments(c, c.Contains, now.Contains, c.Next.Contains, now.Next.Contains)
}

func (d *differ) equality(c, now *schema.Column) {
	a, b := c.Equality, now.Equality
	switch {
	case d.transit(c, "search index", orNil(a), orNil(b), orNil(c.Next.Equality), orNil(now.Next.Equality)):
	case b == nil && a != nil:
		d.add(c.String(), Harmless, "cannot be searched any more", dropInstead)
	case b == nil:
	case a == nil:
		d.add(c.String(), Orphans, "can be searched now; rows that are stored have no index and are not found", addFirst)
	case sameIndex(a, b):
		d.next(c, "search index", orNil(c.Next.Equality), orNil(now.Next.Equality))
	case c.Next.Equality != nil && sameIndex(c.Next.Equality, b):
		d.add(c.String(), Harmless, movedTo("search index"), finishFirst)
	default:
		d.add(c.String(), Orphans, "its search index changed; rows that are stored are not found", "keep column, normalize, collation, scope, group, bits and version, or declare the new index as next: and run sealsql reindex")
	}
}

// fragments reports changes of an index for LIKE.
func (d *differ) fragments(c *schema.Column, a, b, next, nowNext *schema.Fragments) {
	switch {
	case d.transit(c, kindOf(a, b, next, nowNext)+" index", orNil(a), orNil(b), orNil(next), orNil(nowNext)):
	case b == nil && a != nil:
		d.add(a.Of.String(), Harmless, "cannot be searched by "+a.Kind.String()+" any more", dropInstead)
	case b == nil:
	case a == nil:
		d.add(b.Of.String(), Orphans, "can be searched by "+b.Kind.String()+" now; rows that are stored have no index and are not found", addFirst)
	case sameIndex(a, b):
		d.next(b.Of, b.Kind.String()+" index", orNil(next), orNil(nowNext))
	case next != nil && sameIndex(next, b):
		d.add(b.Of.String(), Harmless, movedTo(b.Kind.String()+" index"), finishFirst)
	default:
		d.add(b.Of.String(), Orphans, "its "+b.Kind.String()+" index changed; rows that are stored are not found", "keep column, lengths, normalize, scope and version, or declare the new index as next: and run sealsql reindex")
	}
}

// ranges reports the same of an index for comparisons by order.
func (d *differ) ranges(c, now *schema.Column) {
	a, b := c.Range, now.Range
	switch {
	case d.transit(c, "range index", orNil(a), orNil(b), orNil(c.Next.Range), orNil(now.Next.Range)):
	case b == nil && a != nil:
		d.add(c.String(), Harmless, "cannot be compared by order any more", dropInstead)
	case b == nil:
	case a == nil:
		d.add(c.String(), Orphans, "can be compared by order now; rows that are stored have no index and are not found", addFirst)
	case sameIndex(a, b):
		d.next(c, "range index", orNil(c.Next.Range), orNil(now.Next.Range))
	case c.Next.Range != nil && sameIndex(c.Next.Range, b):
		d.add(c.String(), Harmless, movedTo("range index"), finishFirst)
	default:
		d.add(c.String(), Orphans, "its range index changed; rows that are stored are not found", "keep type, column, order, form, prefix, longer, scope, group and version, or declare the new index as next: and run sealsql reindex")
	}
}

func (d *differ) columnType(c, now *schema.Column) {
	a, b := c.Type, now.Type
	switch {
	case a.Kind != b.Kind:
		d.add(c.String(), Orphans, fmt.Sprintf("type changed from %s to %s", a.Name, b.Name), "keep the old type, or add a column of the new type and copy the values through the application")
	case a.Kind == schema.KindInt && a.Unsigned != b.Unsigned:
		d.add(c.String(), Orphans, fmt.Sprintf("type changed from %s to %s", a.Name, b.Name), "keep the old sign, or add a column of the new type and copy the values through the application")
	case a.Kind == schema.KindFloat && a.Base != b.Base:
		d.add(c.String(), Orphans, fmt.Sprintf("type changed from %s to %s", a.Name, b.Name), "keep the old size, or add a column of the new type and copy the values through the application")
	case !a.Same(b):
		d.add(c.String(), Harmless, fmt.Sprintf("type changed from %s to %s", a.Name, b.Name), "values that are stored keep the form of the old type; only new ones follow the new one's rules")
	}
}

func (d *differ) partition(c, now *schema.Column) {
	a, b := c.Table.Partition, now.Table.Partition
	const remedy = "keep the old partition: values open only with the key of the partition that they were sealed in"
	switch {
	case a.Kind != b.Kind:
		d.add(c.String(), Orphans, fmt.Sprintf("partition changed from %s to %s", a.Kind, b.Kind), remedy)
	case a.Const != b.Const:
		d.add(c.String(), Orphans, fmt.Sprintf("constant partition changed from %q to %q", a.Const, b.Const), remedy)
	case !schema.EqualNames(a.Column, b.Column):
		d.add(c.String(), Orphans, fmt.Sprintf("partition column changed from %s to %s", a.Column, b.Column), "keep the old column; if it was only renamed in the database, pass this comparison by hand")
	case a.Type.Kind != b.Type.Kind || a.Type.Unsigned != b.Type.Unsigned:
		d.add(c.String(), Orphans, fmt.Sprintf("type of the partition column changed from %s to %s", a.Type.Name, b.Type.Name), remedy)
	}
}

// table compares what belongs to the table and not to its columns.
func (d *differ) table(t *schema.Table, in *schema.Catalog) {
	now := tableLike(t, in)
	if now == nil {
		return
	}
	if t.Relaxed != now.Relaxed {
		word := map[bool]string{true: "relaxed", false: "strict"}
		d.add(t.String(), Harmless, fmt.Sprintf("partition_check changed from %s to %s", word[t.Relaxed], word[now.Relaxed]), "")
	}
	switch {
	case schema.EqualNames(t.Schema, now.Schema):
	case t.Schema == "":
		d.add(t.String(), Orphans, "is annotated in the schema "+now.Schema+" only",
			"keep the name without schema: tables of that name in other schemas would be read and written in clear")
	case now.Schema == "":
		d.add(t.String(), Harmless, "is annotated in every schema now", "values that tables of that name in other schemas hold in clear do not open: encrypt them first")
	default:
		d.add(t.String(), Orphans, "is annotated in the schema "+now.Schema+" instead", "keep the schema; if the table was moved, annotate both, with the same ids")
	}
}

func (d *differ) settings(a, b *Config) {
	for _, s := range []struct {
		name          string
		before, after any
	}{
		{"policy.expire_after", a.Policy.ExpireAfter, b.Policy.ExpireAfter},
		{"policy.revoke_check", a.Policy.RevokeCheck, b.Policy.RevokeCheck},
		{"policy.max_stale", a.Policy.MaxStale, b.Policy.MaxStale},
		{"policy.rotate_ahead", a.Policy.RotateAhead, b.Policy.RotateAhead},
		{"policy.watch", a.Policy.Watch, b.Policy.Watch},
		{"policy.not_before", moments(a.Policy.NotBefore), moments(b.Policy.NotBefore)},
		{"policy.created_precision", a.Policy.CreatedPrecision, b.Policy.CreatedPrecision},
		{"policy.data_key.max_uses", a.Policy.DataKey.MaxUses, b.Policy.DataKey.MaxUses},
		{"policy.data_key.max_age", a.Policy.DataKey.MaxAge, b.Policy.DataKey.MaxAge},
		{"cache.intermediate.size", a.Cache.Intermediate.Size, b.Cache.Intermediate.Size},
		{"cache.intermediate.policy", a.Cache.Intermediate.Policy, b.Cache.Intermediate.Policy},
		{"cache.intermediate.ttl", a.Cache.Intermediate.TTL, b.Cache.Intermediate.TTL},
		{"cache.data.size", a.Cache.Data.Size, b.Cache.Data.Size},
		{"cache.data.ttl", a.Cache.Data.TTL, b.Cache.Data.TTL},
		{"memory", a.Memory, b.Memory},
		{"eager", a.Eager, b.Eager},
		{"catalog.read", a.CatalogMode, b.CatalogMode},
		{"catalog.max_age", a.MaxAge, b.MaxAge},
		{"guards", a.Guards, b.Guards},
		{"limits.plan_cache", a.Limits.Plans, b.Limits.Plans},
		{"limits.lookup_keys", a.Limits.Keys, b.Limits.Keys},
		{"limits.scan_rows", a.Limits.Scans, b.Limits.Scans},
		{"defaults.format", a.Format, b.Format},
		{"defaults.algorithm", a.Algorithm, b.Algorithm},
	} {
		if s.before != s.after {
			d.add(s.name, Harmless, fmt.Sprintf("changed from %v to %v", s.before, s.after), "")
		}
	}
	d.asherah(a, b)
	d.declarations("routines", a.Declarations.Routines, b.Declarations.Routines)
	d.declarations("triggers", a.Declarations.Triggers, b.Declarations.Triggers)
}

// asherah compares the suffixes of key ids: they tell which keys open records.
func (d *differ) asherah(a, b *Config) {
	used := slices.ContainsFunc(a.Catalog.Tables(), func(t *schema.Table) bool {
		return slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Carrier == schema.CarrierAsherah })
	})
	if !used {
		return
	}
	now := append([]string{b.Asherah.RegionSuffix}, b.Asherah.ReadSuffixes...)
	for _, suffix := range append([]string{a.Asherah.RegionSuffix}, a.Asherah.ReadSuffixes...) {
		if !slices.Contains(now, suffix) {
			d.add("asherah", Orphans, fmt.Sprintf("records under the suffix %q are not read any more", suffix), "add it to read_suffixes")
		}
	}
}

// moments writes a time as the file does.
func moments(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format(time.RFC3339)
}

func (d *differ) declarations(section string, a, b map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !b[name] {
			d.add(section+"."+name, Harmless, "is no longer declared clear", "statements that use it are refused")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if !a[name] {
			d.add(section+"."+name, Harmless, "is declared clear now", "make sure that it does not touch encrypted columns: what it does is not seen")
		}
	}
}
