package post

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/emersion/go-message"

	"vigie"
)

// Bounce is a later mail server's report about a message.
type Bounce struct {
	// Token is the token that [ReturnPath] put into the address that the bounce came to, "" if there is none. It
	// alone identifies the message: anybody can write the rest of a bounce.
	Token string
	// Recipient is the address that the bounce is about, as the bounce writes it.
	Recipient string
	// MessageID is the message's, without angle brackets, "" where the bounce does not repeat it.
	MessageID string
	// Kind is what this means for later mail. A bounce that only reports a delay is [Temporary].
	Kind Kind
	// Action is what happened to the message, "failed" or "delayed"; Status is the enhanced status code (RFC 3463),
	// Diagnostic the last server's reply, if any.
	Action, Status, Diagnostic string
}

// ErrNotBounce is returned for a mail that is not a delivery status notification:
// an automatic reply, news of an arrival, junk, a person's answer.
var ErrNotBounce = errors.New("post: not a bounce")

// maxBounce is the most bytes that are read of a bounce, which may repeat the whole message.
const maxBounce = 4 << 20

// ReturnPath puts a token into an address, as bounces+TOKEN@host: a bounce to it then identifies its message (VERP).
// Servers may change the case of letters; tokens of lower-case letters and digits survive that.
func ReturnPath(address, token string) string {
	local, host, _ := strings.Cut(address, "@")
	return local + "+" + token + "@" + host
}

// ParseBounce parses a mail that came to a return path. Its error is [ErrNotBounce] or that of r.
func ParseBounce(r io.Reader, ours func(token string) bool) (Bounce, error) {
	// A malformed mail is not a bounce; one that cannot be read may be one.
	whole, err := io.ReadAll(io.LimitReader(r, maxBounce))
	if err != nil {
		return Bounce{}, err
	}
	report, err := message.Read(bytes.NewReader(withoutSeparator(whole)))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return Bounce{}, ErrNotBounce
	}
	kind, parameters, err := report.Header.ContentType()
	if err != nil || kind != "multipart/report" || !strings.EqualFold(parameters["report-type"], "delivery-status") {
		return Bounce{}, ErrNotBounce
	}
	b := Bounce{Token: token(&report.Header, ours)}
	found := false
	parts := report.MultipartReader()
	for {
		// A report that was cut short may still hold enough.
		part, err := parts.NextPart()
		if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			break
		}
		kind, _, _ := part.Header.ContentType()
		switch strings.ToLower(kind) {
		case "message/delivery-status", "message/global-delivery-status":
			found = b.readStatus(part.Body) || found
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			b.readOriginal(part.Body)
		}
	}
	if !found {
		return Bounce{}, ErrNotBounce
	}
	return b, nil
}

// withoutSeparator is a mail without the line that begins it in a mailbox, and that pipes of mail servers put before it, too
// (RFC 4155).
func withoutSeparator(mail []byte) []byte {
	if !bytes.HasPrefix(mail, []byte("From ")) {
		return mail
	}
	_, mail, _ = bytes.Cut(mail, []byte("\n"))
	return mail
}

// token returns the token in the addresses that the bounce was sent to. The address that the receiving server
// recorded comes before the one that the sender wrote. A mailbox on the way may have a plus of its own: the token is
// the first that is ours.
func token(h *message.Header, ours func(token string) bool) string {
	for _, name := range []string{"X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To"} {
		for fields := h.FieldsByKey(name); fields.Next(); {
			list, err := mail.ParseAddressList(fields.Value())
			if err != nil {
				continue
			}
			for _, address := range list {
				local := address.Address[:max(strings.LastIndex(address.Address, "@"), 0)]
				if plus := strings.LastIndex(local, "+"); plus >= 0 && ours(local[plus+1:]) {
					return local[plus+1:]
				}
			}
		}
	}
	return ""
}

// readStatus reads groups of fields, the first about the message, the others each about one recipient (RFC 3464
// §2.1). It keeps the first recipient that failed, else the first that is delayed; those that were delivered are
// ignored.
func (b *Bounce) readStatus(r io.Reader) (found bool) {
	lines := textproto.NewReader(bufio.NewReader(r))
	for {
		fields, err := lines.ReadMIMEHeader()
		switch action := strings.ToLower(word(fields.Get("Action"))); {
		case action == "failed" && b.Action != "failed", action == "delayed" && b.Action == "":
			b.Action, b.Status = action, word(fields.Get("Status"))
			b.Recipient = cmp.Or(typed(fields.Get("Original-Recipient")), typed(fields.Get("Final-Recipient")))
			b.Diagnostic = typed(fields.Get("Diagnostic-Code"))
			b.Kind = b.kind()
			found = true
		}
		if err != nil {
			return found
		}
	}
}

// kind returns what a bounce is about. The failure is final: the server that gave up will not try again.
func (b *Bounce) kind() Kind {
	if b.Action != "failed" || !strings.HasPrefix(b.Status, "5.") {
		return Temporary
	}
	status := b.Status
	said := fromReply(b.Diagnostic, end)
	if status == "5.0.0" || status == "5.0" {
		// The server that gave up gave no status of its own, but may quote one.
		status = said.Enhanced
	}
	switch kind := classify(max(said.Code, 500), status, b.Diagnostic, end); kind {
	case ForAddress, ForSender:
		return kind
	case Temporary, ForMessage:
	}
	return ForMessage
}

// readOriginal reads the headers of the message that the bounce is about.
func (b *Bounce) readOriginal(r io.Reader) {
	// Headers that were cut short are still used.
	headers, _ := textproto.NewReader(bufio.NewReader(r)).ReadMIMEHeader()
	if id := strings.Trim(strings.TrimSpace(headers.Get("Message-Id")), "<>"); vigie.IsAddress(id) {
		b.MessageID = id
	}
}

// word returns the first word of a field; comments may follow it.
func word(s string) string {
	first, _, _ := strings.Cut(vigie.Printable(s), " ")
	return first
}

// typed returns a field's value without its type: "rfc822; a@b.example", "smtp; 550 no such user".
func typed(s string) string {
	_, value, _ := strings.Cut(s, ";")
	return vigie.Printable(value)
}
