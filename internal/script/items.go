package script

import "github.com/sealsql/sealsql/rewrite"

// Item is one item of a select or RETURNING list.
type Item struct {
	// Name is its alias or the name of its column; empty for expressions,
	// which the engines name as they like, and for "*".
	Name string
}

// Items returns what a statement yields: the items of its select or RETURNING
// list, of the first arm of a set operation. It is nil for statements without
// a list.
func Items(st rewrite.Statement) []Item {
	switch s := st.(type) {
	case *rewrite.Query:
		return bodyItems(s.Body)
	case *rewrite.Insert:
		return items(s.Returning)
	case *rewrite.Update:
		return items(s.Returning)
	case *rewrite.Delete:
		return items(s.Returning)
	case *rewrite.Other:
		if s.Inner != nil || s.Query == nil {
			return nil
		}
		return Items(s.Query)
	}
	return nil
}

func bodyItems(b rewrite.Body) []Item {
	switch x := b.(type) {
	case *rewrite.Select:
		return items(x.Items)
	case *rewrite.SetOp:
		return bodyItems(x.Left)
	case *rewrite.Query:
		return bodyItems(x.Body)
	}
	return nil
}

func items(list []rewrite.SelectItem) []Item {
	var out []Item
	for _, item := range list {
		out = append(out, itemOf(item))
	}
	return out
}

func itemOf(item rewrite.SelectItem) Item {
	if item.Alias != nil {
		return Item{item.Alias.Name}
	}
	if ref, ok := item.Expr.(*rewrite.ColumnRef); ok {
		return Item{ref.Path[len(ref.Path)-1].Name}
	}
	return Item{}
}
