package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// Web asks services over HTTP: not too often, and again after a failure that may pass.
type Web struct {
	Client *http.Client
	// Agent names us to services.
	Agent string
	// Limit is how often services may be asked; nil for no limit.
	Limit *rate.Limiter
	Now   func() time.Time
	// Pause is the first pause before trying again; a second if zero.
	Pause time.Duration
	// Silence is the longest time without a byte of an answer; a minute if zero.
	Silence time.Duration
}

const (
	// attempts is how often one request is made.
	attempts = 4
	// patience is the longest that a service may ask to wait within one reading.
	patience = 2 * time.Minute
	// maxAnswer is the longest answer that is read.
	maxAnswer = 1 << 30
	// maxJSON is the longest that is read as one value of JSON.
	maxJSON = 64 << 20
)

// request is what is asked.
type request struct {
	method, url string
	body        []byte
	// types are the media types that an answer may have.
	types []string
}

// open asks, and returns the answer's body, which ends with an error where it is too long or stops coming: the
// caller deals with that, for it has used a part.
func (w *Web) open(ctx context.Context, r request) (io.ReadCloser, error) {
	return again(ctx, w, func() (io.ReadCloser, error) { return w.try(ctx, r) })
}

// whole asks, and reads the answer at once. One that breaks within its body, so that read fails, is asked for again like one
// that does not come.
func whole[T any](ctx context.Context, w *Web, r request, read func(io.Reader) (T, error)) (T, error) {
	return again(ctx, w, func() (got T, err error) {
		body, err := w.try(ctx, r)
		if err != nil {
			return got, err
		}
		defer body.Close()
		return read(body)
	})
}

// again tries until it succeeds, the error is permanent, or it was tried often enough.
func again[T any](ctx context.Context, w *Web, try func() (T, error)) (T, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = cmp.Or(w.Pause, time.Second), 20*time.Second
	got, err := backoff.Retry(ctx, try, backoff.WithBackOff(pauses), backoff.WithMaxTries(attempts))
	if asked, ok := errors.AsType[*backoff.RetryAfterError](err); ok {
		return got, &Busy{asked.Duration}
	}
	return got, err
}

// answer is the answer to a request for JSON.
func answer[T any](ctx context.Context, w *Web, r request) (*T, error) {
	r.types = []string{"application/json"}
	return whole(ctx, w, r, func(body io.Reader) (*T, error) {
		text, err := io.ReadAll(io.LimitReader(body, maxJSON+1))
		switch {
		case err != nil:
			return nil, err
		case len(text) > maxJSON:
			return nil, backoff.Permanent(fault("the answer is longer than %d MiB", maxJSON>>20))
		}
		said := new(T)
		if err := json.Unmarshal(text, said); err != nil {
			return nil, &ServiceError{Reason: "the answer is not the JSON that it should be", Err: err}
		}
		return said, nil
	})
}

// try asks once.
func (w *Web) try(ctx context.Context, r request) (io.ReadCloser, error) {
	if w.Limit != nil {
		if err := w.Limit.Wait(ctx); err != nil {
			return nil, backoff.Permanent(&ServiceError{Reason: "a reading takes longer than it may, at this rate of requests", Err: err})
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	body := &body{cancel: cancel, left: maxAnswer, silence: cmp.Or(w.Silence, time.Minute)}
	body.quiet = time.AfterFunc(body.silence, func() { cancel(errSilent) })
	ask, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	ask.Header.Set("User-Agent", w.Agent)
	ask.Header.Set("Accept", strings.Join(r.types, ", "))
	if r.body != nil {
		ask.Header.Set("Content-Type", "application/json")
	}
	answer, err := w.Client.Do(ask) //nolint:bodyclose // body.Close does
	if err != nil {
		body.end()
		if errors.Is(context.Cause(ctx), errSilent) {
			return nil, errSilent
		}
		return nil, &ServiceError{Reason: "the service cannot be reached", Err: err}
	}
	body.rest = answer.Body
	body.quiet.Stop() // until it is read
	if err := w.check(answer, r); err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

var errSilent = &ServiceError{Reason: "the service stopped answering"}

// check returns what is wrong with an answer before its body is read; permanent errors are not tried again now.
func (w *Web) check(answer *http.Response, r request) error {
	switch status := answer.StatusCode; {
	case status == http.StatusOK:
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		wait := w.wait(answer.Header)
		switch {
		case wait == 0:
			return fault("the service answers %d", status)
		case wait > patience:
			return backoff.Permanent(&Busy{wait})
		}
		return backoff.RetryAfter(int(wait/time.Second) + 1)
	case status == http.StatusAccepted && answer.Header.Get("X-Amzn-Waf-Action") != "":
		return backoff.Permanent(fault("the service refuses programs with this User-Agent (202, %s)", answer.Header.Get("X-Amzn-Waf-Action")))
	case status >= 500 || status == http.StatusRequestTimeout:
		return fault("the service answers %d", status)
	default:
		return backoff.Permanent(&StatusError{status})
	}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	for _, may := range r.types {
		if media == may {
			return nil
		}
	}
	return fault("the service answers with %q instead of %s", media, r.types[0])
}

// wait returns for how long a service asks to wait: by Retry-After, or until its quota is whole again.
func (w *Web) wait(h http.Header) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(0, at.Sub(w.Now()))
	}
	if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Unix(at, 0).Sub(w.Now()))
	}
	return 0
}

// StatusError says that a service refused a request.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the service refuses the request (%d)", e.Status)
}

// As makes it a [ServiceError].
func (e *StatusError) As(target any) bool {
	if t, ok := target.(**ServiceError); ok {
		*t = &ServiceError{Reason: e.Error()}
		return true
	}
	return false
}

// body is the body of an answer.
type body struct {
	rest    io.ReadCloser
	cancel  context.CancelCauseFunc
	quiet   *time.Timer
	left    int64
	silence time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fault("the answer is longer than %d MiB", maxAnswer>>20)
	}
	b.quiet.Reset(b.silence)
	n, err := b.rest.Read(p[:min(int64(len(p)), b.left)])
	silent := !b.quiet.Stop()
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		if silent {
			return n, errSilent
		}
		err = &ServiceError{Reason: "the answer breaks off", Err: err}
	}
	return n, err
}

// end gives up what the request holds.
func (b *body) end() {
	b.quiet.Stop()
	b.cancel(nil)
}

func (b *body) Close() error {
	b.end()
	return b.rest.Close()
}
