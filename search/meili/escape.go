package meili

import (
	"encoding/hex"
	"strings"

	"vigie/query"
	"vigie/search/internal/plan"
)

// escape writes a value in characters that Meilisearch does not change. It compares values without case, outer spaces
// and compatibility forms, and in its filter language a quote would end the value. Hence digits, _ and the letters of
// one case stay, lower for terms and ids, upper for codes; any other byte becomes a dot and two digits. The values
// that we make need no escape.
func escape(field, value string) string {
	first := firstLetter(field)
	at := oddByte(value, first)
	if at < 0 {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if i < at || isPlain(value[i], first) {
			b.WriteByte(value[i])
		} else {
			b.WriteByte('.')
			b.WriteString(hex.EncodeToString([]byte{value[i]}))
		}
	}
	return b.String()
}

// unescape is the reverse of escape.
func unescape(value string) string {
	before, rest, odd := strings.Cut(value, ".")
	if !odd {
		return value
	}
	b := []byte(before)
	for odd {
		var part string
		part, rest, odd = strings.Cut(rest, ".")
		code, err := hex.DecodeString(part[:min(2, len(part))])
		if err != nil || len(code) != 1 {
			return value // not made by escape
		}
		b = append(append(b, code...), part[2:]...)
	}
	return string(b)
}

func firstLetter(field string) byte {
	switch field {
	case query.Term.String(), query.Buyer.String(), query.Source.String(), plan.Words, plan.Title, plan.BuyerIs, plan.Written, plan.Spelled, plan.Codes:
		return 'a'
	}
	return 'A'
}

func isPlain(c, first byte) bool {
	return c >= first && c < first+26 || c >= '0' && c <= '9' || c == '_'
}

// oddByte returns the place of the first byte that needs an escape, -1 for none.
func oddByte(value string, first byte) int {
	for i := range len(value) {
		if !isPlain(value[i], first) {
			return i
		}
	}
	return -1
}

// escaped returns a row with its values escaped.
func escaped(r plan.Row) plan.Row {
	all := make(map[string][]string, len(r.Values))
	for field, values := range r.Values {
		all[field] = make([]string, len(values))
		for i, value := range values {
			all[field][i] = escape(field, value)
		}
	}
	r.Values = all
	return r
}
