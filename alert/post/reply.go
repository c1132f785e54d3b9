package post

import (
	"errors"
	"net/textproto"
	"regexp"
	"strconv"

	"vigie"
)

// phase is how far the sending of a message got.
type phase int

const (
	connecting phase = iota // the greeting, TLS, the login
	sender                  // MAIL, with the return path
	recipient               // RCPT, with the address
	start                   // DATA
	content                 // the message itself
	end                     // the dot after it: without a reply, the outcome is unknown
)

const (
	// closing is the reply code of a server that closes the connection.
	closing = 421
	// badSequence is the reply code for a command that the server did not expect.
	badSequence = 503
)

// fromTransaction returns the error for a failure in a phase of a message's transaction. Before the recipient is
// named, a failure concerns all mail, except that SMTPUTF8 is asked for because of the recipient.
func fromTransaction(err error, at phase, e *envelope) *Error {
	failure := fromError(err, at)
	if errors.Is(err, errNoUTF8) {
		failure.Kind = ForAddress
	}
	failure.AllMail = at == sender && !e.utf8
	failure.Unknown = at == end && failure.Code == 0
	return failure
}

// errNoUTF8 is why mail to addresses that are not ASCII cannot be sent (RFC 6531 §3.2).
var errNoUTF8 = errors.New("the mail server takes no addresses that are not ASCII: it does not offer SMTPUTF8")

// fromDial returns the error for a failure before the first message.
func fromDial(err error) *Error {
	failure := fromError(err, connecting)
	failure.Err, failure.AllMail = err, true
	return failure
}

// fromError returns the error of the server's reply, if err holds one.
func fromError(err error, at phase) *Error {
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		if failure := fromReply(strconv.Itoa(said.Code)+" "+said.Msg, at); failure.Code != 0 {
			return failure
		}
	}
	return &Error{Kind: Temporary, Err: err}
}

var (
	replyCode = regexp.MustCompile(`^[45][0-9]{2}\b`)
	// An enhanced code begins a line: elsewhere it may be an IP address. Of several lines, some servers put it on the
	// last only. qmail puts it in brackets.
	enhancedCode = regexp.MustCompile(`(?m)(?:^(?:[45][0-9]{2}[ -])?|\(#)([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s:,;)-]|$)`)
)

// fromReply returns the error of a server's reply. Without a reply code, the code is 0.
func fromReply(said string, at phase) *Error {
	digits := replyCode.FindString(said)
	if digits == "" {
		return &Error{Kind: Temporary}
	}
	e := &Error{Reply: vigie.Printable(said)}
	e.Code, _ = strconv.Atoi(digits)
	if enhanced := enhancedCode.FindStringSubmatch(said); enhanced != nil {
		e.Enhanced = enhanced[1]
	}
	e.Kind = classify(e.Code, e.Enhanced, e.Reply, at)
	return e
}
