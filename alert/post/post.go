// Package post sends mail: over SMTP, or into a folder of files. A [Message] holds its content, an [Error] says why
// it was not accepted.
package post

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// Mailer sends mail, for the channel alert.Mail. It is safe for concurrent use.
type Mailer interface {
	// Send hands one message over. It returns nil once the message was accepted (the server's 250, a file that is on
	// the disk), else an *[Error]. When ctx ends, the attempt ends.
	Send(ctx context.Context, m Message) error
	// AtOnce returns how many messages can be sent at a time; more must wait.
	AtOnce() int
	// Close closes idle connections, and stops further sending.
	Close() error
}

// Message is one mail to one recipient. Sent twice, it is the same bytes twice.
type Message struct {
	// ID is the Message-ID without its angle brackets: "token@host".
	ID   string
	From mail.Address
	// ReplyTo may be empty.
	ReplyTo string
	To      string
	// EnvelopeFrom is the return path, to which bounces go; see [ReturnPath].
	EnvelopeFrom string
	// InReplyTo is the Message-ID of the mail that this one follows, "" for none: mail programs show both as one thread.
	InReplyTo string
	Subject   string
	Text      string
	HTML      string
	Date      time.Time
	// Headers are additional headers, such as List-Unsubscribe, List-Unsubscribe-Post, List-Id, Auto-Submitted and
	// Precedence: printable ASCII by name.
	Headers map[string]string
}

// Open opens a mailer by its URL:
//
//   - outbox:DIR writes files NAME.eml to a folder, which it makes if it is not
//     there. Their names sort by the date of the message.
//   - smtp://[USER:PASSWORD@]HOST[:PORT] speaks SMTP; the port is 25 by
//     default, 587 with a user. Parameters, after "?":
//     tls=opportunistic (STARTTLS where the server offers it; the default),
//     tls=required, tls=none.
//   - smtps://[USER:PASSWORD@]HOST[:PORT] speaks it over TLS from the start, by
//     default on port 465.
//
// Both SMTP forms know these parameters, too: auth=MECHANISM, in place of the
// best that is offered and does not show the password (plain, login, cram-md5,
// scram-sha-256, …; plain-noenc shows it); connections=N at most at once (4);
// idle=DURATION for which one is kept open for the next message (30s);
// timeout=DURATION that connecting, and sending one message, may take (1m);
// helo=NAME by which we greet; ca=FILE of certificates, in PEM, that are
// trusted in place of the system's.
//
// Errors never show the password.
func Open(url string) (Mailer, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "outbox":
		return openOutbox(rest)
	case "smtp", "smtps":
		return openSMTP(url)
	}
	return nil, errors.New("post: the URL of a mailer starts with smtp:, smtps: or outbox:")
}

// Kind says what an [Error] is about. Only errors about the address are final at once: see [Error.Kind].
type Kind int

const (
	// Temporary is for failures that pass: the same message may be accepted later.
	Temporary Kind = iota
	// ForMessage is for a refusal of this message by the server: because of its content, or without a reason. Another
	// message may be accepted, and so may the same one on another day.
	ForMessage
	// ForAddress is final, for this address: it does not exist, or none of our mail can reach it.
	ForAddress
	// ForSender is for a fault on our side: the message cannot be composed, or the server refuses its sender or the
	// way it is sent. Once an operator has repaired that, the same message may be accepted.
	ForSender
)

// String returns the name of the kind in English.
func (k Kind) String() string {
	switch k {
	case ForMessage:
		return "about the message"
	case ForAddress:
		return "about the address"
	case ForSender:
		return "about the sender"
	case Temporary:
	}
	return "temporary"
}

// Error is why a message was not accepted.
type Error struct {
	Kind Kind
	// AllMail reports whether the failure has nothing to do with the message: no connection, a login refused, a
	// sender that the server does not accept. It would refuse any other message too.
	AllMail bool
	// Unknown reports whether the message may have been accepted nevertheless: it was sent whole, and no reply came.
	// Such an error is always [Temporary]; the next attempt has the same Message-ID.
	Unknown bool
	// Code is the server's reply code, 400 to 599, and 0 where it did not reply.
	Code int
	// Enhanced is its enhanced status code (RFC 3463), "" where it gave none.
	Enhanced string
	// Reply is the server's whole reply, codes included, on one line.
	Reply string
	// Err is the cause where there is no reply.
	Err error
}

// Error describes the failure to an operator.
func (e *Error) Error() string {
	what := e.Reply
	if what == "" && e.Err != nil {
		what = e.Err.Error()
	}
	if e.Unknown {
		what += " (it may have been accepted)"
	}
	return fmt.Sprintf("post: %s: %s", e.Kind, what)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrClosed is the cause of an [Error] of a mailer that was closed.
var ErrClosed = errors.New("the mailer is closed")

// away returns the error of a mailer that cannot send anything now.
func away(err error) *Error { return &Error{Kind: Temporary, AllMail: true, Err: err} }
