package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Order belongs to a customer.
type Order struct{ ent.Schema }

// Fields of an order.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.Int("customer_id"),
		field.String("item").MaxLen(60),
		field.String("code").MaxLen(20).Optional().Nillable().Unique(),
		field.Float("price").SchemaType(money()),
		field.Int("quantity").Default(1),
		field.Time("placed_at"),
		field.String("status").MaxLen(20).Default("new"),
	}
}

// Edges of an order.
func (Order) Edges() []ent.Edge {
	return []ent.Edge{edge.From("customer", Customer.Type).Ref("orders").Field("customer_id").Unique().Required()}
}

// Group has customers as members.
type Group struct{ ent.Schema }

// Fields of a group.
func (Group) Fields() []ent.Field {
	return []ent.Field{field.String("name").MaxLen(60).Unique()}
}

// Edges of a group.
func (Group) Edges() []ent.Edge {
	return []ent.Edge{edge.From("members", Customer.Type).Ref("groups")}
}
