package boamp

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vigie/ingest"
)

// nodes are places in XML that was turned into JSON. There one element is an
// object and several are a list, and a text is a string, or an object with its
// attributes when it has some; nodes hide both.
type nodes []any

// parseNodes reads a part of a record that is JSON within a string, or not.
// What cannot be read says nothing: the record around it still does.
func parseNodes(v any) nodes {
	if s, ok := v.(string); ok {
		if json.Unmarshal([]byte(s), &v) != nil {
			return nil
		}
	}
	return nodes{}.with(v)
}

// with adds a value, or the elements of a list.
func (n nodes) with(v any) nodes {
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

// at follows a path of keys, with dots between.
func (n nodes) at(path string) nodes {
	for key := range strings.SplitSeq(path, ".") {
		var below nodes
		for _, v := range n {
			if object, ok := v.(map[string]any); ok {
				below = below.with(object[key])
			}
		}
		n = below
	}
	return n
}

// among follows several paths.
func (n nodes) among(paths ...string) nodes {
	var found nodes
	for _, path := range paths {
		found = append(found, n.at(path)...)
	}
	return found
}

// each returns the nodes one by one.
func (n nodes) each() []nodes {
	list := make([]nodes, len(n))
	for i := range n {
		list[i] = n[i : i+1 : i+1]
	}
	return list
}

// walk visits the objects, and those within them, however deep.
func (n nodes) walk(visit func(object nodes)) {
	for _, v := range n {
		switch v := v.(type) {
		case map[string]any:
			visit(nodes{v})
			for _, k := range slices.Sorted(maps.Keys(v)) {
				nodes{v[k]}.walk(visit)
			}
		case []any:
			nodes(v).walk(visit)
		}
	}
}

// under returns what is at a key, however deep.
func (n nodes) under(key string) nodes {
	var found nodes
	n.walk(func(object nodes) { found = append(found, object.at(key)...) })
	return found
}

// child returns what is at the first key that has an object.
func (n nodes) child() nodes {
	for _, key := range n.keys() {
		if child := n.at(key); len(child.keys()) > 0 {
			return child
		}
	}
	return nil
}

// keys returns the keys of the objects, which is how flags are given.
func (n nodes) keys() []string {
	var keys []string
	for _, v := range n {
		if object, ok := v.(map[string]any); ok {
			keys = append(keys, slices.Sorted(maps.Keys(object))...)
		}
	}
	return keys
}

// texts returns the texts as given, those in French first.
func (n nodes) texts() []string {
	var french, others []string
	for _, v := range n {
		switch v := v.(type) {
		case string:
			others = append(others, v)
		case float64:
			others = append(others, strconv.FormatFloat(v, 'f', -1, 64))
		case map[string]any:
			text, ok := v["#text"].(string)
			if !ok {
				continue
			}
			if v["@languageID"] == "FRA" {
				french = append(french, text)
			} else {
				others = append(others, text)
			}
		}
	}
	return append(french, others...)
}

// raw returns the first text that is not blank, without the blanks around it.
func (n nodes) raw() string {
	for _, text := range n.texts() {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// text returns the first text that is not blank, cleaned.
func (n nodes) text() string {
	for _, text := range n.texts() {
		if text = cleanText(text); text != "" {
			return text
		}
	}
	return ""
}

// lines returns the first text that is not blank, cleaned, with its lines.
func (n nodes) lines() string {
	for _, text := range n.texts() {
		if text = lostLigature.Replace(ingest.CleanLines(text)); text != "" {
			return text
		}
	}
	return ""
}

// cleanText cleans a text of the notice's own data. Where it had « œ », some
// publishers have « ? », which would hide every « maîtrise d'œuvre » and
// « gros œuvre »; no French word has « ?uvre ».
func cleanText(s string) string {
	return lostLigature.Replace(ingest.Clean(s))
}

var lostLigature = strings.NewReplacer("?uvre", "œuvre", "?UVRE", "ŒUVRE")
