// Package vigie is the domain of a tender watch: the public contracts that
// buyers announce ([Tender], made of its [Notice] publications), and what
// suppliers look for among them ([Watch], made of [Criteria]).
//
// It holds nouns and pure rules. It imports the standard library alone, knows
// neither database, search engine nor network, and never reads the clock.
package vigie

import "fmt"

// Locale is the language a person reads.
type Locale string

// The product's languages. French is the default.
const (
	French  Locale = "FR"
	English Locale = "EN"
)

// Valid reports whether l is one of the product's languages.
func (l Locale) Valid() bool { return l == French || l == English }

// Text is one message in each of the product's languages.
type Text struct{ FR, EN string }

// In returns the message in the language l, French unless it is English. French
// sentences are written with plain spaces and leave here as they are printed;
// what reads the same in both languages, a name or a code, is left alone.
func (t Text) In(l Locale) string {
	if l == English || t.FR == t.EN {
		return t.EN
	}
	return typeset(t.FR)
}

// With fills the verbs of both messages with args, as [fmt.Sprintf] does. An
// argument that is itself a [Text] is said in the message's language.
func (t Text) With(args ...any) Text {
	return Text{FR: t.fill(French, args), EN: t.fill(English, args)}
}

func (t Text) fill(l Locale, args []any) string {
	said := make([]any, len(args))
	for i, arg := range args {
		if text, ok := arg.(Text); ok {
			arg = text.written(l)
		}
		said[i] = arg
	}
	return fmt.Sprintf(t.written(l), said...)
}

// written is the message in the language l as it stands in the code.
func (t Text) written(l Locale) string {
	if l == English {
		return t.EN
	}
	return t.FR
}

// Same is a Text that reads s in every language: a name, a number.
func Same(s string) Text { return Text{FR: s, EN: s} }
