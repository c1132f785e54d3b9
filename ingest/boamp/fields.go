package boamp

import (
	"regexp"
	"strconv"
	"strings"

	"vigie/ingest/tree"
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
// Files that went through CSV have other texts: « 68;67 », « ['68', '67'] »,
// and numbers where all values were.
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
		for _, s := range values(v) {
			add(s)
		}
	case float64:
		add(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		for _, element := range v {
			switch s := element.(type) {
			case nil:
			case string:
				for s := range strings.SplitSeq(s, ";") {
					add(s)
				}
			case float64:
				add(strconv.FormatFloat(s, 'f', -1, 64))
			default:
				f.mark(name)
			}
		}
	default:
		f.mark(name)
	}
	return list
}

// values are those of a text that stands for several: a list as JSON, Python or
// PostgreSQL write it, or values with semicolons, bars or commas between.
func values(s string) []string {
	s = strings.TrimSpace(s)
	inner, list := s, false
	for _, brackets := range []string{"[]", "{}", "()"} {
		if len(s) > 1 && s[0] == brackets[0] && s[len(s)-1] == brackets[1] {
			inner, list = s[1:len(s)-1], true
		}
	}
	if quoted := quotedValue.FindAllStringSubmatch(inner, -1); list && len(quoted) > 0 {
		all := make([]string, len(quoted))
		for i, found := range quoted {
			all[i] = unescapeQuote.Replace(found[1] + found[2])
		}
		return all
	}
	for _, separator := range []string{";", "|"} {
		if strings.Contains(inner, separator) {
			return strings.Split(inner, separator)
		}
	}
	return strings.Split(inner, ",")
}

// quotedValue is a value in quotes, up to the next comma: titles have
// apostrophes.
var quotedValue = regexp.MustCompile(`'(.*?)'\s*(?:,|$)|"(.*?)"\s*(?:,|$)`)

var unescapeQuote = strings.NewReplacer(`\'`, `'`, `\"`, `"`)

// nodes returns a field that is JSON within a text.
func (f *fields) nodes(name string) tree.Nodes {
	switch v := f.values[name].(type) {
	case nil, string, map[string]any, []any:
		return tree.Parse(v)
	default:
		f.mark(name)
		return nil
	}
}

// has reports whether a field of several values has any.
func (f *fields) has(name string) bool { return len(f.list(name)) > 0 }

func (f *fields) mark(name string) {
	if f.wrong == "" {
		f.wrong = name
	}
}
