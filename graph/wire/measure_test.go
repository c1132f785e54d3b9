package wire

import (
	"bytes"
	"encoding/json"
	"testing"
)

// counted is what a decoder makes of a text: how many values, and how deep.
func counted(v any) (values, depth int) {
	var inside []any
	switch v := v.(type) {
	case []any:
		inside = v
	case map[string]any:
		for _, item := range v {
			inside = append(inside, item)
		}
	default:
		return 1, 0
	}
	values = 1
	for _, item := range inside {
		n, below := counted(item)
		values, depth = values+n, max(depth, below)
	}
	return values, depth + 1
}

// Of no JSON a decoder makes more values, or deeper ones, than were counted.
func FuzzMeasure(f *testing.F) {
	for _, text := range []string{
		`1`, `"a"`, `[]`, `[ ]`, `{}`, `[[]]`, `[1,2,3]`, `{"a":[1,{"b":null}],"c":"]}[{,\"\\"}`, `[{},{},{ }]`, `["\\",1]`, `["\"",[]]`, ` { "a" : [ ] } `, `{"a":1,"a":[2,3]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if !json.Valid(text) || d.Decode(&v) != nil {
			return
		}
		values, depth := measure(text)
		want, deep := counted(v)
		if depth < deep || values < want {
			t.Errorf("%s: %d values and %d levels, in truth %d and %d", text, values, depth, want, deep)
		}
		if !bytes.ContainsRune(text, ':') && (depth != deep || values != want) { // no name stands twice
			t.Errorf("%s: %d values and %d levels, not %d and %d", text, values, depth, want, deep)
		}
	})
}
