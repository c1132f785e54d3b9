package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Kind says what to do about a message that was not accepted.
type Kind string

// The kinds. They are for the sender, and reach no account: see [NoAddress].
const (
	// Temporary: send it again later, not before RetryAfter is over. So is every status but 410: most are mistakes that the
	// endpoint's owner can correct.
	Temporary Kind = "TEMPORARY"
	// Gone: the endpoint wants no more messages (410).
	Gone Kind = "GONE"
	// Refused: nothing was sent, since the URL leads where webhooks may not go. It may lead elsewhere later, for names move:
	// a delivery is tried again, while a new endpoint is refused.
	Refused Kind = "REFUSED"
)

// Reason says why a message was not accepted. It tells the owner of an endpoint no more than the owner can know.
type Reason string

// The reasons.
const (
	// AnsweredStatus: the answer's status was not 2xx.
	AnsweredStatus Reason = "STATUS"
	// TimedOut: there was no whole answer in time.
	TimedOut Reason = "TIMED_OUT"
	// NoAddress: the name has no address, or none that webhooks may go to. Which of them is not said: that would tell what
	// names there are inside of our network.
	NoAddress Reason = "NO_ADDRESS"
	// NotConnected: there was no connection, or it ended before the answer.
	NotConnected Reason = "NOT_CONNECTED"
	// Untrusted: the endpoint could not prove by TLS that it is the URL's host.
	Untrusted Reason = "UNTRUSTED"
	// BadAnswer: the answer was not HTTP, or its headers were too long.
	BadAnswer Reason = "BAD_ANSWER"
	// NotRepeated: the answer to the challenge did not have its word.
	NotRepeated Reason = "NOT_REPEATED"
)

// Reasons returns all of them.
func Reasons() []Reason {
	return []Reason{AnsweredStatus, TimedOut, NoAddress, NotConnected, Untrusted, BadAnswer, NotRepeated}
}

// Error is why a message was not accepted.
type Error struct {
	Kind   Kind
	Reason Reason
	// Status is that of the answer, 0 for none.
	Status int
	// RetryAfter is for how long the endpoint asks to be left alone, at most [MaxRetryAfter]; 0 if it does not.
	RetryAfter time.Duration
	// Err is the cause, for operators; nil where Reason and Status say all. It may name an address, and has nothing of the
	// URL's path, nor of the answer.
	Err error
}

// Note is what the owner of the endpoint may know: the reason, and the status.
func (e *Error) Note() string {
	if e.Status == 0 {
		return string(e.Reason)
	}
	return string(e.Reason) + " " + strconv.Itoa(e.Status)
}

// Error describes the error to an operator.
func (e *Error) Error() string {
	text := e.Note()
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MaxRetryAfter is how long an endpoint can ask to be left alone.
const MaxRetryAfter = 24 * time.Hour

// refusal is what an answer with another status than 2xx means.
func refusal(answer *http.Response, now time.Time) *Error {
	e := &Error{Kind: Temporary, Reason: AnsweredStatus, Status: answer.StatusCode}
	switch answer.StatusCode {
	case http.StatusGone:
		e.Kind = Gone
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.RetryAfter = retryAfter(answer.Header.Get("Retry-After"), now)
	}
	return e
}

// retryAfter reads the header, which has seconds or a date (RFC 9110 §10.2.3). What it does not say is 0.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, MaxRetryAfter)
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), MaxRetryAfter)
	}
	return 0
}

// failure is what an error of the transport means.
func failure(err error) *Error {
	e := &Error{Kind: Temporary, Reason: BadAnswer, Err: err}
	switch {
	case errors.Is(err, errAddress):
		e.Kind, e.Reason = Refused, NoAddress
	case is[*net.DNSError](err):
		e.Reason = NoAddress
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		e.Reason = TimedOut
	case is[*tls.CertificateVerificationError](err), is[x509.HostnameError](err), is[x509.UnknownAuthorityError](err),
		is[x509.CertificateInvalidError](err), is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		e.Reason = Untrusted
	case is[*net.OpError](err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		e.Reason = NotConnected
	default:
		e.Err = errAnswer // the error itself quotes the answer
	}
	return e
}

var errAnswer = errors.New("the answer is not HTTP, or its headers are too long")

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
