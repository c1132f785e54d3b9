// Package input holds the values of variables to the types that an operation
// declares for them, as the GraphQL specification says (sections 3.5 to 3.12
// and 6.1.2), and has the API's own scalars. gqlparser does so too lightly: it compares enums without case,
// takes numbers for strings and strings for numbers.
package input

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// Coercer reads the values of variables.
type Coercer struct {
	Schema *ast.Schema
	// Scalars are the custom scalars, by name; one that is not here takes any value.
	Scalars map[string]Scalar
	// Private has errors not list what an enum has.
	Private bool
}

// Scalar is a custom scalar. Its values stay as they were sent, for its own code
// to read.
type Scalar struct {
	// Takes says whether a value is one of it.
	Takes func(any) bool
	// Expected says what one is.
	Expected vigie.Text
}

// Variables reads the variables of an operation of a valid document. What was
// sent is JSON, whose numbers are [json.Number]. What comes back has, for each
// variable with a value, its default value included, what its type makes of
// that: an int64 for an Int, a float64 for a Float, a string for a String, an ID
// and an enum, a bool, a []any, a map[string]any, and nil. Fields of input
// objects are left to their defaults. The error is the first mistake.
func (c *Coercer) Variables(op *ast.OperationDefinition, sent map[string]any) (map[string]any, *gqlerror.Error) {
	values := make(map[string]any, len(op.VariableDefinitions))
	for _, d := range op.VariableDefinitions {
		v, there := sent[d.Variable]
		var err error
		switch {
		case there:
			values[d.Variable], err = c.value(v, d.Type, "$"+d.Variable)
		case d.DefaultValue != nil:
			values[d.Variable], err = d.DefaultValue.Value(nil)
		case d.Type.NonNull:
			err = missing("$" + d.Variable)
		}
		if err != nil {
			return nil, located(err, d)
		}
	}
	if name, found := nullWhereNone(op, values); found {
		return nil, located(null("$"+name), op.VariableDefinitions.ForName(name))
	}
	return values, nil
}

// located is an error of a variable, with the place where that is declared.
func located(err error, d *ast.VariableDefinition) *gqlerror.Error {
	e := &gqlerror.Error{Message: err.Error(), Err: err}
	if d.Position != nil {
		e.Locations = []gqlerror.Location{{Line: d.Position.Line, Column: d.Position.Column}}
	}
	return e
}

// value reads a value of a type. at is where it was found.
func (c *Coercer) value(v any, t *ast.Type, at string) (any, error) {
	switch {
	case v == nil && t.NonNull:
		return nil, null(at)
	case v == nil:
		return nil, nil
	case t.Elem != nil:
		return c.list(v, t.Elem, at)
	}
	switch d := c.Schema.Types[t.NamedType]; d.Kind {
	case ast.Enum:
		if s, ok := v.(string); ok && d.EnumValues.ForName(s) != nil {
			return s, nil
		}
		return nil, c.noValue(d, at)
	case ast.InputObject:
		return c.object(v, d, at)
	default:
		return c.scalar(v, d, at)
	}
}

// list reads a list, for which a single value stands too.
func (c *Coercer) list(v any, elem *ast.Type, at string) (any, error) {
	items, ok := v.([]any)
	if !ok {
		item, err := c.value(v, elem, at)
		return []any{item}, err
	}
	list := make([]any, len(items))
	for i, item := range items {
		var err error
		if list[i], err = c.value(item, elem, at+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c *Coercer) object(v any, d *ast.Definition, at string) (any, error) {
	sent, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(vigie.Same("Variable %s must be an object.").With(at))
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if d.Fields.ForName(name) == nil {
			return nil, unknown(at+"."+name, d)
		}
	}
	if d.Directives.ForName("oneOf") != nil {
		if err := oneOf(sent, at); err != nil {
			return nil, err
		}
	}
	object := make(map[string]any, len(sent))
	for _, f := range d.Fields {
		value, there := sent[f.Name]
		switch {
		case there:
			var err error
			if object[f.Name], err = c.value(value, f.Type, at+"."+f.Name); err != nil {
				return nil, err
			}
		case f.Type.NonNull && f.DefaultValue == nil:
			return nil, missing(at + "." + f.Name)
		}
	}
	return object, nil
}

// oneOf checks an object of which exactly one field is given.
func oneOf(sent map[string]any, at string) error {
	for _, value := range sent {
		if len(sent) == 1 && value != nil {
			return nil
		}
	}
	return refuse(vigie.Same("Variable %s must have exactly one field, which is not null.").With(at))
}

func (c *Coercer) scalar(v any, d *ast.Definition, at string) (any, error) {
	var expected vigie.Text
	switch d.Name {
	case "Int":
		if n, ok := whole(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			return int64(n), nil
		}
		expected = vigie.Same("an integer from -2147483648 to 2147483647")
	case "Float":
		if f, ok := number(v); ok {
			return f, nil
		}
		expected = vigie.Same("a number")
	case "String":
		if s, ok := v.(string); ok {
			return s, nil
		}
		expected = vigie.Same("a string")
	case "Boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		expected = vigie.Same("true or false")
	case "ID":
		if id, ok := identifier(v); ok {
			return id, nil
		}
		expected = vigie.Same("an ID: a string or an integer")
	default:
		custom, known := c.Scalars[d.Name]
		if !known || custom.Takes(v) {
			return v, nil
		}
		expected = custom.Expected
	}
	return nil, refuse(vigie.Same("Variable %s must be %s.").With(at, expected))
}

// number reads a number that a float64 can hold.
func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// whole reads a whole number, however it is written: 1.0 and 1e1 are whole.
func whole(v any) (float64, bool) {
	f, ok := number(v)
	return f, ok && f == math.Trunc(f)
}

// identifier reads an ID: a text, or a whole number.
func identifier(v any) (string, bool) {
	if s, ok := v.(string); ok {
		return s, true
	}
	if n, ok := v.(json.Number); ok && !strings.ContainsAny(n.String(), ".eE") {
		return n.String(), true // with all its digits
	}
	f, ok := whole(v)
	return strconv.FormatFloat(f, 'f', -1, 64), ok
}

// noValue says that an enum has no such value, and which it has.
func (c *Coercer) noValue(d *ast.Definition, at string) error {
	if c.Private {
		return refuse(vigie.Same("Variable %s is not a value of %s.").With(at, d.Name))
	}
	names := make([]string, len(d.EnumValues))
	for i, v := range d.EnumValues {
		names[i] = v.Name
	}
	last := len(names) - 1
	listed := vigie.Same(names[last])
	if last > 0 {
		listed = vigie.Same("%s or %s").With(strings.Join(names[:last], ", "), names[last])
	}
	return refuse(vigie.Same("Variable %s must be %s.").With(at, listed))
}

func unknown(at string, d *ast.Definition) error {
	return refuse(vigie.Same("Variable %.100s is unknown: %s has no such field.").With(at, d.Name))
}

func null(at string) error {
	return refuse(vigie.Same("Variable %s must not be null.").With(at))
}

func missing(at string) error {
	return refuse(vigie.Same("Variable %s is required.").With(at))
}

func refuse(text vigie.Text) error { return &vigie.Error{Code: vigie.BadRequest, Text: text} }
