package input

import "github.com/vektah/gqlparser/v2/ast"

// nullWhereNone finds a variable whose value is null, and that stands where null
// cannot. A valid document may have a nullable variable there, beside a default;
// that it is null is then a mistake (section 6.4.1). Here the whole operation is
// refused, before it does anything, and also where a directive leaves the field
// out.
func nullWhereNone(op *ast.OperationDefinition, values map[string]any) (name string, found bool) {
	f := finder{nulls: make(map[string]bool), visited: make(map[string]bool)}
	for name, v := range values {
		if v == nil {
			f.nulls[name] = true
		}
	}
	if len(f.nulls) == 0 {
		return "", false
	}
	f.directives(op.Directives)
	f.selections(op.SelectionSet)
	return f.name, f.name != ""
}

// finder looks for some variables in an operation, once in each fragment.
type finder struct {
	nulls   map[string]bool
	visited map[string]bool // fragments
	name    string          // what it found first
}

func (f *finder) selections(list ast.SelectionSet) {
	for _, selection := range list {
		switch s := selection.(type) {
		case *ast.Field:
			f.arguments(s.Arguments)
			f.directives(s.Directives)
			f.selections(s.SelectionSet)
		case *ast.InlineFragment:
			f.directives(s.Directives)
			f.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			f.directives(s.Directives)
			if d := s.Definition; !f.visited[d.Name] {
				f.visited[d.Name] = true
				f.directives(d.Directives)
				f.selections(d.SelectionSet)
			}
		}
	}
}

func (f *finder) directives(list ast.DirectiveList) {
	for _, d := range list {
		f.arguments(d.Arguments)
	}
}

func (f *finder) arguments(list ast.ArgumentList) {
	for _, a := range list {
		f.value(a.Value)
	}
}

func (f *finder) value(v *ast.Value) {
	if v.Kind == ast.Variable && f.name == "" && f.nulls[v.Raw] && v.ExpectedType != nil && v.ExpectedType.NonNull {
		f.name = v.Raw
	}
	for _, child := range v.Children {
		f.value(child.Value)
	}
}
