// Package schema declares the shop's entities; nothing in it speaks of
// encryption.
package schema

import (
	"context"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"
)

// Stamped is a mixin with a hook, as ent's documentation has it.
type Stamped struct{ mixin.Schema }

// Fields of the mixin.
func (Stamped) Fields() []ent.Field {
	return []ent.Field{field.Time("updated_at").Optional()}
}

// Stamp is the time of the last change, constant so that runs can be compared.
var Stamp = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Hooks of the mixin.
func (Stamped) Hooks() []ent.Hook {
	return []ent.Hook{func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if s, ok := m.(interface{ SetUpdatedAt(time.Time) }); ok && m.Op().Is(ent.OpUpdate|ent.OpUpdateOne) {
				s.SetUpdatedAt(Stamp)
			}
			return next.Mutate(ctx, m)
		})
	}}
}

func money() map[string]string {
	return map[string]string{dialect.Postgres: "numeric(10,2)", dialect.MySQL: "decimal(10,2)", dialect.SQLite: "numeric(10,2)"}
}

func day() map[string]string {
	return map[string]string{dialect.Postgres: "date", dialect.MySQL: "date", dialect.SQLite: "date"}
}

// Customer buys.
type Customer struct{ ent.Schema }

// Mixin of a customer.
func (Customer) Mixin() []ent.Mixin { return []ent.Mixin{Stamped{}} }

// Fields of a customer.
func (Customer) Fields() []ent.Field {
	return []ent.Field{
		field.String("email").MaxLen(120).Unique(),
		field.String("name").MaxLen(80).NotEmpty(),
		field.String("phone").MaxLen(40).Optional().Nillable(),
		field.Time("born").SchemaType(day()).Optional().Nillable(),
		field.Int("score"),
		field.Float("balance").SchemaType(money()).Optional(),
		field.Time("last_seen").Optional(),
		field.JSON("prefs", map[string]string{}).Optional(),
		field.Enum("role").Values("buyer", "admin").Default("buyer"),
		field.String("city").MaxLen(40).Optional(),
		field.Int("visits").Default(0),
	}
}

// Edges of a customer.
func (Customer) Edges() []ent.Edge {
	return []ent.Edge{edge.To("orders", Order.Type), edge.To("groups", Group.Type)}
}

// Indexes of a customer: one over a clear and an encrypted column each.
func (Customer) Indexes() []ent.Index {
	return []ent.Index{index.Fields("city"), index.Fields("name")}
}
