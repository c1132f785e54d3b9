package post

import (
	"errors"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
)

// phase is how far a message got.
type phase int

const (
	connecting phase = iota // the greeting, TLS, the login
	sender                  // MAIL, with the return path
	recipient               // RCPT, with the address
	start                   // DATA
	content                 // the message itself
	end                     // the dot after it: what comes of it is unknown without a reply
)

const (
	// closing is the reply code of a server that closes the connection.
	closing = 421
	// badSequence is that of one that did not expect the command.
	badSequence = 503
)

// fromTransaction tells what a failure means that came in a phase of a message's
// transaction. What comes before its recipient is named concerns all mail, save
// that SMTPUTF8 is asked for because of the recipient.
func fromTransaction(err error, at phase, e *envelope) *Error {
	failure := fromError(err, at)
	if errors.Is(err, errNoUTF8) {
		failure.Kind = ForAddress
	}
	failure.AllMail = at == sender && !e.utf8
	failure.Unknown = at == end && failure.Code == 0
	return failure
}

// errNoUTF8 is why mail for addresses that are not ASCII cannot leave (RFC 6531
// §3.2).
var errNoUTF8 = errors.New("the mail server takes no addresses that are not ASCII: it does not offer SMTPUTF8")

// fromDial tells what an error before the first message means.
func fromDial(err error) *Error {
	failure := fromError(err, connecting)
	failure.Err, failure.AllMail = err, true
	return failure
}

// fromError reads the server's reply from an error, if it is one.
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
	// An enhanced code begins a line: elsewhere it may be an IP address. Of
	// several lines, some servers put it on the last alone. qmail puts it in
	// brackets.
	enhancedCode = regexp.MustCompile(`(?m)(?:^(?:[45][0-9]{2}[ -])?|\(#)([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s:,;)-]|$)`)
)

// fromReply reads a server's reply. Without one, the code is 0.
func fromReply(said string, at phase) *Error {
	digits := replyCode.FindString(said)
	if digits == "" {
		return &Error{Kind: Temporary}
	}
	e := &Error{Reply: strings.ToValidUTF8(strings.Join(strings.Fields(said), " "), "\uFFFD")}
	e.Code, _ = strconv.Atoi(digits)
	if enhanced := enhancedCode.FindStringSubmatch(said); enhanced != nil {
		e.Enhanced = enhanced[1]
	}
	e.Kind = classify(e.Code, e.Enhanced, e.Reply, at)
	return e
}
