package meili

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vigie/search/internal/plan"
)

// idsTogether is how many IDs are in one text of a filter.
const idsTogether = 100

// filter translates a simplified expression into a filter of Meilisearch: a list of which all must be true, each a
// text or a list of which one must be. Texts in lists stay short, which matters: Meilisearch copies a text for each
// of its words.
func filter(x plan.Expr) []any {
	all := []any{cursorField + " NOT EXISTS"}
	and, ok := x.(plan.And)
	if !ok {
		and = plan.And{x}
	}
	for _, member := range and {
		if not, ok := member.(plan.Not); ok {
			if ids, ok := not.X.(plan.IDs); ok {
				for some := range slices.Chunk(ids, idsTogether) {
					all = append(all, expression(plan.Not{X: some}))
				}
				continue
			}
		}
		or, ok := member.(plan.Or)
		if !ok {
			all = append(all, expression(member))
			continue
		}
		any := make([]string, len(or))
		for i, x := range or {
			any[i] = expression(x)
		}
		all = append(all, any)
	}
	return all
}

// expression translates an expression into the filter language. Values need only quotes: see [escape].
func expression(x plan.Expr) string {
	switch x := x.(type) {
	case plan.And:
		return joined(x, " AND ")
	case plan.Or:
		return joined(x, " OR ")
	case plan.Not:
		return "NOT (" + expression(x.X) + ")"
	case plan.In:
		quoted := make([]string, len(x.Values))
		for i, value := range x.Values {
			quoted[i] = `"` + escape(x.Field, value) + `"`
		}
		if len(quoted) == 1 {
			return x.Field + " = " + quoted[0]
		}
		return x.Field + " IN [" + strings.Join(quoted, ", ") + "]"
	case plan.Begins:
		return x.Field + ` STARTS WITH "` + escape(x.Field, x.With) + `"`
	case plan.IDs:
		numbers := make([]string, len(x))
		for i, id := range x {
			numbers[i] = strconv.FormatInt(id, 10)
		}
		return plan.ID + " IN [" + strings.Join(numbers, ", ") + "]"
	case plan.Range:
		switch {
		case x.From == x.To:
			return x.Field + " = " + strconv.FormatInt(x.From, 10)
		case x.From <= plan.Low:
			return x.Field + " <= " + strconv.FormatInt(x.To, 10)
		case x.To >= plan.High:
			return x.Field + " >= " + strconv.FormatInt(x.From, 10)
		}
		return fmt.Sprintf("%s %d TO %d", x.Field, x.From, x.To)
	}
	panic(fmt.Sprintf("meili: no filter for %T", x))
}

func joined[T ~[]plan.Expr](list T, by string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = expression(x)
	}
	return "(" + strings.Join(parts, by) + ")"
}
