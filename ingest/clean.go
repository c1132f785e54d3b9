package ingest

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Clean returns the plain text, on one line, of a text that a publisher gave:
// HTML entities resolved, markup taken out, white space collapsed, characters
// that cannot be seen dropped, composed as Unicode NFC.
//
// It does not make a text safe to put in a page: what looks like a tag and is
// none (« < 5 m ») stays.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	// Texts that went through several forms are escaped several times:
	// « &amp;quot; » is common, deeper is not.
	for range 3 {
		if !strings.Contains(s, "&") {
			break
		}
		s = entity.ReplaceAllStringFunc(s, unescape)
	}
	if strings.Contains(s, "<") {
		s = inlineTag.ReplaceAllString(s, "")
		s = blockTag.ReplaceAllString(s, " ")
	}
	return norm.NFC.String(oneLine(s))
}

// Shorten cuts a text that has more than n characters at the end of a word,
// and marks the cut with an ellipsis, which counts.
func Shorten(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	end, count := 0, 0
	for i := range s {
		if count == n-1 {
			end = i
			break
		}
		count++
	}
	cut := s[:end]
	// A text without a space nearby is cut where it is.
	if space := strings.LastIndexByte(cut, ' '); space > end/2 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, " ") + "…"
}

var (
	// An entity ends with its semicolon: HTML allows « &not » for « ¬ », and
	// texts have « exploitation&notation ».
	entity = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)
	// Only these are markup: texts have « << DOJO >> » and « <P1 et P2> ».
	inlineTag = regexp.MustCompile(`(?i)</?(?:a|abbr|b|big|code|em|font|i|s|small|span|strike|strong|sub|sup|tt|u)(?:\s[^<>]*)?/?>`)
	blockTag  = regexp.MustCompile(`(?i)</?(?:blockquote|body|br|center|col|dd|div|dl|dt|h[1-6]|hr|html|img|li|ol|p|pre|section|table|tbody|td|th|thead|tr|ul)(?:\s[^<>]*)?/?>|<!--.*?-->|<!\[CDATA\[|\]\]>`)
)

// unescape resolves one entity. Numbers from 128 to 159 are bytes of
// Windows-1252, as in HTML: « &#140; » is « Œ ».
func unescape(entity string) string {
	s := html.UnescapeString(entity)
	if utf8.RuneCountInString(s) > 2 {
		return entity // « &notit; » is no entity, though it starts like one
	}
	return s
}

// oneLine collapses white space and drops what cannot be seen. Characters from
// U+0080 to U+009F, where Unicode has controls, are bytes of Windows-1252 that
// somebody took for Latin-1: « d\u0092eau » is « d’eau ».
func oneLine(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if r >= 0x80 && r <= 0x9f {
			r = charmap.Windows1252.DecodeByte(byte(r))
		}
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
