package webhook

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// Secret is the key that signs the messages to an endpoint. Its owner gets it once, as [Secret.Text] writes it.
type Secret []byte

// SecretSize is how many bytes new secrets have. Standard Webhooks asks for 24 to 64.
const SecretSize = 32

const secretPrefix = "whsec_"

// NewSecret draws a secret.
func NewSecret(random io.Reader) (Secret, error) {
	s := make(Secret, SecretSize)
	_, err := io.ReadFull(random, s)
	return s, err
}

// Text writes the secret as integrators know it: whsec_, and Base64.
func (s Secret) Text() string { return secretPrefix + base64.StdEncoding.EncodeToString(s) }

// String hides the secret from logs and errors.
func (s Secret) String() string { return secretPrefix + "…" }

// ParseSecret is the reverse of [Secret.Text].
func ParseSecret(text string) (Secret, error) {
	s, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || !strings.HasPrefix(text, secretPrefix) || len(s) < 24 || len(s) > 64 {
		return nil, errors.New("webhook: not a secret")
	}
	return s, nil
}

// Vault encrypts what databases hold of endpoints, so that a copy of a database is not enough to sign in our name. Its
// keys are derived from the deployment's secrets: the first encrypts, all decrypt. It is safe for concurrent use.
type Vault struct{}

// NewVault makes a vault from the deployment's secrets.
func NewVault(secrets []string) (*Vault, error) { return nil, errors.New("to come") }

// Seal encrypts a value for one purpose and one endpoint, such as "secret webhook_…": it opens for no other.
func (v *Vault) Seal(value []byte, purpose string) []byte { return nil }

// Open is the reverse of [Vault.Seal].
func (v *Vault) Open(sealed []byte, purpose string) ([]byte, error) {
	return nil, errors.New("to come")
}

// Current reports whether a value is encrypted under the first secret. Others are to be sealed again before their secret
// is taken off the list.
func (v *Vault) Current(sealed []byte) bool { return false }
