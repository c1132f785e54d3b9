package ingest

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	tokens "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"vigie/clip"
)

// Clean returns the plain text, on one line, of a text that a publisher gave:
// HTML entities resolved, markup taken out, white space collapsed, characters
// that cannot be seen dropped, composed as Unicode NFC.
//
// It does not make a text safe to put in a page: what looks like a tag and is
// none (« < 5 m ») stays.
func Clean(s string) string { return clean(s, false) }

// CleanLines is [Clean] for texts of several lines: line breaks stay, and an
// empty line is where a paragraph, a list's item or a table's cell ends.
func CleanLines(s string) string { return clean(s, true) }

func clean(s string, lines bool) string {
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
		s = withoutMarkup(s)
	}
	return norm.NFC.String(collapse(s, lines))
}

// withoutMarkup takes HTML out of a text: an empty line stands for a block, a
// line break for <br>. What is no element of HTML is text: « << DOJO >> »,
// « <P1 et P2> ».
func withoutMarkup(s string) string {
	s = cdata.Replace(s)
	closed := make(map[string]bool) // the elements that end somewhere
	for _, end := range endTag.FindAllStringSubmatch(s, -1) {
		closed[strings.ToLower(end[1])] = true
	}
	var b strings.Builder
	b.Grow(len(s))
	z := tokens.NewTokenizer(strings.NewReader(s))
	at, hidden := 0, atom.Atom(0)
	for z.Next() != tokens.ErrorToken {
		raw := z.Raw()
		at += len(raw)
		token := z.Token()
		switch {
		case token.Type == tokens.EndTagToken && token.DataAtom == hidden:
			hidden = 0
		case hidden != 0:
		case token.Type == tokens.TextToken:
			b.Write(raw)
		case isHidden(token) && closed[token.Data]:
			hidden = token.DataAtom
		case isElement(token, closed):
			b.WriteString(inPlaceOf(token))
		case isComment(token, raw):
			b.WriteByte(' ')
		default:
			b.Write(raw)
		}
	}
	// The tokenizer leaves a tag that does not end.
	b.WriteString(s[at:])
	return b.String()
}

// inPlaceOf is what is written where an element starts or ends.
func inPlaceOf(token tokens.Token) string {
	switch token.DataAtom {
	case atom.A, atom.Abbr, atom.B, atom.Big, atom.Cite, atom.Code, atom.Del, atom.Em, atom.Font, atom.I, atom.Ins, atom.Mark,
		atom.Q, atom.S, atom.Small, atom.Span, atom.Strike, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U:
		return ""
	case atom.Br:
		return "\n"
	}
	if strings.Contains(token.Data, ":") { // <o:p>, which is empty, of Word
		return " "
	}
	return "\n\n"
}

// isElement reports whether a token is a tag of HTML, or of a vocabulary within
// it. A letter in angle brackets that nothing closes is a name: « classe <A> ».
func isElement(token tokens.Token, closed map[string]bool) bool {
	switch token.Type {
	case tokens.StartTagToken, tokens.SelfClosingTagToken, tokens.EndTagToken:
	default:
		return false
	}
	if len(token.Data) == 1 && token.DataAtom != atom.P && token.Type == tokens.StartTagToken && len(token.Attr) == 0 {
		return elements[token.DataAtom] && closed[token.Data]
	}
	return elements[token.DataAtom] || namespaced.MatchString(token.Data)
}

// isHidden reports whether what is in an element is not for people.
func isHidden(token tokens.Token) bool {
	return token.Type == tokens.StartTagToken && (token.DataAtom == atom.Style || token.DataAtom == atom.Script || token.DataAtom == atom.Head)
}

// isComment reports whether a token is a comment, a doctype or an instruction
// that ends: the tokenizer also takes the rest of a text after « <! » for one.
func isComment(token tokens.Token, raw []byte) bool {
	return (token.Type == tokens.CommentToken || token.Type == tokens.DoctypeToken) &&
		bytes.HasSuffix(raw, []byte(">")) && (bytes.HasPrefix(raw, []byte("<!")) || bytes.HasPrefix(raw, []byte("<?")))
}

// elements are those that texts of notices have. The rest of HTML's are words.
var elements = func() map[atom.Atom]bool {
	all := make(map[atom.Atom]bool)
	for _, element := range []atom.Atom{
		atom.A, atom.Abbr, atom.Article, atom.B, atom.Big, atom.Blockquote, atom.Body, atom.Br, atom.Caption, atom.Center, atom.Cite,
		atom.Code, atom.Col, atom.Colgroup, atom.Dd, atom.Del, atom.Div, atom.Dl, atom.Dt, atom.Em, atom.Font, atom.Footer,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Head, atom.Header, atom.Hr, atom.Html, atom.I, atom.Img, atom.Ins,
		atom.Li, atom.Link, atom.Mark, atom.Meta, atom.Ol, atom.P, atom.Pre, atom.Q, atom.S, atom.Script, atom.Section, atom.Small,
		atom.Span, atom.Strike, atom.Strong, atom.Style, atom.Sub, atom.Sup, atom.Table, atom.Tbody, atom.Td, atom.Tfoot, atom.Th,
		atom.Thead, atom.Tr, atom.Tt, atom.U, atom.Ul,
	} {
		all[element] = true
	}
	return all
}()

var (
	// An entity ends with its semicolon: HTML allows « &not » for « ¬ », and
	// texts have « exploitation&notation ».
	entity     = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)
	cdata      = strings.NewReplacer("<![CDATA[", " ", "]]>", " ")
	endTag     = regexp.MustCompile(`</([A-Za-z]+)`)
	namespaced = regexp.MustCompile(`^[a-z][a-z0-9]*:[a-z]`)
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

// collapse makes one space of white space, or of several lines one line break,
// or an empty line where there is one; and drops what cannot be seen. The space
// without a width is one: Word has it between words. Characters from U+0080 to
// U+009F, where Unicode has controls, are bytes of Windows-1252 that somebody
// took for Latin-1: « d\u0092eau » is « d’eau ».
func collapse(s string, lines bool) string {
	var b strings.Builder
	b.Grow(len(s))
	space, breaks := false, 0
	for _, r := range s {
		if r >= 0x80 && r <= 0x9f {
			r = charmap.Windows1252.DecodeByte(byte(r))
		}
		switch {
		case unicode.IsSpace(r) || r == '\u200b':
			space = true
			if r == '\n' {
				breaks++
			}
			continue
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			continue
		}
		if space && b.Len() > 0 {
			if lines && breaks > 0 {
				b.WriteString("\n\n"[:min(breaks, 2)])
			} else {
				b.WriteByte(' ')
			}
		}
		space, breaks = false, 0
		b.WriteRune(r)
	}
	return b.String()
}

// Shorten cuts a text that has more than n characters at the end of a word,
// between graphemes, and marks the cut with an ellipsis, which counts.
func Shorten(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := s[:clip.Length(s, n-1)]
	// A text without a space nearby is cut where it is.
	if space := strings.LastIndexAny(cut, " \n"); space > len(cut)/2 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, " \n") + "…"
}
