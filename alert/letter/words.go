package letter

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/clip"
)

// Line makes one line of a text, without invisible characters (controls, marks that change the direction of writing,
// invalid characters), and cuts it to n characters, of which an ellipsis is the last.
func Line(s string, n int) string {
	var b strings.Builder
	space, count := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) && r != nbsp && r != narrow:
			space = b.Len() > 0
			continue
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Noncharacter_Code_Point):
			continue
		}
		if space {
			b.WriteByte(' ')
			count++
			space = false
		}
		b.WriteRune(r)
		if count++; count > n {
			break
		}
	}
	return cut(b.String(), n)
}

// cut shortens a text to n characters, of which an ellipsis is the last.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimRightFunc(s[:clip.Length(s, n-1)], unicode.IsSpace) + "…"
}

// Link returns an absolute http or https address in ASCII, "" for anything else: so no address can break a line of
// text, or be anything but a link.
func Link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

const (
	nbsp   = '\u00a0' // a space that no line ends at
	narrow = '\u202f' // the same, half as wide
)

// number writes a count with its thousands apart.
func number(n int, l vigie.Locale) string {
	digits, separator := strconv.Itoa(n), string(nbsp)
	if l == vigie.English {
		separator = ","
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return digits
}

// differing cuts two values of the same field so that what differs can be
// seen: where long texts start alike, their start is left out.
func differing(before, after string) (string, string) {
	before, after = Line(before, maxCompared), Line(after, maxCompared)
	if utf8.RuneCountInString(before) > maxValue || utf8.RuneCountInString(after) > maxValue {
		start := sharedWords(before, after)
		// A few words before the difference say where it is.
		for range 5 {
			start = strings.LastIndexByte(strings.TrimRight(before[:start], " "), ' ') + 1
		}
		if start > 0 {
			before, after = "… "+before[start:], "… "+after[start:]
		}
	}
	return cut(before, maxValue), cut(after, maxValue)
}

// maxCompared is how many characters of two values are compared.
const maxCompared = 100_000

// sharedWords is the length of what two texts have in common at their start,
// at the end of a word.
func sharedWords(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return strings.LastIndexByte(a[:n], ' ') + 1
}

// wrap breaks lines at spaces so that they keep to width characters, as far as
// their words allow, and indents what follows as their start is, or
// more after a dash. It takes out
// spaces at the ends of lines, and empty lines after the first.
func wrap(text string, width int) string {
	var b strings.Builder
	empty := true // so is what stands above the first line
	for l := range strings.Lines(text) {
		words := strings.FieldsFunc(l, func(r rune) bool { return r == ' ' || r == '\n' || r == '\r' })
		if len(words) == 0 {
			if !empty {
				b.WriteByte('\n')
			}
			empty = true
			continue
		}
		empty = false
		indent := l[:len(l)-len(strings.TrimLeft(l, " "))]
		hanging := indent
		if words[0] == "-" {
			hanging += "  "
		}
		used := 0
		for i, word := range words {
			length := utf8.RuneCountInString(word)
			switch {
			case i == 0:
				b.WriteString(indent)
				used = len(indent)
			case used+1+length > width:
				b.WriteString("\n" + hanging)
				used = len(hanging)
			default:
				b.WriteByte(' ')
				used++
			}
			b.WriteString(word)
			used += length
		}
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
