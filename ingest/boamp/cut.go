package boamp

import (
	"bytes"
	"errors"
	"io"
)

// maxRecord bounds one record, in bytes: far above a notice of hundreds of lots.
const maxRecord = 8 << 20

// cutter cuts the records out of a stream, holding one at a time.
//
// A record is a JSON object that stands alone, as in JSON Lines, or in a list,
// or in the list « results » or « records » of an object around it. Nothing
// but the nesting of brackets and strings is looked at here, so that a faulty
// record costs no other: reading goes on at the next one, or, where brackets
// or quotes do not close, at the next line that starts one.
type cutter struct {
	r          io.Reader
	buf        []byte
	start, end int // what is not yet consumed of buf
	err        error
	line       int // of the next byte
	// yield takes what was cut, and says whether to go on.
	yield func(piece) bool
	stop  bool

	record []byte // the record being cut, at most maxRecord of it
	// depth is how many lists are open around the records.
	depth int
	// wrapped is whether those lists are in an object around them.
	wrapped bool
	// garbage is whether something that is not a record was just skipped, and
	// lost whether brackets may no longer be trusted to pair.
	garbage, lost bool
}

// piece is a record as cut, or why it could not be.
type piece struct {
	data  []byte // valid until the next one
	line  int
	fault fault // whole where there is none; data is then what there is of it
}

// fault is what is wrong with a piece.
type fault int

const (
	whole     fault = iota
	notJSON         // something that is not a JSON object
	markup          // the same, and it looks like XML or HTML
	tooLarge        // more than maxRecord
	broken          // quotes or brackets that do not close before the next line
	truncated       // the end of the file in the middle of a record
	unclosed        // the end of the file in the middle of a list
)

func newCutter(r io.Reader, yield func(piece) bool) *cutter {
	return &cutter{r: r, buf: make([]byte, 64<<10), line: 1, yield: yield}
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
				c.wrapped = false
				c.skipObject()
			}
		case '{':
			c.object()
		default:
			c.skipGarbage(b)
		}
	}
	if errors.Is(c.err, io.EOF) {
		if c.depth > 0 && !c.lost && !c.stop {
			c.emit(piece{line: c.line, fault: unclosed})
		}
		return nil
	}
	return c.err
}

func (c *cutter) emit(p piece) {
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
	p := piece{data: c.record, line: line}
	switch end {
	case atList:
		return // the object is around the records
	case atClose:
	case atLine:
		p.fault = broken
		c.lost = true
	case atEnd:
		p.fault = truncated
		c.lost = true
	}
	if len(c.record) > maxRecord {
		p.fault = tooLarge
	}
	c.emit(p)
	if b, ok := c.peek(); end == atLine && ok && b != '{' && !c.stop {
		c.skipToRecord()
	}
}

// skipObject skips what is left of the object around the records.
func (c *cutter) skipObject() {
	if _, end := c.scan(false); end == atLine {
		c.lost = true
	}
}

// scanEnd is where a scan ended.
type scanEnd int

const (
	atClose scanEnd = iota // after the closing bracket
	atList                 // after the bracket that opens the list of records
	atLine                 // before a line that cannot belong to the object
	atEnd                  // of what could be read
)

// scan consumes an object and keeps it in c.record; or, where keep is false,
// the rest of one that is open already.
func (c *cutter) scan(keep bool) (line int, end scanEnd) {
	line = c.line
	c.record = c.record[:0]
	depth := 1
	if keep {
		depth = 0
	}
	var (
		inString, escaped, newLine bool
		// key is where in c.record the last string of the object itself starts,
		// and list whether it is the key of a list of records.
		key  int
		list bool
	)
	for c.fill() {
		chunk := c.buf[c.start:c.end]
		used, kept := len(chunk), 0
		keepTo := func(i int) {
			if keep && len(c.record) <= maxRecord {
				c.record = append(c.record, chunk[kept:min(i, kept+maxRecord+1-len(c.record))]...)
			}
			kept = i
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
					if keep && depth == 1 {
						keepTo(i + 1)
						list = isList(c.record[key:])
					}
				}
				continue
			}
			switch b {
			case '"':
				inString = true
				if depth == 1 {
					keepTo(i)
					key = len(c.record)
				}
			case '{', '[':
				if b == '{' && newLine && depth > 0 {
					// In a file of a record a line, this one starts the next.
					done(i, atLine)
					break scanning
				}
				if b == '[' && list && depth == 1 {
					c.depth, c.wrapped = 1, true
					done(i+1, atList)
					break scanning
				}
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					done(i+1, atClose)
					break scanning
				}
			case ',':
				list = list && depth != 1
			case '\n':
				c.line++
			}
			newLine = b == '\n'
		}
		if end < 0 {
			keepTo(used)
		}
		c.start += used
		if end >= 0 {
			return line, end
		}
	}
	return line, atEnd
}

// isList reports whether a key, in its quotes, is that of a list of records.
func isList(key []byte) bool {
	return string(key) == `"results"` || string(key) == `"records"`
}

// skipGarbage skips what starts here and is no record, and says so once for
// all of it.
func (c *cutter) skipGarbage(b byte) {
	if !c.garbage {
		p := piece{line: c.line, fault: notJSON}
		if b == '<' {
			p.fault = markup
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
