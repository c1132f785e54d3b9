package plan

// Simplify returns an equivalent condition that engines can translate without special cases: it is true of [All], of
// [None], or neither occurs in it, no list is empty, no And is directly in an And and no Or in an Or, and no range is
// without bounds.
func Simplify(x Expr) Expr {
	switch x := x.(type) {
	case And:
		var all And
		for _, member := range x {
			switch m := Simplify(member).(type) {
			case And:
				all = append(all, m...)
			case Or:
				if len(m) == 0 {
					return m
				}
				all = append(all, m)
			default:
				all = append(all, m)
			}
		}
		if len(all) == 1 {
			return all[0]
		}
		return all
	case Or:
		var any Or
		for _, member := range x {
			switch m := Simplify(member).(type) {
			case Or:
				any = append(any, m...)
			case And:
				if len(m) == 0 {
					return m
				}
				any = append(any, m)
			default:
				any = append(any, m)
			}
		}
		if len(any) == 1 {
			return any[0]
		}
		return any
	case Not:
		switch inner := Simplify(x.X); {
		case All(inner):
			return Or{}
		case None(inner):
			return And{}
		default:
			return Not{inner}
		}
	case In:
		if x.Field == "" || len(x.Values) == 0 {
			return Or{}
		}
	case IDs:
		if len(x) == 0 {
			return Or{}
		}
	case Begins:
		if x.With == "" {
			return Or{}
		}
	case Range:
		switch {
		case x.From > x.To || x.From > High || x.To < Low:
			return Or{}
		case x.From <= Low && x.To >= High:
			return And{}
		}
	}
	return x
}

// All reports whether a simplified condition is true of every row.
func All(x Expr) bool {
	and, ok := x.(And)
	return ok && len(and) == 0
}

// None reports whether a simplified condition is true of no row.
func None(x Expr) bool {
	or, ok := x.(Or)
	return ok && len(or) == 0
}
