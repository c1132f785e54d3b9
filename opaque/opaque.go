// Package opaque makes the ids and cursors that clients are given. They are
// stable, and reveal neither the number nor the order of what they name: numbers
// are shared by all accounts, so their steps would count what others do.
//
// An id is one block of AES, under a key of its kind: the number and eight zero
// bytes, so a random word is an id with a probability of 2^-64. A cursor is sealed
// with AES-GCM, under a nonce that is an HMAC of its content (the construction of
// SIV, RFC 5297): the same place has the same cursor.
package opaque

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"vigie"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Keys make ids and cursors, and read them. They are safe for several goroutines.
type Keys struct {
	// words has lower-case letters and digits alone, so that an id can be part of an
	// address, a header or a command line.
	words   *base32.Encoding
	kinds   map[vigie.Kind]cipher.Block
	cursors cipher.AEAD
	nonces  []byte
	old     int64
}

// New makes keys of a deployment's key. Earlier versions gave out numbers as they
// are: up to old, which is the last number that they gave out, these are still
// accepted. Beyond, they would let a client find the number of a thing by trying.
func New(key []byte, old int64) (*Keys, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("opaque: a key of %d bytes", len(key))
	}
	k := &Keys{
		words: base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding),
		kinds: make(map[vigie.Kind]cipher.Block), old: old,
	}
	for _, kind := range vigie.Kinds() {
		block, err := derive(key, "ids of kind "+string(kind))
		if err != nil {
			return nil, err
		}
		k.kinds[kind] = block
	}
	block, err := derive(key, "cursors")
	if err != nil {
		return nil, err
	}
	if k.cursors, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	k.nonces, err = hkdf.Key(sha256.New, key, nil, "vigie nonces of cursors", KeySize)
	return k, err
}

func derive(key []byte, use string) (cipher.Block, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "vigie "+use, KeySize)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(derived)
}

// RefuseOld has ids and cursors of earlier versions refused. It is for the start,
// before the keys are shared.
func (k *Keys) RefuseOld() { k.old = 0 }

// AcceptsOld reports whether a number is accepted in the form of earlier versions.
func (k *Keys) AcceptsOld(number int64) bool { return 0 < number && number <= k.old }

// ID is the id of a thing, such as watch_5c8s0n…: always the same one.
func (k *Keys) ID(kind vigie.Kind, number int64) string {
	return string(kind) + "_" + k.Word(kind, number)
}

// Word is an id without its kind.
func (k *Keys) Word(kind vigie.Kind, number int64) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(number))
	k.kinds[kind].Encrypt(b[:], b[:])
	return k.words.EncodeToString(b[:])
}

// Parse is the reverse of [Keys.ID]; ok is false for anything that ID does not
// make, and that no earlier version made. Such an id still has the kind that it
// names, and number 0: it can be looked for, which takes as long as any other.
func (k *Keys) Parse(id string) (kind vigie.Kind, number int64, ok bool) {
	if kind, number, ok = vigie.ParseGlobalID(id); ok {
		if !k.AcceptsOld(number) {
			return kind, 0, false
		}
		return kind, number, true
	}
	name, word, _ := strings.Cut(id, "_")
	kind = vigie.Kind(name)
	block := k.kinds[kind]
	if block == nil {
		return "", 0, false
	}
	b, err := k.words.DecodeString(word)
	if err != nil || len(b) != aes.BlockSize {
		return kind, 0, false
	}
	block.Decrypt(b, b)
	number = int64(binary.BigEndian.Uint64(b))
	// An id has one spelling: no bits are left over.
	if binary.BigEndian.Uint64(b[8:]) != 0 || number < 1 || k.ID(kind, number) != id {
		return kind, 0, false
	}
	return kind, number, true
}

// Cursor seals a place in a list. Its length is the content's.
func (k *Keys) Cursor(content []byte) string {
	nonce := k.nonce(content)
	return base64.RawURLEncoding.EncodeToString(k.cursors.Seal(nonce, nonce, content, nil))
}

// OpenCursor is the reverse of [Keys.Cursor]; ok is false for anything that
// Cursor does not make.
func (k *Keys) OpenCursor(cursor string) (content []byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if size := k.cursors.NonceSize(); err == nil && len(b) > size {
		content, err = k.cursors.Open(nil, b[:size], b[size:], nil)
		// The decoder skips line breaks.
		return content, err == nil && base64.RawURLEncoding.EncodeToString(b) == cursor
	}
	return nil, false
}

func (k *Keys) nonce(content []byte) []byte {
	mac := hmac.New(sha256.New, k.nonces)
	mac.Write(content)
	return mac.Sum(nil)[:k.cursors.NonceSize()]
}
