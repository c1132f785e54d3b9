// Package tree reads what sources give as XML, or as XML that was turned into JSON, into one form. Elements have their
// local names in both.
package tree

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vigie/ingest"
)

// Nodes are places in a tree of elements, in their order. An element is an
// object, or a text alone; of several with one name a list is made. An
// attribute is under its name with an @, a text beside attributes is under
// « #text ». Nodes hide all of that.
type Nodes []any

// Parse reads a part of a record that is JSON within a string, or not.
// What cannot be read says nothing: the record around it still does.
func Parse(v any) Nodes {
	if s, ok := v.(string); ok {
		if json.Unmarshal([]byte(s), &v) != nil {
			return nil
		}
	}
	return Nodes{}.with(v)
}

// with adds a value, or the elements of a list.
func (n Nodes) with(v any) Nodes {
	switch v := v.(type) {
	case nil:
		return n
	case []any:
		for _, element := range v {
			n = n.with(element)
		}
		return n
	}
	return append(n, v)
}

// Local is the tree with local names alone: « cbc:Name » is « Name ».
func (n Nodes) Local() Nodes {
	local := make(Nodes, len(n))
	for i, v := range n {
		local[i] = localNames(v)
	}
	return local
}

func localNames(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = localNames(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := key
			if !strings.HasPrefix(key, "@") {
				name = key[strings.IndexByte(key, ':')+1:]
			}
			addTo(object, name, localNames(v[key]))
		}
		return object
	}
	return v
}

// addTo puts one more value under a name.
func addTo(object map[string]any, name string, v any) {
	switch there := object[name].(type) {
	case nil:
		object[name] = v
	case []any:
		object[name] = append(there, v)
	default:
		object[name] = []any{there, v}
	}
}

// At follows a path of keys, with dots between.
func (n Nodes) At(path string) Nodes {
	for key := range strings.SplitSeq(path, ".") {
		var below Nodes
		for _, v := range n {
			if object, ok := v.(map[string]any); ok {
				below = below.with(object[key])
			}
		}
		n = below
	}
	return n
}

// Among follows several paths.
func (n Nodes) Among(paths ...string) Nodes {
	var found Nodes
	for _, path := range paths {
		found = append(found, n.At(path)...)
	}
	return found
}

// Having returns the nodes with an attribute of a value.
func (n Nodes) Having(attribute, value string) Nodes {
	var found Nodes
	for _, v := range n {
		if object, ok := v.(map[string]any); ok && object["@"+attribute] == value {
			found = append(found, v)
		}
	}
	return found
}

// Attribute is an attribute of the first node, "" where it has none.
func (n Nodes) Attribute(name string) string {
	if len(n) == 0 {
		return ""
	}
	object, _ := n[0].(map[string]any)
	value, _ := object["@"+name].(string)
	return value
}

// Each returns the nodes one by one.
func (n Nodes) Each() []Nodes {
	list := make([]Nodes, len(n))
	for i := range n {
		list[i] = n[i : i+1 : i+1]
	}
	return list
}

// Walk visits the objects, and those within them, however deep.
func (n Nodes) Walk(visit func(object Nodes)) {
	for _, v := range n {
		switch v := v.(type) {
		case map[string]any:
			visit(Nodes{v})
			for _, k := range slices.Sorted(maps.Keys(v)) {
				Nodes{v[k]}.Walk(visit)
			}
		case []any:
			Nodes(v).Walk(visit)
		}
	}
}

// Under returns what is at a key, however deep.
func (n Nodes) Under(key string) Nodes {
	var found Nodes
	n.Walk(func(object Nodes) { found = append(found, object.At(key)...) })
	return found
}

// Child returns what is at the first key that has an object.
func (n Nodes) Child() Nodes {
	for _, key := range n.Keys() {
		if child := n.At(key); len(child.Keys()) > 0 {
			return child
		}
	}
	return nil
}

// Keys returns the keys of the objects, which is how flags are given.
func (n Nodes) Keys() []string {
	var keys []string
	for _, v := range n {
		if object, ok := v.(map[string]any); ok {
			keys = append(keys, slices.Sorted(maps.Keys(object))...)
		}
	}
	return keys
}

// French is the code of the language that is shown where there are several.
const French = "FRA"

// Texts returns the texts as given, those in some languages first, in their order.
func (n Nodes) Texts(languages ...string) []string {
	texts, in := make([]string, 0, len(n)), make([]string, 0, len(n))
	for _, v := range n {
		switch v := v.(type) {
		case string:
			texts, in = append(texts, v), append(in, "")
		case float64:
			texts, in = append(texts, strconv.FormatFloat(v, 'f', -1, 64)), append(in, "")
		case map[string]any:
			if text, ok := v["#text"].(string); ok {
				language, _ := v["@languageID"].(string)
				texts, in = append(texts, text), append(in, language)
			}
		}
	}
	sorted := make([]string, 0, len(texts))
	for _, language := range languages {
		for i, text := range texts {
			if in[i] == language && language != "" {
				sorted = append(sorted, text)
			}
		}
	}
	for i, text := range texts {
		if in[i] == "" || !slices.Contains(languages, in[i]) {
			sorted = append(sorted, text)
		}
	}
	return sorted
}

// Raw returns the first text that is not blank, without the blanks around it.
func (n Nodes) Raw() string {
	for _, text := range n.Texts(French) {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// Text returns the first text that is not blank, cleaned: in French, or one of other languages, or any.
func (n Nodes) Text(others ...string) string {
	for _, text := range n.Texts(append([]string{French}, others...)...) {
		if text = Clean(text); text != "" {
			return text
		}
	}
	return ""
}

// Lines is [Nodes.Text] with its lines.
func (n Nodes) Lines(others ...string) string {
	for _, text := range n.Texts(append([]string{French}, others...)...) {
		if text = CleanLines(text); text != "" {
			return text
		}
	}
	return ""
}

// Clean cleans a text of a notice's own data. Where it had « œ », some
// publishers have « ? », which would hide every « maîtrise d'œuvre » and
// « gros œuvre »; no French word has « ?uvre ».
func Clean(s string) string { return lostLigature.Replace(ingest.Clean(s)) }

// CleanLines is [Clean] for texts of several lines.
func CleanLines(s string) string { return lostLigature.Replace(ingest.CleanLines(s)) }

var lostLigature = strings.NewReplacer("?uvre", "œuvre", "?UVRE", "ŒUVRE")
