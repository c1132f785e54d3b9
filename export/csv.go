package export

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"vigie"
	"vigie/service"
)

// CSVType is the media type of CSV, with its header row (RFC 7111).
const CSVType = "text/csv; charset=utf-8; header=present"

// AppendCSVHeader appends the beginning of a file of CSV by RFC 4180: the mark by
// which Excel recognises UTF-8, and the names of the columns.
func AppendCSVHeader(text []byte, locale vigie.Locale) []byte {
	text = append(text, "\ufeff"...)
	for i, header := range headers(locale) {
		text = appendQuoted(appendComma(text, i), header)
	}
	return append(text, "\r\n"...)
}

// AppendCSV appends tenders. Days are 2026-11-30; times are those of Paris with
// their distance from UTC, 2026-11-30T17:00:00+01:00; amounts have a point.
func AppendCSV(text []byte, tenders []*service.ExportedTender, locale vigie.Locale) []byte {
	all := columns()
	for _, t := range tenders {
		for i, c := range all {
			text = appendCell(appendComma(text, i), c.value(row{t, locale}))
		}
		text = append(text, "\r\n"...)
	}
	return text
}

func appendComma(text []byte, column int) []byte {
	if column == 0 {
		return text
	}
	return append(text, ',')
}

func appendCell(text []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return text
	case date:
		return time.Time(v).In(vigie.Paris()).AppendFormat(text, time.DateOnly)
	case moment:
		return time.Time(v).In(vigie.Paris()).AppendFormat(text, time.RFC3339)
	case number:
		return append(text, v...)
	case int:
		return strconv.AppendInt(text, int64(v), 10)
	case string:
		if v == "" {
			return text
		}
		return appendQuoted(text, defused(v))
	}
	panic("export: a column has a value of an unknown kind")
}

// appendQuoted appends a text in quotes, in which quotes are doubled.
func appendQuoted(text []byte, s string) []byte {
	text = append(text, '"')
	text = append(text, strings.ReplaceAll(s, `"`, `""`)...)
	return append(text, '"')
}

// defused is a text that no spreadsheet takes for a formula, by OWASP's rule
// (https://owasp.org/www-community/attacks/CSV_Injection): a single quote stands
// before a cell that begins with =, +, -, @ (also in their full-width forms), tab,
// carriage return or line feed. A formula may also stand behind what separates
// cells elsewhere, such as the semicolon in French Excel, and behind a quote;
// spaces before it do not count.
func defused(s string) string {
	begins, from := true, 0
	var out strings.Builder
	for at, r := range s {
		switch {
		case begins && formula(r), at == 0 && strings.ContainsRune("\t\r\n", r):
			out.WriteString(s[from:at])
			out.WriteByte('\'')
			from, begins = at, separates(r)
		case separates(r):
			begins = true
		case !unicode.IsSpace(r) && unicode.IsPrint(r):
			begins = false
		}
	}
	out.WriteString(s[from:])
	return out.String()
}

func formula(r rune) bool { return strings.ContainsRune("=+-@＝＋－＠", r) }

func separates(r rune) bool { return strings.ContainsRune(",;|\t\r\n\"", r) }
