package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Options are what a [Client] needs.
type Options struct {
	// Networks are allowed although they are not public, for platforms inside one network.
	Networks []netip.Prefix
	// Timeout bounds an attempt as a whole, [DefaultTimeout] if it is 0.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
	// Resolver resolves names, the system's if it is nil.
	Resolver *net.Resolver
	// Roots verify endpoints, the system's if it is nil.
	Roots *x509.CertPool
}

// DefaultTimeout is how long an attempt takes at most.
const DefaultTimeout = 15 * time.Second

// Client sends messages to endpoints. It is safe for concurrent use.
type Client struct{ options Options }

// NewClient makes a client.
func NewClient(o Options) *Client { return &Client{options: o} }

// Kind says what to do about a message that was not accepted.
type Kind string

// The kinds.
const (
	// Temporary: send it again later, not before RetryAfter is over.
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

// Error is why a message was not accepted.
type Error struct {
	Kind   Kind
	Reason Reason
	// Status is that of the answer, 0 for none.
	Status int
	// RetryAfter is for how long the endpoint asks to be left alone, 0 if it does not.
	RetryAfter time.Duration
	// Err is the cause, for operators. It names hosts and addresses, and no URL.
	Err error
}

// Error describes the error to an operator.
func (e *Error) Error() string { return string(e.Reason) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Send posts a message once. The id and the body are the same whenever it is sent again, and at is the time of the
// attempt. Any status 2xx means that it was accepted; the error is an [*Error].
func (c *Client) Send(ctx context.Context, e Endpoint, id string, at time.Time, body []byte) error {
	return errors.New("to come")
}

// Challenge asks an endpoint of the format [Standard] to repeat a word, and so to prove that it wants our messages. The
// error is an [*Error].
func (c *Client) Challenge(ctx context.Context, e Endpoint, id string, at time.Time, word string) error {
	return errors.New("to come")
}

// CheckURL reports what is wrong with the URL of an endpoint, as a [*vigie.Error] for its field, nil for nothing. It asks
// no resolver: where a name leads is checked when a connection is made.
func (c *Client) CheckURL(raw string) error { return errors.New("to come") }
