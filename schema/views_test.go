package schema_test

import (
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func TestViewsShowTheColumnsOfACatalogAtItsStage(t *testing.T) {
	col := &schema.Column{Name: "email", Equality: &schema.Equality{Collation: schema.CollationBytes}}
	col.Next.Equality = &schema.Equality{Name: "email_2", Bits: 256, Collation: schema.CollationBytes}
	v := &schema.View{Name: "contacts", Columns: []schema.ViewColumn{{Name: "mail", Of: "users.email"}, {Name: "id"}}}
	c, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{col}}}, schema.Options{Views: []*schema.View{v}})
	if err != nil {
		t.Fatal(err)
	}
	at := c.At(func(schema.Move) schema.Stage { return schema.StageFinished })
	got := at.View("", "Contacts")
	if got == nil || got.Columns[0].Column != at.Lookup("", "users").Columns[0] || got.Columns[0].Column == col || got.Columns[1].Column != nil {
		t.Errorf("the view is %+v", got)
	}
	if twins := c.Rebuilt(func(s string) string { return s + "__temp" }); twins.View("app", "contacts") != v || !twins.MentionsView("CONTACTS") {
		t.Error("the view is lost")
	}
}

func TestAViewOfOneSchemaComesFirst(t *testing.T) {
	tables := []*schema.Table{{Name: "users", Columns: []*schema.Column{{Name: "email"}}}}
	every := &schema.View{Name: "v", Columns: []schema.ViewColumn{{Name: "a", Of: "users.email"}}}
	one := &schema.View{Schema: "app", Name: "v", Columns: []schema.ViewColumn{{Name: "a"}}}
	c, err := schema.New(tables, schema.Options{Views: []*schema.View{every, one}})
	if err != nil {
		t.Fatal(err)
	}
	if c.View("app", "v") != one || c.View("web", "v") != every || c.View("app", "w") != nil || len(c.Views()) != 2 {
		t.Error("another view is found")
	}
	var none *schema.Catalog
	if none.View("", "v") != nil || none.Views() != nil || none.MentionsView("v") {
		t.Error("the nil catalog has views")
	}
}
