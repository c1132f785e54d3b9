package tree

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Object reads an object of JSON of which every number is a text: amounts stay
// exact, and 1e9999, which some standards have for « no maximum », is no error.
// Nor are NaN and Infinity, which Python writes: they are null.
func Object(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(withoutNaN(data)))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	spellNumbers(object)
	return object, nil
}

// spellNumbers makes texts of the numbers in a value, and returns it.
func spellNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case map[string]any:
		for key, value := range v {
			v[key] = spellNumbers(value)
		}
	case []any:
		for i, value := range v {
			v[i] = spellNumbers(value)
		}
	}
	return v
}

// withoutNaN has null in place of what is no number of JSON, outside of texts.
func withoutNaN(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	var b strings.Builder
	b.Grow(len(data))
	for rest := string(data); rest != ""; {
		// A text goes on to the quote that ends it; everything else to the next quote.
		n := strings.IndexByte(rest, '"')
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(noNumbers.Replace(rest[:n]))
		rest = rest[n:]
		n = endOfText(rest)
		b.WriteString(rest[:n])
		rest = rest[n:]
	}
	return []byte(b.String())
}

var noNumbers = strings.NewReplacer("-Infinity", "null", "Infinity", "null", "NaN", "null")

// endOfText is how long the text is that starts here with a quote.
func endOfText(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}
