package input_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"

	"vigie"
	"vigie/graph/input"
)

const types = `
	type Query {
		int(v: Int): Int float(v: Float): Int string(v: String): Int boolean(v: Boolean): Int id(v: ID): Int
		enum(v: Colour): Int one(v: Only): Int odd(v: Odd): Int any(v: Any): Int
		object(v: Box): Int choice(v: Choice): Int
		ints(v: [Int]): Int must(v: [Int!]!): Int deep(v: [[Colour!]]): Int objects(v: [Box!]): Int
		default(v: Colour! = RED): Int
	}
	enum Colour { RED GREEN BLUE }
	enum Only { THIS }
	scalar Odd
	scalar Any
	input Box { name: String! colour: Colour! = RED colours: [Colour!] boxes: [Box!] weight: Float size: Int }
	input Choice @oneOf { name: String size: Int }
	directive @oneOf on INPUT_OBJECT
`

// coercer reads values of types; an Odd is 1 or 3.
func coercer(t testing.TB) *input.Coercer {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: types})
	if err != nil {
		t.Fatal(err)
	}
	odd := input.Scalar{
		Takes:    func(v any) bool { return v == json.Number("1") || v == json.Number("3") },
		Expected: vigie.Same("odd"),
	}
	return &input.Coercer{Schema: schema, Scalars: map[string]input.Scalar{"Odd": odd}}
}

// read has c read the variables, in JSON, of a document.
func read(t testing.TB, c *input.Coercer, document, variables string) (map[string]any, *gqlerror.Error) {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(c.Schema, document, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", document, errs)
	}
	decoder := json.NewDecoder(strings.NewReader(variables))
	decoder.UseNumber()
	var sent map[string]any
	if err := decoder.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	return c.Variables(doc.Operations[0], sent)
}

// Each type takes what the specification says, and nothing else.
func TestValues(t *testing.T) {
	c := coercer(t)
	text := func(s string) map[string]any { return map[string]any{"name": s} }
	for _, test := range []struct {
		field, kind, value string
		want               any // an error's message is a vigie.Text
	}{
		{"int", "Int", `3`, int64(3)},
		{"int", "Int", `-0`, int64(0)},
		{"int", "Int", `2147483647`, int64(2147483647)},
		{"int", "Int", `-2147483648`, int64(-2147483648)},
		{"int", "Int", `1.0`, int64(1)},
		{"int", "Int", `12e2`, int64(1200)},
		{"int", "Int", `null`, nil},
		{"int", "Int", `2147483648`, notInt},
		{"int", "Int", `-2147483649`, notInt},
		{"int", "Int", `1e999999999`, notInt},
		{"int", "Int", `1.5`, notInt},
		{"int", "Int", `"3"`, notInt},
		{"int", "Int", `""`, notInt},
		{"int", "Int", `true`, notInt},
		{"int", "Int", `[3]`, notInt},
		{"int", "Int", `{}`, notInt},
		{"int", "Int!", `null`, notNull},

		{"float", "Float", `3`, 3.0},
		{"float", "Float", `-2.5e-3`, -0.0025},
		{"float", "Float", `1e400`, vigie.Same("Variable $v must be a number.")},
		{"float", "Float", `"2.5"`, vigie.Same("Variable $v must be a number.")},

		{"string", "String", `"86"`, "86"},
		{"string", "String", `""`, ""},
		{"string", "String", `86`, notString},
		{"string", "String", `true`, notString},
		{"string", "String", `["86"]`, notString},
		{"string", "String", `{"name": "86"}`, notString},

		{"boolean", "Boolean", `false`, false},
		{"boolean", "Boolean", `"false"`, vigie.Same("Variable $v must be true or false.")},
		{"boolean", "Boolean", `0`, vigie.Same("Variable $v must be true or false.")},

		{"id", "ID", `"watch_1"`, "watch_1"},
		{"id", "ID", `1`, "1"},
		{"id", "ID", `-7`, "-7"},
		{"id", "ID", `123456789012345678901234567890`, "123456789012345678901234567890"},
		{"id", "ID", `1e2`, "100"},
		{"id", "ID", `1.5`, notID},
		{"id", "ID", `1e21`, "1000000000000000000000"},
		{"id", "ID", `1e400`, notID},
		{"id", "ID", `true`, notID},
		{"id", "ID", `["1"]`, notID},

		{"enum", "Colour", `"RED"`, "RED"},
		{"enum", "Colour", `"red"`, notColour},
		{"enum", "Colour", `"Red"`, notColour},
		{"enum", "Colour", `"RED "`, notColour},
		{"enum", "Colour", `""`, notColour},
		{"enum", "Colour", `0`, notColour},
		{"enum", "Colour", `["RED"]`, notColour},
		{"one", "Only", `"that"`, vigie.Same("Variable $v must be THIS.")},

		{"odd", "Odd", `3`, json.Number("3")},
		{"odd", "Odd", `2`, vigie.Same("Variable $v must be odd.")},
		{"any", "Any", `{"x": [1]}`, map[string]any{"x": []any{json.Number("1")}}},

		{"ints", "[Int]", `[1, null, 3]`, []any{int64(1), nil, int64(3)}},
		{"ints", "[Int]", `1`, []any{int64(1)}},
		{"ints", "[Int]", `[]`, []any{}},
		{"ints", "[Int]", `null`, nil},
		{"ints", "[Int]", `[[1]]`, at("[0]", notInt)},
		{"must", "[Int!]!", `1`, []any{int64(1)}},
		{"must", "[Int!]!", `[1, null]`, at("[1]", notNull)},
		{"must", "[Int!]!", `null`, notNull},
		{"deep", "[[Colour!]]", `"RED"`, []any{[]any{"RED"}}},
		{"deep", "[[Colour!]]", `["RED", null, ["GREEN", "BLUE"]]`, []any{[]any{"RED"}, nil, []any{"GREEN", "BLUE"}}},
		{"deep", "[[Colour!]]", `[["RED", "green"]]`, at("[0][1]", notColour)},
		{"deep", "[[Colour!]]", `[[null]]`, at("[0][0]", notNull)},

		{"object", "Box", `{"name": "a"}`, text("a")},
		{"object", "Box", `{"name": "a", "weight": 2, "colours": "RED", "colour": "BLUE", "size": null}`, map[string]any{"name": "a", "weight": 2.0, "colours": []any{"RED"}, "colour": "BLUE", "size": nil}},
		{"object", "Box", `{"name": "a", "boxes": {"name": "b"}}`, map[string]any{"name": "a", "boxes": []any{text("b")}}},
		{"object", "Box", `{"name": "a", "boxes": [{"name": "b", "boxes": [{"name": "c", "colour": "red"}]}]}`, at(".boxes[0].boxes[0].colour", notColour)},
		{"object", "Box", `{}`, vigie.Same("Variable $v.name is required.")},
		{"object", "Box", `{"name": null}`, at(".name", notNull)},
		{"object", "Box", `{"name": "a", "colour": null}`, at(".colour", notNull)},
		{"object", "Box", `{"name": "a", "color": "RED"}`, vigie.Same("Variable $v.color is unknown: Box has no such field.")},
		{"object", "Box", `{"name": "a", "__typename": "Box"}`, vigie.Same("Variable $v.__typename is unknown: Box has no such field.")},
		{"object", "Box", `"a"`, notObject},
		{"object", "Box", `[{"name": "a"}]`, notObject},
		{"objects", "[Box!]", `{"name": "a"}`, []any{text("a")}},
		{"objects", "[Box!]", `[{"name": "a"}, 86]`, at("[1]", notObject)},

		{"choice", "Choice", `{"name": "a"}`, text("a")},
		{"choice", "Choice", `{"name": null}`, notOne},
		{"choice", "Choice", `{}`, notOne},
		{"choice", "Choice", `{"name": "a", "size": null}`, notOne},
		{"choice", "Choice", `{"size": "3"}`, at(".size", notInt)},
	} {
		t.Run(test.kind+" "+test.value, func(t *testing.T) {
			values, err := read(t, c, fmt.Sprintf("query ($v: %s) { %s(v: $v) }", test.kind, test.field), `{"v": `+test.value+`}`)
			if wrong, ok := test.want.(vigie.Text); ok {
				e, ok := errors.AsType[*vigie.Error](err)
				if !ok || e.Code != vigie.BadRequest || e.Text != wrong {
					t.Errorf("%v, %v; want %v", values, err, wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"v": test.want}, values); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var (
	notInt    = vigie.Same("Variable $v must be an integer from -2147483648 to 2147483647.")
	notString = vigie.Same("Variable $v must be a string.")
	notID     = vigie.Same("Variable $v must be an ID: a string or an integer.")
	notColour = vigie.Same("Variable $v must be RED, GREEN or BLUE.")
	notObject = vigie.Same("Variable $v must be an object.")
	notNull   = vigie.Same("Variable $v must not be null.")
	notOne    = vigie.Same("Variable $v must have exactly one field, which is not null.")
)

// at is a message about a part of the variable.
func at(path string, text vigie.Text) vigie.Text {
	part := func(s string) string { return strings.Replace(s, "$v", "$v"+path, 1) }
	return vigie.Text{FR: part(text.FR), EN: part(text.EN)}
}

// A variable that is not sent has its default value, or none.
func TestDefaults(t *testing.T) {
	c := coercer(t)
	for _, test := range []struct {
		document, variables string
		want                map[string]any
	}{
		{`query ($v: Int = 3) { int(v: $v) }`, `{}`, map[string]any{"v": int64(3)}},
		{`query ($v: Int = 3) { int(v: $v) }`, `null`, map[string]any{"v": int64(3)}},
		{`query ($v: Int! = 3) { int(v: $v) }`, `{}`, map[string]any{"v": int64(3)}},
		{`query ($v: Int = 3) { int(v: $v) }`, `{"v": null}`, map[string]any{"v": nil}},
		{`query ($v: Int) { int(v: $v) }`, `{}`, map[string]any{}},
		{`query ($v: Int) { int(v: $v) }`, `{"w": "x"}`, map[string]any{}},
		{`query ($v: Colour = RED) { default(v: $v) }`, `{}`, map[string]any{"v": "RED"}},
		{`query ($v: Colour) { default(v: $v) }`, `{}`, map[string]any{}},
	} {
		values, err := read(t, c, test.document, test.variables)
		if err != nil || !cmp.Equal(values, test.want) {
			t.Errorf("%s %s: %v, %v", test.document, test.variables, values, err)
		}
	}
	for _, document := range []string{`query ($v: Int!) { int(v: $v) }`, `query ($v: Colour = null) { default(v: $v) }`, `query ($v: Colour = RED) { default(v: $v) }`} {
		variables := `{}`
		if strings.Contains(document, "RED") {
			variables = `{"v": null}`
		}
		if values, err := read(t, c, document, variables); err == nil || err.Locations[0].Column != 8 {
			t.Errorf("%s: %v, %v", document, values, err)
		}
	}
}

// What is read passes gqlparser's own check, which comes after it, and comes
// out of that as it was; whatever is sent, reading it ends well.
func TestGqlparserTakesWhatIsRead(t *testing.T) {
	c := coercer(t)
	doc, errs := gqlparser.LoadQueryWithRules(c.Schema, `query ($a: Int, $b: Float, $c: String, $d: Boolean, $e: ID, $f: Colour, $g: Box, $h: [Int], $i: [[Colour!]], $j: [Box!], $k: Any, $l: Choice) {
		int(v: $a) float(v: $b) string(v: $c) boolean(v: $d) id(v: $e) enum(v: $f) object(v: $g) ints(v: $h) deep(v: $i) objects(v: $j) any(v: $k) choice(v: $l) }`, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	op := doc.Operations[0]
	random := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 50_000 {
		name := string(rune('a' + random.IntN(12)))
		sent := map[string]any{name: junk(random, 3)}
		values, err := c.Variables(op, sent)
		if err != nil {
			if vigie.CodeOf(err.Err) != vigie.BadRequest {
				t.Fatalf("%v: %v", sent, err)
			}
			continue
		}
		read++
		again, parserErr := validator.VariableValues(c.Schema, op, values)
		untouched, _ := c.Variables(op, sent) // gqlparser writes into what it is given
		if parserErr != nil || !cmp.Equal(untouched, again) {
			t.Fatalf("%v is read as %v, which gqlparser makes %v of, %v", sent, untouched, again, parserErr)
		}
	}
	if read < 10_000 {
		t.Errorf("no more than %d values were right", read)
	}
}

// junk is some JSON value.
func junk(random *rand.Rand, depth int) any {
	switch n := random.IntN(12); {
	case n == 0:
		return nil
	case n == 1:
		return random.IntN(2) == 0
	case n < 5:
		return json.Number([]string{"0", "1", "-3", "2.5", "1e3", "1e400", "2147483648"}[random.IntN(7)])
	case n < 8 || depth == 0:
		return []string{"", "RED", "red", "GREEN", "86"}[random.IntN(5)]
	case n < 10:
		list := make([]any, random.IntN(3))
		for i := range list {
			list[i] = junk(random, depth-1)
		}
		return list
	default:
		object := map[string]any{"name": "a"}
		for range random.IntN(3) {
			object[[]string{"name", "colour", "colours", "boxes", "weight", "size", "x"}[random.IntN(7)]] = junk(random, depth-1)
		}
		return object
	}
}
