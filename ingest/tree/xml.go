package tree

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// The most that one document may have: bytes, elements, and elements within each other. The largest notices have a
// tenth of that.
const (
	MaxSize     = 8 << 20
	maxElements = 250_000
	maxDepth    = 64
)

// Why a document is not read.
var (
	// ErrDoctype is a document with a DOCTYPE, where entities are defined that may grow without end.
	ErrDoctype = errors.New("the document has a DOCTYPE")
	ErrTooDeep = errors.New("elements are nested too deeply")
	// ErrTooLarge is of bytes or elements.
	ErrTooLarge = errors.New("the document is too large")
)

// ReadXML reads a document: the name of its root, and its tree. Elements in namespaces that are not known are left out
// with all that is in them; those in none are kept, as are the attributes that are named. Other errors than those named
// above are of the reader, or a [xml.SyntaxError].
func ReadXML(r io.Reader, known func(namespace string) bool, attributes ...string) (root xml.Name, n Nodes, err error) {
	limited := &io.LimitedReader{R: r, N: MaxSize + 1}
	p := parser{decoder: xml.NewDecoder(limited), known: known, attributes: attributes}
	root, v, err := p.document()
	if limited.N <= 0 {
		return root, nil, ErrTooLarge
	}
	if err != nil {
		return root, nil, err
	}
	return root, Nodes{}.with(v), nil
}

// parser turns the tokens of a document into a tree.
type parser struct {
	decoder    *xml.Decoder
	known      func(namespace string) bool
	attributes []string
	elements   int
}

func (p *parser) document() (root xml.Name, v any, err error) {
	for {
		token, err := p.decoder.Token()
		switch token := token.(type) {
		case xml.Directive:
			return root, nil, ErrDoctype
		case xml.StartElement:
			if root.Local != "" {
				return root, nil, &xml.SyntaxError{Msg: "more than one root", Line: p.line()}
			}
			root = token.Name
			if v, err = p.element(token, 1); err != nil {
				return root, nil, err
			}
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" && root.Local == "" {
				return root, nil, &xml.SyntaxError{Msg: "text before the root", Line: p.line()}
			}
		}
		switch {
		case errors.Is(err, io.EOF) && root.Local != "":
			return root, v, nil
		case errors.Is(err, io.EOF):
			return root, nil, &xml.SyntaxError{Msg: "no element", Line: p.line()}
		case err != nil:
			return root, nil, err
		}
	}
}

func (p *parser) line() int {
	line, _ := p.decoder.InputPos()
	return line
}

// element reads to the end of the element that starts: a text, or an object where it has attributes or elements.
func (p *parser) element(start xml.StartElement, depth int) (any, error) {
	if p.elements++; p.elements > maxElements {
		return nil, ErrTooLarge
	}
	if depth > maxDepth {
		return nil, ErrTooDeep
	}
	var object map[string]any // most have neither
	set := func(name string, v any) {
		if object == nil {
			object = make(map[string]any)
		}
		addTo(object, name, v)
	}
	for _, a := range start.Attr {
		if slices.Contains(p.attributes, a.Name.Local) {
			set("@"+a.Name.Local, a.Value)
		}
	}
	var text strings.Builder
	for {
		token, err := p.decoder.Token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, ErrDoctype
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			v, err := p.element(token, depth+1)
			if err != nil {
				return nil, err
			}
			if token.Name.Space == "" || p.known(token.Name.Space) {
				set(token.Name.Local, v)
			}
		case xml.EndElement:
			return withText(object, text.String()), nil
		}
	}
}

// withText is an element with its text, which is blanks where it has elements.
func withText(object map[string]any, text string) any {
	if len(object) == 0 {
		return text
	}
	if strings.TrimSpace(text) != "" {
		object["#text"] = text
	}
	return object
}
