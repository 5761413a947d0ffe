package rewrite

// maxParams is the limit of parameters in one statement (threats T30).
func maxParams(d Dialect) int {
	if d == SQLite {
		return 32766
	}
	return 65535
}

// holes says whether sealed literals are written into the text instead of
// becoming arguments: where arguments would change the protocol of the
// exchange (MySQL without arguments), or pass the limit (threats T30).
func (b *builder) holes() bool {
	a := b.a
	if a.inlines() {
		return true
	}
	if a.dialect == MySQL && !a.opt.HasArgs && !a.opt.Prepare {
		// The partition that an UPDATE is kept inside is an argument anyway, and
		// it has no result whose types could change.
		return len(a.narrowed) == 0 || a.narrowsRows()
	}
	return b.added()+a.script.Params > maxParams(a.dialect)
}

// number gives every slot its outgoing argument, or none: what has no number
// is written into the text.
func (b *builder) number() error {
	if b.a.script.Params > maxParams(b.a.dialect) {
		return b.a.refuse(-1, ReasonParameters, "", "the engine takes fewer parameters in one statement; split the batch")
	}
	holes := b.holes()
	var err error
	if b.positional = byPosition(b.a); b.positional {
		b.numberPositional(holes)
	} else {
		err = b.numberNamed(holes)
	}
	if err != nil {
		return err
	}
	b.plan.ArgsSame = b.plan.ArgsSame || b.same()
	b.names()
	return nil
}

// byPosition reports whether arguments are found by the places of their
// placeholders: on MySQL always, on SQLite where every one is a plain "?" and
// there is one statement: the next would count from the beginning. SQLite takes
// quadratic time over numbered ones.
func byPosition(a *analysis) bool {
	if a.dialect == SQLite {
		if len(a.script.Statements) != 1 {
			return false
		}
		for i, p := range a.script.Markers {
			if p.Source != "?" || p.N != i+1 {
				return false
			}
		}
		return len(a.script.Markers) == a.script.Params
	}
	return a.dialect == MySQL
}

func (b *builder) numberPositional(holes bool) {
	if b.unchanged() {
		for i, s := range b.slots {
			s.n = i + 1
		}
		b.plan.ArgsSame = true
		return
	}
	b.plan.Args = make([]Out, 0, len(b.slots))
	full := b.a.script.Params+len(b.a.narrowed) > maxParams(b.a.dialect)
	for _, s := range b.slots {
		if s.param == nil && (full || holes) {
			continue
		}
		b.plan.Args = append(b.plan.Args, s.out)
		s.n = len(b.plan.Args)
	}
}

// numberNamed keeps the caller's numbers; a number that stands for several
// values gets further ones behind the last.
func (b *builder) numberNamed(holes bool) error {
	n := b.a.script.Params
	b.plan.Args = make([]Out, n, n+b.added())
	taken := make([]bool, n)
	for i := range b.plan.Args {
		b.plan.Args[i] = Out{Value: Value{Source: FromArg, Arg: i + 1}}
	}
	for _, s := range b.slots {
		if s.param != nil && (s.param.N < 1 || s.param.N > n) {
			return b.a.refuse(s.at, ReasonParameters, "", "number the parameters from 1")
		}
	}
	if b.crowded(holes) {
		// The number stays with what goes out in clear, which no constant of
		// ours could spell; what is sealed can be written into the text.
		b.claim(taken, func(s *slot) bool { return s.out.Column() == nil && !s.out.Null && s.out.Decide == nil })
	}
	b.claim(taken, func(*slot) bool { return true })
	for k := range taken {
		if !taken[k] && b.a.dialect == Postgres {
			// In most modes the server refuses a number that is not used; in
			// the others an argument would go out that nothing is known of.
			return b.a.refuse(-1, ReasonParameters, "", "the text does not use every number up to the highest")
		}
	}
	for _, s := range b.slots {
		switch {
		case s.param != nil && s.n == 0:
			s.n = b.split(s.out)
			b.inlined = b.inlined || s.n == 0
		case s.param == nil && (!holes || s.out.PartitionOf != nil && !b.a.inlines()):
			s.n = b.extra(s.out)
		}
	}
	return nil
}

// renumbers reports that SQLite would count the placeholders that stay
// otherwise than in the caller's text, because others have come or gone: a plain
// "?" means one more than the highest number before it.
func (b *builder) renumbers() bool {
	if b.a.dialect != SQLite || b.positional || !b.inlined && len(b.plan.Args) == b.a.script.Params {
		return false
	}
	last := 0
	for _, s := range b.slots {
		switch {
		case s.n == 0:
		case s.param == nil, s.added, s.cast, s.n != s.param.N, s.param.Source == string(b.marker(s.n)):
			last = max(last, s.n) // written with its number
		case s.param.Source == "?":
			if last++; last != s.n {
				return true
			}
		default:
			return true // a name takes the next number where it first stands
		}
	}
	return false
}

// claim gives the caller's numbers to the placeholders of which may holds: the
// first that has a number decides what it stands for.
func (b *builder) claim(taken []bool, may func(*slot) bool) {
	for _, s := range b.slots {
		if s.param == nil || s.n > 0 || !may(s) {
			continue
		}
		k := s.param.N - 1
		if !taken[k] {
			taken[k], b.plan.Args[k] = true, s.out
		}
		if sameOut(b.plan.Args[k], s.out) {
			s.n = s.param.N
		}
	}
}

// crowded reports that there may not be room for every value: each placeholder
// that is sealed could need a number of its own.
func (b *builder) crowded(holes bool) bool {
	sealed := 0
	if !holes {
		sealed = b.added()
	}
	for i := range b.marks {
		if o := &b.marks[i].out; o.Column() != nil || o.Null || o.Decide != nil {
			sealed++
		}
	}
	return b.a.script.Params+sealed > maxParams(b.a.dialect)
}

// split finds or adds a further argument for a number of the caller's that
// stands for several values.
func (b *builder) split(out Out) int {
	for _, n := range b.splits[out.Value.Arg] {
		if sameOut(b.plan.Args[n-1], out) {
			return n
		}
	}
	n := b.extra(out)
	if n > 0 {
		if b.splits == nil {
			b.splits = map[int][]int{}
		}
		b.splits[out.Value.Arg] = append(b.splits[out.Value.Arg], n)
	}
	return n
}

// extra adds an argument behind the caller's. It returns 0 where no further
// one is allowed.
func (b *builder) extra(out Out) int {
	if len(b.plan.Args) >= maxParams(b.a.dialect) {
		return 0
	}
	b.plan.Args = append(b.plan.Args, out)
	return len(b.plan.Args)
}
