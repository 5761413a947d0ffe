package physical

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// known is the database as the script has made it so far.
type known struct {
	dialect     rewrite.Dialect
	annotations *schema.Catalog
	decl        rewrite.Declarations
	schema      string
	snap        rewrite.Snapshot
	cat         rewrite.Catalog // nil after a change
}

func newKnown(d rewrite.Dialect, annotations *schema.Catalog, o Options) *known {
	k := &known{dialect: d, annotations: annotations, decl: o.Declarations, schema: o.Schema}
	if k.schema == "" {
		k.schema = map[rewrite.Dialect]string{rewrite.Postgres: "public", rewrite.SQLite: "main"}[d]
	}
	return k
}

// catalog answers what names mean at this point of the script.
func (k *known) catalog() rewrite.Catalog {
	if k.cat == nil {
		names := rewrite.Names{SearchPath: []string{k.schema}}
		k.cat = &offline{rewrite.NewCatalog(k.dialect, &k.snap, names, k.annotations, k.decl)}
	}
	return k.cat
}

// offline knows no database: a table that the script has not made is taken as
// the annotations name it, and as clear where they do not.
type offline struct{ rewrite.Catalog }

// Relation resolves a name.
func (c *offline) Relation(path []rewrite.Ident) *rewrite.Relation {
	rel := c.Catalog.Relation(path)
	if rel.Verdict != rewrite.VerdictUnknown {
		return rel
	}
	name := path[len(path)-1].Name
	out := &rewrite.Relation{ID: rel.ID, Kind: rewrite.RelTable, Open: true}
	switch t := c.Annotated(path); {
	case t != nil:
		out.Verdict, out.Annotation = rewrite.VerdictAnnotated, t
	case !c.Mentions(name):
		out.Verdict = rewrite.VerdictClear
	default:
		return rel
	}
	return out
}

// learn notes the effect of one definition.
func (k *known) learn(o *rewrite.Other, tokens []rewrite.Token, text string) {
	switch o.Kind {
	case rewrite.OtherCreateTable:
		k.table(o, tokens, text)
	case rewrite.OtherCreateView:
		k.view(o, tokens, text)
	case rewrite.OtherDrop:
		for _, t := range o.Relations {
			k.drop(k.id(t.Path))
		}
	case rewrite.OtherSession:
		k.use(tokens)
	}
}

func (k *known) id(path []rewrite.Ident) rewrite.RelationID {
	id := rewrite.RelationID{Schema: k.schema, Name: path[len(path)-1].Name}
	if len(path) > 1 {
		id.Schema = path[len(path)-2].Name
	}
	return id
}

func (k *known) add(r rewrite.SnapshotRelation) {
	k.drop(r.ID)
	k.snap.Relations = append(k.snap.Relations, r)
	k.cat = nil
}

func (k *known) drop(id rewrite.RelationID) {
	for i := range k.snap.Relations {
		if k.snap.Relations[i].ID == id {
			k.snap.Relations = append(k.snap.Relations[:i:i], k.snap.Relations[i+1:]...)
			k.cat = nil
			return
		}
	}
}

// table adds a table whose columns are written out. Others stay open: their
// columns are not known.
func (k *known) table(o *rewrite.Other, tokens []rewrite.Token, text string) {
	if o.Temp || len(o.Relations) == 0 {
		return
	}
	r := rewrite.SnapshotRelation{ID: k.id(o.Relations[0].Path), Kind: rewrite.RelTable}
	if hasAny(tokens, "INHERITS", "PARTITION", "LIKE") {
		r.Relatives = k.relatives(r.ID, tokens)
		if len(r.Relatives) > 0 {
			k.add(r)
		}
		if hasAny(tokens, "INHERITS", "LIKE", "OF") {
			return
		}
	}
	def, ok := readDefinition(tokens, k.dialect)
	if !ok || o.Query != nil {
		return
	}
	for _, c := range def.columns {
		r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: c.name, Type: strings.ToLower(c.typeText(text)), BytewiseEqual: true})
	}
	r.Relatives = nil
	if len(r.Columns) > 0 {
		k.add(r)
	}
}

// relatives are the known tables that a PARTITION OF or INHERITS may mean.
func (k *known) relatives(self rewrite.RelationID, tokens []rewrite.Token) []rewrite.RelationID {
	if !hasAny(tokens, "INHERITS", "OF") {
		return nil
	}
	var out []rewrite.RelationID
	for _, id := range k.named(tokens) {
		if id != self && k.catalog().Mentions(id.Name) {
			out = append(out, id)
		}
	}
	return out
}

// view adds a view that names an annotated table, or what leads to one, with its
// definition.
func (k *known) view(o *rewrite.Other, tokens []rewrite.Token, text string) {
	if len(o.Relations) == 0 {
		return
	}
	id := k.id(o.Relations[0].Path)
	r := rewrite.SnapshotRelation{ID: id, Kind: rewrite.RelView, Definition: text}
	reaches := false
	for _, dep := range k.named(tokens) {
		if dep != id {
			r.DependsOn = append(r.DependsOn, dep)
			reaches = reaches || k.catalog().Mentions(dep.Name)
		}
	}
	for _, name := range listedNames(tokens) {
		r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: name})
	}
	if reaches {
		k.add(r)
	}
}

// listedNames are the names of columns behind the name of a view.
func listedNames(tokens []rewrite.Token) []string {
	i := slices.IndexFunc(tokens, func(t rewrite.Token) bool { return word(t, "VIEW") }) + 1
	for i > 0 && i < len(tokens) && (isName(tokens[i]) || tokens[i].Text == ".") && !word(tokens[i], "AS") && !word(tokens[i], "WITH") {
		i++
	}
	if i == 0 || i >= len(tokens) || tokens[i].Text != "(" {
		return nil
	}
	var out []string
	for _, t := range tokens[i+1:] {
		if t.Text == ")" && !isName(t) {
			break
		}
		if isName(t) {
			out = append(out, t.Text)
		}
	}
	return out
}

// named lists the known relations whose name is among the tokens: never too
// few, so that nothing that reaches an annotated table is missed.
func (k *known) named(tokens []rewrite.Token) []rewrite.RelationID {
	var out []rewrite.RelationID
	for i := range k.snap.Relations {
		id := k.snap.Relations[i].ID
		for _, t := range tokens {
			if isName(t) && strings.EqualFold(t.Text, id.Name) {
				out = append(out, id)
				break
			}
		}
	}
	return out
}

// use follows USE on MySQL, and on PostgreSQL a search_path that begins with a
// name.
func (k *known) use(tokens []rewrite.Token) {
	name := ""
	switch {
	case k.dialect == rewrite.MySQL && len(tokens) > 1 && word(tokens[0], "USE") && isName(tokens[1]):
		name = tokens[1].Text
	case k.dialect == rewrite.Postgres && len(tokens) > 3 && word(tokens[0], "SET") && word(tokens[1], "search_path"):
		name = fold(k.dialect, tokens[3])
	}
	if name != "" && name != k.schema {
		k.schema, k.cat = name, nil
	}
}

func hasAny(tokens []rewrite.Token, words ...string) bool {
	for _, t := range tokens {
		for _, w := range words {
			if word(t, w) {
				return true
			}
		}
	}
	return false
}
