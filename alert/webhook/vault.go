package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// Vault encrypts what databases hold of endpoints, so that a copy of a database is not enough to sign in our name. Its
// keys are derived from the deployment's secrets: the first encrypts, all decrypt. It is safe for concurrent use.
type Vault struct{ keys []vaultKey }

// vaultKey is what is derived from one secret.
type vaultKey struct {
	aead cipher.AEAD
	// nonces makes nonces of what is encrypted: as in SIV (RFC 5297), two values have the same one only if they are the
	// same, so nothing has to be drawn. mark, which precedes them, distinguishes most keys.
	nonces []byte
	mark   byte
}

// NewVault makes a vault from the deployment's secrets.
func NewVault(secrets []string) (*Vault, error) {
	if len(secrets) == 0 {
		return nil, errors.New("webhook: no secret")
	}
	v := &Vault{}
	for _, secret := range secrets {
		key, err := newVaultKey(secret)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, key)
	}
	return v, nil
}

func newVaultKey(secret string) (vaultKey, error) {
	const size = 32
	derived, err := hkdf.Key(sha256.New, []byte(secret), nil, "vigie secrets of webhooks", 2*size+1)
	if err != nil {
		return vaultKey{}, err
	}
	block, err := aes.NewCipher(derived[:size])
	if err != nil {
		return vaultKey{}, err
	}
	aead, err := cipher.NewGCM(block)
	return vaultKey{aead, derived[size : 2*size], derived[2*size]}, err
}

// Seal encrypts a value for one purpose, such as "secret of webhook_…": it opens for no other.
func (v *Vault) Seal(value []byte, purpose string) []byte {
	key := v.keys[0]
	mac := hmac.New(sha256.New, key.nonces)
	mac.Write([]byte(purpose + "\x00"))
	mac.Write(value)
	nonce := mac.Sum(nil)[:key.aead.NonceSize()]
	return key.aead.Seal(append([]byte{key.mark}, nonce...), nonce, value, []byte(purpose))
}

// Open is the reverse of [Vault.Seal]. It fails where the secret that encrypted the value is no longer on the list.
func (v *Vault) Open(sealed []byte, purpose string) ([]byte, error) {
	for _, key := range v.keys {
		if value, ok := key.open(sealed, purpose); ok {
			return value, nil
		}
	}
	return nil, errors.New("webhook: sealed for something else, or under another secret")
}

// Current reports whether a value is encrypted under the first secret. Others are to be sealed again before their secret
// is taken off the list.
func (v *Vault) Current(sealed []byte, purpose string) bool {
	_, ok := v.keys[0].open(sealed, purpose)
	return ok
}

func (k vaultKey) open(sealed []byte, purpose string) ([]byte, bool) {
	head := 1 + k.aead.NonceSize()
	if len(sealed) < head || sealed[0] != k.mark {
		return nil, false
	}
	value, err := k.aead.Open(nil, sealed[1:head], sealed[head:], []byte(purpose))
	return value, err == nil
}
