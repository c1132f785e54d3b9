package watches

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"vigie"
	"vigie/ingest"
)

// startsList reports whether a file is a list in JSON, by its first bytes.
func startsList(in *bufio.Reader) bool {
	start, _ := in.Peek(512)
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(start, []byte("["))
}

// readList reads the elements of a list as if each stood on a line of its own.
// Reading stops at the first that is not valid JSON, which is reported at the line
// of the comma before it.
func readList(in *bufio.Reader, yield func(Record) bool) {
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	}
	breaks := &lineBreaks{r: in}
	d := json.NewDecoder(breaks)
	if _, err := d.Token(); err != nil {
		yield(Record{Line: 1, Err: ingest.Unreadable(err)})
		return
	}
	for d.More() {
		var element json.RawMessage
		err := d.Decode(&element)
		line := breaks.line(d.InputOffset() - int64(len(element)))
		var next Record
		_, syntax := errors.AsType[*json.SyntaxError](err)
		switch {
		case syntax || errors.Is(err, io.ErrUnexpectedEOF):
			next = Record{Line: line, Err: said(vigie.Text{
				FR: "La liste n’est plus du JSON valide à partir d’ici : la suite n’a pas été lue.",
				EN: "From here on the list is not valid JSON: the rest was not read.",
			})}
		case err != nil:
			next = Record{Line: line, Err: ingest.Unreadable(err)}
		case len(element) > maxLine:
			next = Record{Line: line, Err: notRead(nil)}
		default:
			next = read(line, element)
		}
		if !yield(next) || err != nil {
			return
		}
	}
	if _, err := d.Token(); err != nil {
		yield(Record{Line: breaks.line(d.InputOffset()), Err: said(vigie.Text{
			FR: "Le fichier s’arrête avant la fin de la liste : des veilles manquent peut-être.",
			EN: "The file ends before the end of the list: watches may be missing.",
		})})
	}
}

// lineBreaks remembers where the line breaks are in what was read of r and has
// not been asked for yet.
type lineBreaks struct {
	r      io.Reader
	read   int64
	passed int
	places []int64
}

func (l *lineBreaks) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			l.places = append(l.places, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// line is the line of a place; places are asked for in their order.
func (l *lineBreaks) line(at int64) int {
	before, _ := slices.BinarySearch(l.places, at)
	l.passed += before
	l.places = l.places[before:]
	return l.passed + 1
}
