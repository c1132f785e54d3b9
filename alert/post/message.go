package post

import (
	"bytes"
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

	"vigie/address"
)

// envelope is a message as it is handed to a server.
type envelope struct {
	from, to string
	// utf8 reports whether the server must support SMTPUTF8, because of the recipient's address: everything else is
	// ASCII.
	utf8    bool
	content []byte
}

// compose checks a message and writes it as it is sent. Errors are [ForAddress] if the recipient's address is not
// valid; all others are faults on our side, [ForSender].
func (m Message) compose() (*envelope, error) {
	to, ok := address.Parse(m.To)
	if !ok {
		return nil, &Error{Kind: ForAddress, Err: fmt.Errorf("%q is not a valid address", m.To)}
	}
	m.To = to.Text
	if err := m.canonicalise(); err != nil {
		return nil, &Error{Kind: ForSender, Err: err}
	}
	if err := m.check(); err != nil {
		return nil, &Error{Kind: ForSender, Err: err}
	}
	e := &envelope{from: m.EnvelopeFrom, to: m.To, utf8: to.UTF8}
	var content bytes.Buffer
	content.Grow(len(m.Text) + len(m.HTML) + spare)
	if _, err := m.write().WriteTo(&content); err != nil {
		return nil, &Error{Kind: ForSender, Err: err}
	}
	e.content = content.Bytes()
	return e, nil
}

// spare is room for what is written of a message beside its texts, in bytes.
const spare = 4 << 10

// write formats a message that was checked.
func (m Message) write() *mail.Msg {
	// Quoted-printable keeps long texts of mixed languages readable, and lines short. The boundary is made from the
	// ID, so that two attempts send the same bytes.
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
	if m.InReplyTo != "" {
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+m.InReplyTo+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+m.InReplyTo+">")
	}
	msg.Subject(literal(oneSpace(m.Subject)))
	for name, value := range m.Headers {
		msg.SetGenHeader(mail.Header(name), oneSpace(value))
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg
}

// canonicalise writes our addresses as mail servers have them. The part before the at sign must be ASCII: otherwise
// no server without SMTPUTF8 would take any mail.
func (m *Message) canonicalise() error {
	for what, text := range map[string]*string{
		"Message-ID": &m.ID, "address to send from": &m.From.Address, "return path": &m.EnvelopeFrom, "address to reply to": &m.ReplyTo,
		"Message-ID to follow": &m.InReplyTo,
	} {
		if (text == &m.ReplyTo || text == &m.InReplyTo) && *text == "" {
			continue
		}
		a, ok := address.Parse(*text)
		if !ok || a.UTF8 {
			return fmt.Errorf("%q is not a valid %s", *text, what)
		}
		*text = a.Text
	}
	return nil
}

// check refuses what a header cannot contain.
func (m Message) check() error {
	switch {
	case !isLine(m.From.Name):
		return fmt.Errorf("the sender's name is not a single short line: %q", m.From.Name)
	case !IsWritable(m.From):
		return fmt.Errorf("the sender's name cannot be written in a header: %q", m.From.Name)
	case !isLine(m.Subject):
		return fmt.Errorf("the subject is not a single short line: %q", m.Subject)
	case m.Date.IsZero():
		return errors.New("the message has no date")
	}
	for name, value := range m.Headers {
		if !headerName.MatchString(name) || slices.ContainsFunc(ownHeaders(), func(own string) bool { return strings.EqualFold(name, own) }) {
			return fmt.Errorf("%q cannot be a further header", name)
		}
		if !isLine(value) || strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }) {
			return fmt.Errorf("header %s is not a single short line of ASCII: %q", name, value)
		}
	}
	return nil
}

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,60}$`)

// maxHeader is the most bytes of a header's value: lines stay below the 998 of RFC 5322 §2.1.1 even without a space
// to fold them at.
const maxHeader = 900

// ownHeaders are the headers that other fields of a message set, and those that would change its recipients or its
// kind.
func ownHeaders() []string {
	return []string{
		"Message-ID", "In-Reply-To", "References", "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Return-Path", "Received", "MIME-Version",
		"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "DKIM-Signature",
	}
}

// IsWritable reports whether mail programs show an address in a header as it was written. They do not if the name has
// a backslash and is not ASCII: net/mail leaves the backslash in an encoded word, against RFC 2047 §5 (3). It is not
// writable either if the name could make a line too long: a quoted one may take twice its bytes, and cannot be
// folded.
func IsWritable(address netmail.Address) bool {
	_, err := netmail.ParseAddress(address.String())
	return err == nil && len(address.Name) <= maxHeader/2
}

// literal encodes a text that looks like an encoded word of RFC 2047, so that mail programs show it as it was and do
// not decode it. A text that is not ASCII is encoded anyway.
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

// oneSpace collapses spaces: a header is folded at them, and a line of spaces alone would look like the end of the
// headers.
func oneSpace(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
