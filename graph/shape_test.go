package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
	"vigie/graph"
)

const shapeSDL = `type Query { a: Query b(x: Int): Int }`

func TestShape(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: shapeSDL})
	shape := graph.Shape{Depth: 4, Fields: 12, Aliases: 3, Directives: 2}
	var doubling strings.Builder // 2⁶⁰ fields in 60 lines
	doubling.WriteString("{ ...f0 }")
	for i := range 60 {
		fmt.Fprintf(&doubling, " fragment f%d on Query { ...f%d a { ...f%d } }", i, i+1, i+1)
	}
	doubling.WriteString(" fragment f60 on Query { b }")
	for query, want := range map[string]string{
		"{ a { a { a { b } } } }":       "",
		"{ a { a { a { a { b } } } } }": "4 levels of fields",
		"{ a { a { ...f } } } fragment f on Query { a { ... on Query { a { b } } } }":   "4 levels of fields",
		"{ b " + strings.Repeat("b ", 11) + "}":                                         "",
		"{ b " + strings.Repeat("b ", 12) + "}":                                         "12 fields",
		"{ ...f a { ...f } } fragment f on Query { b b b b b b }":                       "12 fields",
		"{ x: b y: b z: b b: b }":                                                       "",
		"{ x: b y: b z: b u: b }":                                                       "3 aliases",
		"{ ...f a { ...f } } fragment f on Query { x: b y: b }":                         "3 aliases",
		"{ b @skip(if: true) @include(if: true) }":                                      "",
		"{ b @skip(if: true) a @include(if: true) { ... @skip(if: true) { b } } }":      "2 directives",
		"{ ...f @skip(if: true) a { ...f } } fragment f on Query { b @skip(if: true) }": "2 directives",
		"{ __schema { types { fields { type { ofType { ofType { name } } } } } } }":     "",
		doubling.String(): "4 levels of fields",
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
		if errs != nil {
			t.Fatalf("%s: %v", query, errs)
		}
		err := shape.MutateOperationContext(t.Context(), &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]})
		if want == "" {
			if err != nil {
				t.Errorf("%.80s: refused, %v", query, err)
			}
			continue
		}
		if vigie.CodeOf(err) != vigie.LimitExceeded || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", query, err, want)
		}
	}
}
