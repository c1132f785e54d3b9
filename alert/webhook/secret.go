package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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

// signatures signs a message with each secret, by Standard Webhooks: the HMAC of id, timestamp and body, with a version in
// front.
func signatures(secrets []Secret, id, timestamp string, body []byte) string {
	list := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		list[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(list, " ")
}
