package post

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"vigie"
)

// compose checks a message and makes one that can be sent. Errors are
// [ForAddress] where the recipient's is none, else [ForMessage].
func (m Message) compose() (*mail.Msg, error) {
	if !vigie.IsAddress(m.To) {
		return nil, &Error{Kind: ForAddress, Err: fmt.Errorf("%q is no address to send to", m.To)}
	}
	if err := m.check(); err != nil {
		return nil, &Error{Kind: ForMessage, Err: err}
	}
	// Long texts of mixed languages stay readable in quoted-printable, and
	// lines short. The boundary follows from the ID so that an attempt repeats
	// the one before it to the byte.
	sum := sha256.Sum256([]byte(m.ID))
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP), mail.WithBoundary(hex.EncodeToString(sum[:16])))
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date)
	msg.FromMailAddress(&netmail.Address{Name: oneSpace(m.From.Name), Address: m.From.Address})
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	msg.EnvelopeFromMailAddress(&netmail.Address{Address: m.EnvelopeFrom})
	if m.ReplyTo != "" {
		msg.ReplyToMailAddress(&netmail.Address{Address: m.ReplyTo})
	}
	msg.Subject(literal(oneSpace(m.Subject)))
	for name, value := range m.Headers {
		msg.SetGenHeader(mail.Header(name), oneSpace(value))
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}

// check finds what cannot stand in a header.
func (m Message) check() error {
	switch {
	case !vigie.IsAddress(m.ID):
		return fmt.Errorf("%q is no Message-ID", m.ID)
	case !vigie.IsAddress(m.From.Address):
		return fmt.Errorf("%q is no address to send from", m.From.Address)
	case !vigie.IsAddress(m.EnvelopeFrom):
		return fmt.Errorf("%q is no return path", m.EnvelopeFrom)
	case m.ReplyTo != "" && !vigie.IsAddress(m.ReplyTo):
		return fmt.Errorf("%q is no address to reply to", m.ReplyTo)
	case !isLine(m.From.Name):
		return fmt.Errorf("the sender's name is not one short line: %q", m.From.Name)
	case !IsWritable(m.From):
		return fmt.Errorf("the sender's name cannot be written in a header: %q", m.From.Name)
	case !isLine(m.Subject):
		return fmt.Errorf("the subject is not one short line: %q", m.Subject)
	case m.Date.IsZero():
		return errors.New("the message has no date")
	}
	for name, value := range m.Headers {
		if !headerName.MatchString(name) || slices.ContainsFunc(ownHeaders(), func(own string) bool { return strings.EqualFold(name, own) }) {
			return fmt.Errorf("%q cannot be a further header", name)
		}
		if !isLine(value) || strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }) {
			return fmt.Errorf("header %s is not one short line of ASCII: %q", name, value)
		}
	}
	return nil
}

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,60}$`)

// maxHeader bounds a header's value, in bytes: lines stay below the 998 of RFC
// 5322 §2.1.1 even where there is no space to fold them at.
const maxHeader = 900

// ownHeaders are those that a message's other fields are for, and those that
// would change who gets it or what it is.
func ownHeaders() []string {
	return []string{
		"Message-ID", "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Return-Path", "Received", "MIME-Version",
		"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "DKIM-Signature",
	}
}

// IsWritable tells whether readers of an address, as a header has it, find what
// was written. Where a name has a backslash and is not ASCII they do not:
// net/mail leaves the backslash in an encoded word, against RFC 2047 §5 (3).
// Nor is it writable where the name could make a line too long: a quoted one
// may take twice its bytes, and has no place to be folded at.
func IsWritable(address netmail.Address) bool {
	_, err := netmail.ParseAddress(address.String())
	return err == nil && len(address.Name) <= maxHeader/2
}

// literal writes what looks like an encoded word of RFC 2047 so that readers
// find it as it was, and not what it would decode to. Beyond ASCII, the whole
// is encoded anyway.
func literal(s string) string {
	if !strings.Contains(s, "=?") || strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return s
	}
	var words []string
	for part := range slices.Chunk([]byte(s), 45) { // 75 characters a word, §2
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString(part)+"?=")
	}
	return strings.Join(words, " ")
}

func isLine(s string) bool {
	return len(s) <= maxHeader && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// oneSpace collapses spaces: a header is folded at them, and a line of spaces
// alone would look like the end of the headers.
func oneSpace(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
