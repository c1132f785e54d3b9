package post

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"
)

// phase is how far a message got.
type phase int

const (
	sender    phase = iota // the greeting and the return path
	recipient              // the address
	start                  // the command that starts the message
	content                // the message itself
	end                    // the dot after it: what comes of it is unknown without a reply
)

// closing is the reply code of a server that closes the connection.
const closing = 421

// fromSend tells what the client's error means, and in which phase it came.
func fromSend(err error) (*Error, phase) {
	failed, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return temporary(err), sender
	}
	at := sender
	switch failed.Reason {
	case mail.ErrSMTPRcptTo:
		at = recipient
	case mail.ErrSMTPData:
		at = start
	case mail.ErrWriteContent:
		at = content
	case mail.ErrSMTPDataClose:
		at = end
	}
	e := fromReply(replyOf(failed), at)
	if e.Code == 0 {
		e.Err = err
		e.Unknown = at == end
	}
	return e, at
}

// fromDial tells what an error before the first message means. It is never
// about a message.
func fromDial(err error) *Error {
	e := temporary(err)
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		e = fromReply(fmt.Sprintf("%d %s", said.Code, said.Msg), sender)
		e.Err = err
	}
	return e
}

// replyOf returns what the server said. The client keeps it as text alone,
// quoted or not (that depends on the Go release), between words of its own.
func replyOf(failed *mail.SendError) string {
	said := strings.TrimPrefix(failed.Error(), failed.Reason.String()+": ")
	if code, rest, ok := strings.Cut(said, " "); ok {
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			if words, err := strconv.Unquote(quoted); err == nil {
				return code + " " + words
			}
		}
	}
	for _, after := range []string{", affected message ID: ", ", affected recipient(s): "} {
		if i := strings.LastIndex(said, after); i >= 0 {
			said = said[:i]
		}
	}
	return said
}

var (
	replyCode = regexp.MustCompile(`^[45][0-9]{2}\b`)
	// Of several lines, some servers put the enhanced code on the last alone.
	enhancedCode = regexp.MustCompile(`(?m)^(?:[45][0-9]{2}[ -])?([245]\.[0-9]{1,3}\.[0-9]{1,3})\b`)
)

// fromReply reads a server's reply. Without one, the code is 0.
func fromReply(said string, at phase) *Error {
	e := &Error{Kind: Temporary}
	if digits := replyCode.FindString(said); digits != "" {
		for _, digit := range digits {
			e.Code = e.Code*10 + int(digit-'0')
		}
		if enhanced := enhancedCode.FindStringSubmatch(said); enhanced != nil {
			e.Enhanced = enhanced[1]
		}
		e.Kind = kindOf(e.Code, e.Enhanced, at)
		e.Reply = strings.ToValidUTF8(strings.Join(strings.Fields(said), " "), "\uFFFD")
	}
	return e
}

// kindOf tells what a reply means for mail to come.
func kindOf(code int, enhanced string, at phase) Kind {
	switch {
	case code < 500 || strings.HasPrefix(enhanced, "4."):
		return Temporary
	case at == sender || code == 530 || code == 535 || code == 538:
		// It is us whom the server does not want: our settings or our name,
		// not this message.
		return Temporary
	case nobodyThere(enhanced):
		return ForAddress
	case at == recipient && enhanced == "" && (code == 550 || code == 551 || code == 553):
		return ForAddress
	}
	return ForMessage
}

// nobodyThere reports whether an enhanced code says that the address is none
// (RFC 3463 §3.2, RFC 7505): bad mailbox, bad system, bad syntax, moved,
// disabled, no mail at all.
func nobodyThere(enhanced string) bool {
	return slices.Contains([]string{"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, enhanced)
}
