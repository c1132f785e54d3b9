package input

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// Literals is a rule of validation, for what a document writes down itself: it
// finds what gqlparser's ValuesOfCorrectType lets pass, integers of more than 32
// bits and objects where there are none.
func Literals(observers *core.Events, report core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, v *ast.Value) {
		if v.Definition == nil || v.ExpectedType == nil {
			return
		}
		switch v.Kind {
		case ast.IntValue:
			if _, err := strconv.ParseInt(v.Raw, 10, 32); err != nil && v.Definition.Name == "Int" {
				report(core.Message("Int cannot represent non 32-bit signed integer value: %s", v), core.At(v.Position))
			}
		case ast.ObjectValue:
			if v.Definition.Kind == ast.Enum || v.Definition.OneOf("Int", "Float", "String", "Boolean", "ID") {
				report(core.Message("Expected value of type %q, found %s.", v.ExpectedType, v), core.At(v.Position))
			}
		}
	})
}
