// Package link makes the tokens in links, return paths and addresses of feeds. A token says what who has it may do:
// confirm an address, leave a watch, leave all watches, stop reminders, dismiss a tender, report a bounce, read a feed or a calendar. With the same keys the package makes hashes
// of addresses, by which an erased address can be recognised, and fingerprints of the secrets, by which a database
// recognises the secrets that it was used with.
//
// Tokens do not expire: people keep mail for years. What should end, such as dismissing a tender, ends by what is stored of
// its id. A token is valid for one purpose, one id and one address only (of a
// feed: one version of its address), and a copy of the database is not enough to make one. Nor does a token reveal the id that it holds: ids count what
// all accounts do.
package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"net/url"
	"slices"
	"strings"

	"vigie"
)

// Purpose is what a token permits.
type Purpose byte

// The purposes, with the id that their tokens hold.
const (
	Confirm    Purpose = 'c' // of a recipient
	LeaveWatch Purpose = 'w' // of a subscription
	LeaveAll   Purpose = 'a' // of a recipient
	Bounce     Purpose = 'b' // of a mail

	// Feeds and calendars, of a watch or of all watches of an account. In place of an address their tokens are for a
	// version, which rises when their owner replaces the address.
	WatchFeed       Purpose = 'f' // of a watch
	AccountFeed     Purpose = 'F' // of an account
	WatchCalendar   Purpose = 'd' // of a watch
	AccountCalendar Purpose = 'D' // of an account

	// StopReminders is of a recipient, whose address is its account's own.
	StopReminders Purpose = 'r'

	// Dismiss is of a delivery, which names the account and the tender. Its page refuses it some time after its mail was sent.
	Dismiss Purpose = 'x'

	// ConfirmWebhook is of a webhook, whose public id stands for the address.
	ConfirmWebhook Purpose = 'h'
)

// The paths of links and addresses, before their tokens.
const (
	ConfirmPath  = "/confirm/"
	LeavePath    = "/leave/"
	DismissPath  = "/dismiss/"
	FeedPath     = "/feeds/"
	CalendarPath = "/calendars/"
	WebhookPath  = "/webhook/"
)

// Keys make tokens and check them. They are safe for concurrent use.
type Keys struct {
	keys    []key
	secrets []string // fingerprints
}

// key is what is derived from one secret.
type key struct {
	sign []byte
	// mask hides the content of tokens; mark, which precedes it, distinguishes most keys.
	mask cipher.Block
	mark byte
}

// sealed is set in the first byte of a token whose content is masked. Earlier versions wrote the purpose there, which
// is a letter.
const sealed = 0x80

// MinSecret is the fewest characters that a secret may have.
const MinSecret = 32

// New makes keys from secrets: the first signs, all verify. So a new secret can be put in front, and the old one kept
// for the mails that were sent with it. What other code signs with a secret is never a valid token.
func New(secrets []string) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("link: no secret")
	}
	k := &Keys{}
	for _, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, errors.New("link: a secret has at least 32 characters")
		}
		key, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		print, err := hkdf.Key(sha256.New, []byte(secret), nil, "vigie fingerprint of a secret", sumSize)
		if err != nil {
			return nil, err
		}
		k.keys, k.secrets = append(k.keys, key), append(k.secrets, encoding.EncodeToString(print))
	}
	return k, nil
}

func newKey(secret string) (k key, err error) {
	if k.sign, err = hkdf.Key(sha256.New, []byte(secret), nil, "vigie links in mail", sha256.Size); err != nil {
		return k, err
	}
	mask, err := hkdf.Key(sha256.New, []byte(secret), nil, "vigie numbers in links", sha256.Size+1)
	if err != nil {
		return k, err
	}
	k.mark = mask[sha256.Size] | sealed
	k.mask, err = aes.NewCipher(mask[:sha256.Size])
	return k, err
}

const (
	headSize = 9  // a mark, the purpose and the id
	sumSize  = 16 // 128 bits
)

// TokenLength is the number of letters and digits of a token.
const TokenLength = (headSize + sumSize) * 8 / 5

// encoding uses lower-case letters and digits only: mail servers change the case of addresses.
var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// maxID is more than any id. A token that was masked with another key is unlikely to hold less.
const maxID = 1 << 44

// Token returns a token of [TokenLength] letters and digits.
func (k *Keys) Token(p Purpose, id int64, address string) string {
	key, content := k.keys[0], uint64(p)<<56|uint64(id)
	sum := sum(key.sign, sealedHead(content), address)
	raw := binary.BigEndian.AppendUint64([]byte{key.mark}, content^key.stream(sum))
	return encoding.EncodeToString(append(raw, sum...))
}

// sealedHead is what the sum of a token that hides its content is over. No other
// begins so: with the sum of one, nobody can try numbers in the form of another.
func sealedHead(content uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{sealed}, content)
}

// stream is what hides the content of the token with a sum: as in SIV (RFC 5297),
// no two have the same unless they are the same.
func (k key) stream(sum []byte) uint64 {
	var b [aes.BlockSize]byte
	k.mask.Encrypt(b[:], sum)
	return binary.BigEndian.Uint64(b[:])
}

// sum binds the content of a token to an address.
func sum(key, head []byte, address string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(head)
	mac.Write([]byte(vigie.AddressKey(address)))
	return mac.Sum(nil)[:sumSize]
}

// Fingerprints returns hashes of an address, which recognise it without revealing it: one for each secret, the first
// secret's first.
func (k *Keys) Fingerprints(address string) []string {
	prints := make([]string, len(k.keys))
	for i, key := range k.keys {
		// No token begins like this: its first byte is a purpose, or not a letter.
		prints[i] = encoding.EncodeToString(sum(key.sign, []byte("fingerprint "), address))
	}
	return prints
}

// Secrets returns the fingerprints of the secrets, in their order. A fingerprint cannot replace its secret in any
// use.
func (k *Keys) Secrets() []string { return slices.Clone(k.secrets) }

// Parse returns the content of a token, which is not verified yet.
func (k *Keys) Parse(token string) (p Purpose, id int64, ok bool) {
	p, id, _, ok = k.open(token)
	return p, id, ok
}

// open returns the content of a token, and what its sum is over.
func (k *Keys) open(token string) (p Purpose, id int64, head []byte, ok bool) {
	raw, ok := decode(token)
	if !ok {
		return 0, 0, nil, false
	}
	if raw[0]&sealed == 0 {
		p, id = Purpose(raw[0]), int64(binary.BigEndian.Uint64(raw[1:headSize]))
		return p, id, raw[:headSize], p.known() && id > 0
	}
	for _, key := range k.keys {
		content := binary.BigEndian.Uint64(raw[1:headSize]) ^ key.stream(raw[headSize:])
		p, id = Purpose(content>>56), int64(content&(1<<56-1))
		if key.mark == raw[0] && p.known() && 0 < id && id < maxID {
			return p, id, sealedHead(content), true
		}
	}
	return 0, 0, nil, false
}

func (p Purpose) known() bool {
	switch p {
	case Confirm, LeaveWatch, LeaveAll, Bounce, WatchFeed, AccountFeed, WatchCalendar, AccountCalendar, ConfirmWebhook, Dismiss, StopReminders:
		return true
	}
	return false
}

func decode(token string) ([]byte, bool) {
	raw, err := encoding.DecodeString(strings.ToLower(token))
	// Each token has one spelling, except for case: no bits are left over.
	return raw, err == nil && len(raw) == headSize+sumSize && encoding.EncodeToString(raw) == strings.ToLower(token)
}

// Verify reports whether a token was made with one of the keys, for an address.
func (k *Keys) Verify(token, address string) bool {
	raw, _ := decode(token)
	_, _, head, ok := k.open(token)
	if !ok {
		return false
	}
	good := false
	for _, key := range k.keys {
		good = hmac.Equal(sum(key.sign, head, address), raw[headSize:]) || good
	}
	return good
}

// Fill puts values into a page's URL, in place of their names: "{watchId}", the id, and so on.
func Fill(address string, values ...string) string {
	for i := 0; i < len(values); i += 2 {
		address = strings.ReplaceAll(address, values[i], url.PathEscape(values[i+1]))
	}
	return address
}
