// Package link makes the tokens in links and return paths. A token says what the person who follows it may do:
// confirm an address, leave a watch, leave all watches, report a bounce. With the same keys the package makes hashes
// of addresses, by which an erased address can be recognised, and fingerprints of the secrets, by which a database
// recognises the secrets that it was used with.
//
// Tokens do not expire: people keep mail for years. A token is valid for one purpose, one id and one address only,
// and a copy of the database is not enough to make one.
package link

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Purpose is what a token permits.
type Purpose byte

// The purposes, with the id that their tokens hold.
const (
	Confirm    Purpose = 'c' // of a recipient
	LeaveWatch Purpose = 'w' // of a subscription
	LeaveAll   Purpose = 'a' // of a recipient
	Bounce     Purpose = 'b' // of a mail
)

// The paths of the links in mails, before their tokens.
const (
	ConfirmPath = "/confirm/"
	LeavePath   = "/leave/"
)

// Keys make tokens and check them. They are safe for concurrent use.
type Keys struct {
	keys    [][]byte
	secrets []string // fingerprints
}

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
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, "vigie links in mail", sha256.Size)
		if err != nil {
			return nil, err
		}
		print, err := hkdf.Key(sha256.New, []byte(secret), nil, "vigie fingerprint of a secret", sumSize)
		if err != nil {
			return nil, err
		}
		k.keys, k.secrets = append(k.keys, key), append(k.secrets, encoding().EncodeToString(print))
	}
	return k, nil
}

const (
	headSize = 9  // purpose and id
	sumSize  = 16 // 128 bits
)

// TokenLength is the number of letters and digits of a token.
const TokenLength = (headSize + sumSize) * 8 / 5

// encoding uses lower-case letters and digits only: mail servers change the case of addresses.
func encoding() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// Token returns a token of [TokenLength] letters and digits.
func (k *Keys) Token(p Purpose, id int64, address string) string {
	head := binary.BigEndian.AppendUint64([]byte{byte(p)}, uint64(id))
	return encoding().EncodeToString(append(head, sum(k.keys[0], head, address)...))
}

// sum binds the content of a token to an address.
func sum(key, head []byte, address string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(head)
	mac.Write([]byte(strings.ToLower(address)))
	return mac.Sum(nil)[:sumSize]
}

// Fingerprints returns hashes of an address, which recognise it without revealing it: one for each secret, the first
// secret's first.
func (k *Keys) Fingerprints(address string) []string {
	prints := make([]string, len(k.keys))
	for i, key := range k.keys {
		// No token begins like this: its first byte is a purpose.
		prints[i] = encoding().EncodeToString(sum(key, []byte("fingerprint "), address))
	}
	return prints
}

// Secrets returns the fingerprints of the secrets, in their order. A fingerprint cannot replace its secret in any
// use.
func (k *Keys) Secrets() []string { return slices.Clone(k.secrets) }

// Parse returns the content of a token, which is not verified yet.
func Parse(token string) (p Purpose, id int64, ok bool) {
	raw, ok := decode(token)
	if !ok {
		return 0, 0, false
	}
	p, id = Purpose(raw[0]), int64(binary.BigEndian.Uint64(raw[1:headSize]))
	switch p {
	case Confirm, LeaveWatch, LeaveAll, Bounce:
		return p, id, id > 0
	}
	return 0, 0, false
}

func decode(token string) ([]byte, bool) {
	raw, err := encoding().DecodeString(strings.ToLower(token))
	// Each token has one spelling, except for case: no bits are left over.
	return raw, err == nil && len(raw) == headSize+sumSize && encoding().EncodeToString(raw) == strings.ToLower(token)
}

// Verify reports whether a token was made with one of the keys, for an address.
func (k *Keys) Verify(token, address string) bool {
	raw, ok := decode(token)
	if !ok {
		return false
	}
	good := false
	for _, key := range k.keys {
		good = hmac.Equal(sum(key, raw[:headSize], address), raw[headSize:]) || good
	}
	return good
}
