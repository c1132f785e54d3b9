// Package link makes the words in links and return paths by which we know what
// whoever follows them may do: confirm an address, leave a watch, leave all,
// tell of a bounce; and, with the same keys, the hashes by which an address is
// known again that must not be written down. The secrets themselves have
// fingerprints, by which a database knows those that it was used with.
//
// They do not expire: mail is kept for years. One that was made for a purpose,
// a thing and an address opens nothing else, and who has a copy of the database
// cannot make one.
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

// Purpose is what a token is good for.
type Purpose byte

// The purposes, and whose id their tokens hold.
const (
	Confirm    Purpose = 'c' // of a recipient
	LeaveWatch Purpose = 'w' // of a subscription
	LeaveAll   Purpose = 'a' // of a recipient
	Bounce     Purpose = 'b' // of a mail
)

// Where the links of mails lead, before their tokens.
const (
	ConfirmPath = "/confirm/"
	LeavePath   = "/leave/"
)

// Keys make tokens and check them. They are safe for several goroutines.
type Keys struct {
	keys    [][]byte
	secrets []string // fingerprints
}

// MinSecret is how many characters a secret has at least.
const MinSecret = 32

// New makes keys of secrets: the first signs, all verify, so that one can be
// put in front and the old one kept for the mails that are out there. What is
// signed with a secret elsewhere is no token here.
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

// TokenLength is how many letters and digits a token has.
const TokenLength = (headSize + sumSize) * 8 / 5

// encoding has lower-case letters and digits alone: mail servers change the
// case of what stands in addresses.
func encoding() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// Token makes a token, of [TokenLength] letters and digits.
func (k *Keys) Token(p Purpose, id int64, address string) string {
	head := binary.BigEndian.AppendUint64([]byte{byte(p)}, uint64(id))
	return encoding().EncodeToString(append(head, sum(k.keys[0], head, address)...))
}

// sum binds what a token says to an address.
func sum(key, head []byte, address string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(head)
	mac.Write([]byte(strings.ToLower(address)))
	return mac.Sum(nil)[:sumSize]
}

// Fingerprints are hashes of an address by which it is known again and not
// read: the first is the first secret's.
func (k *Keys) Fingerprints(address string) []string {
	prints := make([]string, len(k.keys))
	for i, key := range k.keys {
		// No token begins so: its first byte is a purpose.
		prints[i] = encoding().EncodeToString(sum(key, []byte("fingerprint "), address))
	}
	return prints
}

// Secrets are fingerprints of the secrets, in their order. Nothing else that is
// made of a secret can be made of its fingerprint.
func (k *Keys) Secrets() []string { return slices.Clone(k.secrets) }

// Parse tells what a token says, which is not checked yet.
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
	// One token has one spelling but for case: no bits are left over.
	return raw, err == nil && len(raw) == headSize+sumSize && encoding().EncodeToString(raw) == strings.ToLower(token)
}

// Verify tells whether a token was made here, for an address.
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
