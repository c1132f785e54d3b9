package boamp

import (
	"strings"
)

// fields are the fields of a record, as Opendatasoft serves them.
type fields struct {
	values map[string]any
	// wrong is the first field that was not of the type it should be.
	wrong string
}

// text returns a field that is a text or null.
func (f *fields) text(name string) string {
	switch v := f.values[name].(type) {
	case nil:
	case string:
		return strings.TrimSpace(v)
	default:
		f.mark(name)
	}
	return ""
}

// list returns a field of several values: a list in version 2 of the API, a
// text with commas in version 1, a text or null where there is one or none.
func (f *fields) list(name string) []string {
	var list []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	switch v := f.values[name].(type) {
	case nil:
	case string:
		for s := range strings.SplitSeq(v, ",") {
			add(s)
		}
	case []any:
		for _, element := range v {
			switch s := element.(type) {
			case nil:
			case string:
				add(s)
			default:
				f.mark(name)
			}
		}
	default:
		f.mark(name)
	}
	return list
}

// nodes returns a field that is JSON within a text.
func (f *fields) nodes(name string) nodes {
	switch v := f.values[name].(type) {
	case nil, string, map[string]any, []any:
		return parseNodes(v)
	default:
		f.mark(name)
		return nil
	}
}

func (f *fields) mark(name string) {
	if f.wrong == "" {
		f.wrong = name
	}
}
