package decp

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"vigie/ingest"
	"vigie/ingest/cut"
)

// maxDepth is how deep elements are within a contract; the schema has six.
const maxDepth = 32

var errTooDeep = errors.New("elements are nested too deeply")

// readXML hands over the contracts of a file of XML, wherever they are in it, as
// JSON would have them: an element is an object or a text, several of one name
// are a list. It returns why reading stopped; its Err is nil at the end of the file,
// or where nobody wanted more.
func readXML(r io.Reader, each func(line int, object map[string]any) bool) ingest.Record {
	limited := &limit{r: r}
	d := xml.NewDecoder(limited)
	d.CharsetReader = western
	line, found := 1, false
	for {
		limited.left = cut.MaxRecord
		token, err := d.Token()
		switch element, isStart := token.(xml.StartElement); {
		case errors.Is(err, io.EOF) && !found:
			return refuse(line, "", otherShape, nil)
		case errors.Is(err, io.EOF):
			return ingest.Record{}
		case err == nil && isStart && (element.Name.Local == "marche" || element.Name.Local == "contrat-concession"):
			line, _ = d.InputPos()
			found = true
			var value any
			if value, err = readElement(d, maxDepth); err == nil {
				if object, ok := value.(map[string]any); ok && !each(line, object) {
					return ingest.Record{}
				}
			}
		}
		if err != nil {
			if !found {
				line, _ = d.InputPos()
			}
			return unread(line, err)
		}
	}
}

// unread says why a file of XML is not read on.
func unread(line int, err error) ingest.Record {
	if _, isSyntax := errors.AsType[*xml.SyntaxError](err); isSyntax || errors.Is(err, errTooDeep) {
		return refuse(line, "", brokenXML, err)
	}
	if errors.Is(err, errTooLarge) {
		return refuse(line, "", cut.TooLarge.Reason(), err)
	}
	return ingest.Record{Line: line, Err: ingest.Unreadable(err)}
}

// readElement reads the element that was started.
func readElement(d *xml.Decoder, depth int) (any, error) {
	if depth == 0 {
		return nil, errTooDeep
	}
	var text strings.Builder
	object := make(map[string]any)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			err = &xml.SyntaxError{Msg: "unexpected end of file"}
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			value, err := readElement(d, depth-1)
			if err != nil {
				return nil, err
			}
			list, _ := object[token.Name.Local].([]any)
			object[token.Name.Local] = append(list, value)
		case xml.EndElement:
			if len(object) > 0 {
				return object, nil
			}
			return strings.TrimSpace(text.String()), nil
		}
	}
}

// western reads what is not UTF-8.
func western(charset string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "windows-1252", "iso-8859-15":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return nil, errors.New("unknown charset")
}

var errTooLarge = errors.New("the element is too large")

// limit bounds what is read for one element.
type limit struct {
	r    io.Reader
	left int
}

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
