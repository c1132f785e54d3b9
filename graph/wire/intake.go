package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"vigie"
)

// Intake is what a request, or a message on a socket, has to pass before it is
// parsed. A function that is nil lets everything pass.
type Intake struct {
	// Limits are what the caller of a context may send.
	Limits func(context.Context) Limits
	// Open counts a request of the caller's, from its headers to the end of its
	// answer, until done. Subscriptions are not counted once their request has
	// arrived.
	Open func(context.Context) (done func(), err error)
	// Hold takes n bytes of memory for what the caller sends, or has not read yet of
	// a long answer, until released.
	Hold func(ctx context.Context, n int) (release func(), err error)
	// Admit counts an operation, and says how many more there may be, also with an
	// error.
	Admit func(context.Context) (Rate, error)
	// Begin waits for a place to answer an operation in, which is free again after
	// end; that may be called twice. Subscriptions have none.
	Begin func(context.Context) (end func(), err error)
}

// Limits are what one request or message may be. Zero stands for no limit.
type Limits struct {
	// Bytes is how long it may be, and Time how long it may take to arrive.
	Bytes int64
	Time  time.Duration
	// Values is how many values its JSON may have, and Depth how many lists and
	// objects may stand within one another.
	Values, Depth int
}

func (i Intake) limits(ctx context.Context) Limits {
	if i.Limits == nil {
		return Limits{}
	}
	return i.Limits(ctx)
}

func (i Intake) open(ctx context.Context) (func(), error) {
	if i.Open == nil {
		return func() {}, nil
	}
	return i.Open(ctx)
}

func (i Intake) admit(ctx context.Context) (Rate, error) {
	if i.Admit == nil {
		return Rate{}, nil
	}
	return i.Admit(ctx)
}

func (i Intake) begin(ctx context.Context) (func(), error) {
	if i.Begin == nil {
		return func() {}, nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	over := waits(ctx, cancel)
	end, err := i.Begin(waiting)
	if cut := over(); cut != nil {
		if err == nil {
			end()
		}
		return nil, cut
	}
	return end, err
}

// shortAnswer is how long an answer may be, in bytes, that takes nothing of its
// caller's share.
const shortAnswer = 64 << 10

// answer takes memory for an answer until it is written: a client that asks much
// and reads nothing is refused further long answers, and others are not. Nor is
// that of a mutation, which is done: there may be as many as the caller has
// requests on their way.
func (i Intake) answer(ctx context.Context, done bool, pieces ...[]byte) (release func(), err error) {
	long, taken := 0, 0 // what it takes is not only what of that is filled
	for _, piece := range pieces {
		long, taken = long+len(piece), taken+cap(piece)
	}
	if i.Hold == nil || long <= shortAnswer {
		return func() {}, nil
	}
	release, err = i.Hold(ctx, taken)
	if err != nil && done {
		return func() {}, nil
	}
	return release, err
}

// errTooLong is that more was sent than one may.
var errTooLong = errors.New("too long")

// gather reads all that comes from a source, up to the caller's limit. Memory
// is taken for what has arrived, not for what was announced, so who announces
// much and sends little takes little. It is given back by release, which may be
// called twice, and also after an error.
func (i Intake) gather(ctx context.Context, from io.Reader) (text []byte, release func(), err error) {
	most := i.limits(ctx).Bytes
	if most > 0 {
		from = io.LimitReader(from, most+1)
	}
	var held []func()
	release = func() {
		for _, release := range held {
			release()
		}
		held = nil
	}
	text = make([]byte, 0, 512)
	for taken := 0; ; {
		if need := cap(text); i.Hold != nil && need > taken {
			give, err := i.Hold(ctx, need-taken)
			if err != nil {
				return nil, release, err
			}
			held, taken = append(held, give), need
		}
		n, err := from.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case most > 0 && int64(len(text)) > most:
			return nil, release, errTooLong
		case err == io.EOF:
			return text, release, nil
		case err != nil:
			return nil, release, err
		case len(text) == cap(text):
			size := 2 * cap(text)
			if most > 0 {
				size = int(min(int64(size), most+1))
			}
			text = append(make([]byte, 0, size), text...)
		}
	}
}

// body reads the body of a request.
func (i Intake) body(w http.ResponseWriter, r *http.Request) (text []byte, release func(), refused *refusal) {
	limits := i.limits(r.Context())
	control := http.NewResponseController(w)
	if limits.Time > 0 {
		// Where it cannot be set, the server's own limit holds.
		_ = control.SetReadDeadline(time.Now().Add(limits.Time))
	}
	over := waits(r.Context(), func() { _ = control.SetReadDeadline(past()) })
	text, release, err := i.gather(r.Context(), r.Body)
	if cut := over(); cut != nil {
		err = cut
	}
	if err == nil {
		return text, release, nil
	}
	w.Header().Set("Connection", "close") // else the server would wait for the rest
	if errors.Is(err, errTooLong) {
		return nil, release, tooLong(limits.Bytes)
	}
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		return nil, release, turnedAway(e)
	}
	status := http.StatusBadRequest
	if errors.Is(err, os.ErrDeadlineExceeded) {
		status = http.StatusRequestTimeout
	}
	return nil, release, refuse(status, vigie.BadRequest, vigie.Same("The request's body did not arrive whole. Send it again."))
}

func tooLong(most int64) *refusal {
	return tooMuch("bytes", 0, int(most), vigie.Same("The request's body is longer than %d bytes: split it.").With(most))
}

// turnedAway refuses a request that comes too often, or while there is no place.
func turnedAway(err error) *refusal {
	e, ok := errors.AsType[*vigie.Error](err)
	if !ok {
		e = &vigie.Error{Code: vigie.Internal, Err: err}
	}
	status := http.StatusInternalServerError
	switch e.Code {
	case vigie.TooManyRequests:
		status = http.StatusTooManyRequests
	case vigie.Unavailable:
		status = http.StatusServiceUnavailable
	}
	return &refusal{status, e}
}

// check refuses JSON that has more values, or is deeper, than the caller may
// send. It comes before anything is made of the text.
func (i Intake) check(ctx context.Context, texts ...[]byte) *refusal {
	limits := i.limits(ctx)
	all := 0
	for _, text := range texts {
		values, depth := measure(text)
		all += values
		if limits.Depth > 0 && depth > limits.Depth {
			return tooMuch("jsonDepth", depth, limits.Depth, vigie.Same("The request's JSON has more than %d levels: nest its objects and lists less.").With(limits.Depth))
		}
	}
	if limits.Values > 0 && all > limits.Values {
		return tooMuch("jsonValues", all, limits.Values, vigie.Same("The request's JSON has more than %d values: split the request.").With(limits.Values))
	}
	return nil
}

func tooMuch(name string, sent, most int, text vigie.Text) *refusal {
	return &refusal{http.StatusRequestEntityTooLarge, &vigie.Error{
		Code: vigie.LimitExceeded, Text: text, Limit: &vigie.Limit{Name: name, Requested: sent, Maximum: most},
	}}
}

// measure counts how many values a JSON text has, and how deep it is. It allocates
// nothing, unlike a decoder, which makes each of them. What is no JSON may give
// any figures: it is refused when it is decoded.
func measure(text []byte) (values, depth int) {
	values = 1
	open, quoted, empty := 0, false, false
	for at := 0; at < len(text); at++ {
		c := text[at]
		if quoted {
			if c == '\\' {
				at++
			}
			quoted = c != '"'
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '[', '{':
			if empty { // the list or object around it has something
				values++
			}
			open++
			depth, empty = max(depth, open), true
			continue
		case ']', '}':
			open--
			empty = false
			continue
		case ',':
			values++
		case '"':
			quoted = true
		}
		if empty {
			values++
			empty = false
		}
	}
	return values, depth
}
