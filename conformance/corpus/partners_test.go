package corpus_test

// Columns that a statement compares with each other can be encrypted only
// together, and then with one type and one key: a.user_id = b.id makes one
// family of the two.

// compared walks a comparison, and notes the columns that stand in it bare,
// together with those that a query in it yields. simple says that all of its
// sides are columns, values and queries: what is compared with something that
// the server computes stands inside.
func (f *facts) compared(compares, simple bool, sc *scope, walk func()) {
	start := len(f.refs)
	f.last = nil
	walk()
	if !compares {
		return
	}
	if !simple {
		for _, r := range f.refs[start:] {
			if r.scope == sc && r.pos&predicate != 0 {
				r.pos |= inside
			}
		}
		return
	}
	var own []*ref
	for _, r := range f.refs[start:] {
		if r.scope == sc && r.pos&predicate != 0 {
			own = append(own, r)
		}
	}
	if f.last == nil {
		f.meets = append(f.meets, own)
		return
	}
	for _, arm := range f.last.all() {
		for i, it := range arm.items {
			if it.ref == nil {
				continue
			}
			with := own
			if len(own) == len(arm.items) { // (a, b) IN (SELECT c, d …)
				with = own[i : i+1]
			}
			f.meets = append(f.meets, append([]*ref{it.ref}, with...))
		}
	}
}

// together walks a form that hands one of its values on, or sorts by one, and notes
// the columns among them: beside a clear one none can be encrypted.
func (f *facts) together(sc *scope, walk func()) {
	start := len(f.refs)
	walk()
	var own []*ref
	for _, r := range f.refs[start:] {
		if r.scope == sc && (r.pos == kept || r.pos == ordered) {
			own = append(own, r)
		}
	}
	f.meets = append(f.meets, own)
}

// all are the arms of a set operation, or the rows themselves.
func (r *rows) all() []*rows {
	if r.arms == nil {
		return []*rows{r}
	}
	return r.arms
}

// families groups the columns that meet: each column has the same set as all
// that it is compared with.
func (f *facts) families() map[bound]map[bound]bool {
	out := map[bound]map[bound]bool{}
	join := func(refs []*ref) {
		set := map[bound]bool{}
		for _, r := range refs {
			if r == nil {
				continue
			}
			b, _ := f.bind(r, 0)
			if b == nil {
				continue
			}
			set[*b] = true
			for o := range out[*b] {
				set[o] = true
			}
		}
		for b := range set {
			out[b] = set
		}
	}
	for _, m := range f.meets {
		join(m)
	}
	for _, r := range f.sets {
		var arms [][]item
		for _, arm := range r.all() {
			arms = append(arms, f.unstarred(arm.items))
		}
		for i := range arms[0] {
			var column []*ref
			for _, items := range arms {
				if i < len(items) {
					column = append(column, items[i].ref)
				}
			}
			join(column)
		}
	}
	for _, u := range f.usings {
		if u.name == "" {
			continue
		}
		set := map[bound]bool{}
		for _, s := range f.joinedBy(u) {
			if b := f.column(s, u.name, 0); b != nil {
				set[*b] = true
				for o := range out[*b] {
					set[o] = true
				}
			}
		}
		for b := range set {
			out[b] = set
		}
	}
	return out
}
