package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"

	"vigie/ingest"
)

// dataset is a dataset of an Opendatasoft portal, by its Explore API v2.1, that has a field with the day of publication.
type dataset struct {
	portal, name, field string
	web                 *Web
	read                func(io.Reader) iter.Seq[ingest.Record]
}

// day reads the rows of a day, and compares their number with what the service says.
func (d dataset) day(ctx context.Context, day Day) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		got, stopped, err := d.export(ctx, day, yield)
		if stopped {
			return
		}
		if err == nil {
			err = d.compare(ctx, day, got)
		}
		if err != nil {
			yield(ingest.Record{}, err)
		}
	}
}

// compare asks how many notices the day has. Some may have come since.
func (d dataset) compare(ctx context.Context, day Day, got int) error {
	type count struct {
		Total *int `json:"total_count"`
	}
	said, err := answer[count](ctx, d.web, request{url: d.address("records", day, "&limit=0")})
	switch {
	case err != nil:
		return err
	case said.Total == nil:
		return fault("the service does not say how many notices there are")
	case *said.Total != got:
		return fault("%d rows were sent of %d", got, *said.Total)
	}
	return nil
}

// address is where the dataset answers about a day.
func (d dataset) address(what string, day Day, more string) string {
	where := url.QueryEscape(fmt.Sprintf("%s=date'%s'", d.field, day))
	return strings.TrimSuffix(d.portal, "/") + "/api/explore/v2.1/catalog/datasets/" + d.name + "/" + what + "?where=" + where + more
}

// export reads the whole day, as JSON Lines, which are passed on as they come: if they break off, the day is read again.
func (d dataset) export(ctx context.Context, day Day, yield func(ingest.Record, error) bool) (got int, stopped bool, err error) {
	body, err := d.web.open(ctx, request{url: d.address("exports/jsonl", day, ""), types: []string{"application/x-ndjson", "application/jsonl", "application/json", "application/json-lines"}})
	if err != nil {
		return 0, false, err
	}
	defer body.Close()
	lines := &lines{r: bufio.NewReaderSize(body, 64<<10)}
	for r := range d.read(lines) {
		if lines.err != nil {
			break // what is read of a line that broke off is no notice
		}
		if !yield(r, nil) { // a row may be several notices
			return lines.objects, true, nil
		}
	}
	return lines.objects, false, lines.err
}

// lines passes on lines that are objects. The service reports errors within an answer that began well, in a line that is
// none.
type lines struct {
	r    *bufio.Reader
	line []byte
	// objects is how many lines were read.
	objects int
	err     error
}

// maxLine is the longest line that is read.
const maxLine = 16 << 20

func (l *lines) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, io.EOF
	}
	if len(l.line) == 0 {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

// next reads the next line.
func (l *lines) next() error {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxLine:
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			l.err = fault("a line of the answer is longer than %d MiB", maxLine>>20)
			return io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			l.err = err
			return io.EOF
		}
		break
	}
	text := bytes.TrimSpace(line)
	switch {
	case len(line) == 0:
		return io.EOF
	case len(text) > 0 && (text[0] != '{' || text[len(text)-1] != '}'):
		l.err = &ServiceError{Reason: "the service broke off its answer", Err: fmt.Errorf("it says %q", text[:min(len(text), 200)])}
		return io.EOF
	}
	if len(text) > 0 {
		l.objects++
	}
	l.line = line
	return nil
}
