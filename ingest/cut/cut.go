// Package cut cuts the records out of files of JSON, one at a time, in memory
// that does not grow with the file.
package cut

import (
	"bytes"
	"errors"
	"io"

	"vigie"
)

// MaxRecord bounds one record, in bytes: far above a notice of hundreds of lots.
const MaxRecord = 8 << 20

// Shape says where a source's files have their records, beside those that
// stand alone, as in JSON Lines, or in a list.
type Shape struct {
	// List reports whether a list under a key is one of records. Before is what
	// the object around it has before, nil where that was not kept.
	List func(key string, before []byte) bool
	// Enter reports whether an object under a key is around lists of records.
	Enter func(key string) bool
}

// Piece is a record as cut, or why it could not be.
type Piece struct {
	Data  []byte // valid until the next one
	Line  int    // where it starts, counted from 1
	Fault Fault  // Whole where there is none; Data is then what there is of it
}

// Fault is what is wrong with a piece.
type Fault int

// The faults.
const (
	Whole     Fault = iota
	NotJSON         // something that is not a JSON object
	Markup          // the same, and it looks like XML or HTML
	TooLarge        // more than MaxRecord
	Broken          // quotes or brackets that do not close before the next line
	Truncated       // the end of the file in the middle of a record
	Unclosed        // the end of the file in the middle of a list
)

// Reason says what is wrong with a piece. It is empty for a whole one, and for
// what is no JSON: each source says what it reads instead.
func (f Fault) Reason() vigie.Text {
	switch f {
	case TooLarge:
		return vigie.Text{
			FR: "L’enregistrement dépasse %d Mio : il n’a pas été lu.",
			EN: "The record is larger than %d MiB: it was not read.",
		}.With(MaxRecord >> 20)
	case Broken:
		return vigie.Text{
			FR: "L’enregistrement est incomplet : un guillemet ou une accolade n’est pas fermé avant l’enregistrement suivant.",
			EN: "The record is incomplete: a quote or a brace is not closed before the next record.",
		}
	case Truncated:
		return vigie.Text{
			FR: "Le fichier s’arrête au milieu de cet enregistrement.",
			EN: "The file ends in the middle of this record.",
		}
	case Unclosed:
		return vigie.Text{
			FR: "Le fichier s’arrête avant la fin de la liste : des avis manquent peut-être.",
			EN: "The file ends before the end of the list: notices may be missing.",
		}
	case Whole, NotJSON, Markup:
	}
	return vigie.Text{}
}

// Each cuts a stream until its end, or until nobody wants more, and hands over
// one piece at a time. It returns the error of the reader, nil at the end of the
// file, and the line where it stopped.
//
// Nothing but the nesting of brackets and strings is looked at, so that a faulty
// record costs no other: reading goes on at the next one, or, where brackets
// or quotes do not close, at the next line that starts one.
func Each(r io.Reader, shape Shape, yield func(Piece) bool) (line int, err error) {
	c := &cutter{r: r, shape: shape, buf: make([]byte, 64<<10), line: 1, yield: yield}
	err = c.run()
	if c.stop {
		err = nil
	}
	return c.line, err
}

// cutter cuts a stream, holding one record at a time.
type cutter struct {
	r          io.Reader
	shape      Shape
	buf        []byte
	start, end int // what is not yet consumed of buf
	err        error
	line       int // of the next byte
	// yield takes what was cut, and says whether to go on.
	yield func(Piece) bool
	stop  bool

	record []byte // the record being cut, at most MaxRecord of it
	key    []byte // the last string of the object itself, which may be cut
	// depth is how many lists are open around the records.
	depth int
	// wrapped is whether those lists are in an object around them, and entered
	// how many more objects are around that one.
	wrapped bool
	entered int
	// garbage is whether something that is not a record was just skipped, and
	// lost whether brackets may no longer be trusted to pair.
	garbage, lost bool
}

// run cuts until the end, or until nobody wants more. It returns the error of
// the reader, nil at the end of the file.
func (c *cutter) run() error {
	c.skipMark()
	for !c.stop {
		b, ok := c.peek()
		if !ok {
			break
		}
		switch b {
		case ' ', '\t', '\r', '\n', ',', '}':
			c.next()
		case '[':
			c.next()
			c.depth++
		case ']':
			c.next()
			c.depth = max(0, c.depth-1)
			if c.depth == 0 && c.wrapped {
				c.rest()
			}
		case '{':
			c.object()
		default:
			c.skipGarbage(b)
		}
	}
	if errors.Is(c.err, io.EOF) {
		if c.depth > 0 && !c.lost && !c.stop {
			c.emit(Piece{Line: c.line, Fault: Unclosed})
		}
		return nil
	}
	return c.err
}

func (c *cutter) emit(p Piece) {
	if !c.yield(p) {
		c.stop = true
	}
}

// fill reads more where all is consumed, and reports whether there is any.
func (c *cutter) fill() bool {
	for tries := 0; c.start == c.end; tries++ {
		if c.err != nil {
			return false
		}
		var n int
		n, c.err = c.r.Read(c.buf)
		c.start, c.end = 0, n
		if n == 0 && c.err == nil && tries == 100 {
			c.err = io.ErrNoProgress
		}
	}
	return true
}

func (c *cutter) peek() (byte, bool) {
	if !c.fill() {
		return 0, false
	}
	return c.buf[c.start], true
}

// next consumes the byte that peek returned.
func (c *cutter) next() {
	if c.buf[c.start] == '\n' {
		c.line++
	}
	c.start++
}

// skipMark skips the byte order mark of UTF-8.
func (c *cutter) skipMark() {
	for _, mark := range []byte("\xef\xbb\xbf") {
		if b, ok := c.peek(); !ok || b != mark {
			return
		}
		c.next()
	}
}

// object cuts the object that starts here.
func (c *cutter) object() {
	c.garbage = false
	line, end := c.scan(true)
	p := Piece{Data: c.record, Line: line}
	switch end {
	case atList:
		return // the object is around the records
	case atClose:
	case atLine:
		p.Fault = Broken
		c.lost = true
	case atEnd:
		p.Fault = Truncated
		c.lost = true
	}
	if len(c.record) > MaxRecord {
		p.Fault = TooLarge
	}
	c.emit(p)
	if b, ok := c.peek(); end == atLine && ok && b != '{' && !c.stop {
		c.skipToRecord()
	}
}

// rest goes on in the object around a list of records, where there may be
// another one.
func (c *cutter) rest() {
	_, end := c.scan(false)
	c.wrapped = end == atList
	c.lost = c.lost || end == atLine
}

// scanEnd is where a scan ended.
type scanEnd int

const (
	atClose scanEnd = iota // after the closing bracket
	atList                 // after the bracket that opens the list of records
	atLine                 // before a line that cannot belong to the object
	atEnd                  // of what could be read
)

// maxKey is how much of a string is kept that may be a key of the shape.
const maxKey = 64

// scan consumes an object and keeps it in c.record; or, where keep is false,
// the rest of one that is open already.
func (c *cutter) scan(keep bool) (line int, end scanEnd) {
	line = c.line
	c.record = c.record[:0]
	depth := 1
	if keep {
		depth = 0
	}
	if !c.wrapped {
		c.entered = 0
	}
	within := keep && c.wrapped && !c.lost // a list: a record, whatever its keys are
	var (
		inString, escaped, newLine bool
		// keyed is whether the string is one of the object itself, and list and
		// enter what the last of them is the key of.
		keyed, list, enter bool
	)
	for c.fill() {
		chunk := c.buf[c.start:c.end]
		used, kept, from := len(chunk), 0, 0
		keepTo := func(i int) {
			if keep && len(c.record) <= MaxRecord {
				c.record = append(c.record, chunk[kept:min(i, kept+MaxRecord+1-len(c.record))]...)
			}
			kept = i
		}
		keepKeyTo := func(i int) {
			if keyed && len(c.key) <= maxKey {
				c.key = append(c.key, chunk[from:min(i, from+maxKey)]...)
			}
		}
		done := func(i int, e scanEnd) {
			keepTo(i)
			used, end = i, e
		}
		end = -1
	scanning:
		for i, b := range chunk {
			if inString {
				switch {
				case b == '\n':
					// JSON has no line break within a string.
					done(i, atLine)
					break scanning
				case escaped:
					escaped = false
				case b == '\\':
					escaped = true
				case b == '"':
					inString = false
					if keyed {
						keepTo(i + 1)
						keepKeyTo(i)
						list = c.shape.List(string(c.key), c.record)
						enter = c.shape.Enter(string(c.key))
					}
				}
				continue
			}
			switch b {
			case '"':
				inString, keyed = true, depth == 1 && !within
				c.key, from = c.key[:0], i+1
			case '{', '[':
				switch {
				case b == '{' && newLine && depth > 0:
					// In a file of a record a line, this one starts the next.
					done(i, atLine)
					break scanning
				case b == '[' && list && depth == 1:
					c.depth, c.wrapped = 1, true
					done(i+1, atList)
					break scanning
				case b == '{' && enter && depth == 1:
					c.entered++
					list, enter = false, false
				default:
					depth++
				}
			case '}', ']':
				if b == '}' && depth == 1 && c.entered > 0 && !within {
					c.entered--
					break
				}
				if depth--; depth == 0 {
					done(i+1, atClose)
					break scanning
				}
			case ',':
				list, enter = list && depth != 1, enter && depth != 1
			case '\n':
				c.line++
			}
			newLine = b == '\n'
		}
		if end < 0 {
			keepTo(used)
			if inString {
				keepKeyTo(used)
			}
		}
		c.start += used
		if end >= 0 {
			return line, end
		}
	}
	return line, atEnd
}

// skipGarbage skips what starts here and is no record, and says so once for
// all of it.
func (c *cutter) skipGarbage(b byte) {
	if !c.garbage {
		p := Piece{Line: c.line, Fault: NotJSON}
		if b == '<' {
			p.Fault = Markup
		}
		c.emit(p)
		if c.stop {
			return
		}
	}
	c.garbage = true
	if c.depth == 0 {
		c.skipToRecord()
		return
	}
	// An element of a list that is not an object: to its end.
	c.next()
	if b == '"' {
		c.skipString()
		return
	}
	c.skipUntil(",]}\n{[\"")
}

// skipString skips to the end of the string that is open.
func (c *cutter) skipString() {
	for {
		c.skipUntil("\"\\\n")
		b, ok := c.peek()
		if !ok {
			return
		}
		c.next()
		if b != '\\' {
			return
		}
		if _, ok := c.peek(); ok {
			c.next()
		}
	}
}

// skipUntil skips to the first of the bytes, which have no line break or stop
// at it.
func (c *cutter) skipUntil(stops string) {
	for c.fill() {
		chunk := c.buf[c.start:c.end]
		if i := bytes.IndexAny(chunk, stops); i >= 0 {
			c.start += i
			return
		}
		c.start = c.end
	}
}

// skipToRecord skips to the next line that starts a record or a list.
func (c *cutter) skipToRecord() {
	for {
		c.skipUntil("\n")
		b, ok := c.peek()
		for ok && (b == ' ' || b == '\t' || b == '\r' || b == '\n' || b == ',') {
			c.next()
			b, ok = c.peek()
		}
		if !ok || b == '{' || b == '[' && c.depth == 0 {
			return
		}
	}
}
