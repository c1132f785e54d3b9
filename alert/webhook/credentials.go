package webhook

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// Credentials are what is kept of an endpoint, encrypted.
type Credentials struct {
	URL string
	// Secrets sign, the latest first; none of a chat.
	Secrets []DatedSecret
}

// DatedSecret is a secret that signs until a time; nil for as long as it is not replaced.
type DatedSecret struct {
	Secret Secret
	Until  *time.Time
}

// purpose binds what is encrypted to one endpoint, of that public id.
func purpose(id string) string { return "credentials of " + id }

// Seal encrypts the credentials of an endpoint.
func (c Credentials) Seal(v *Vault, id string) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("webhook: credentials that are not JSON: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(v.Seal(text, purpose(id)))
}

// OpenCredentials is the reverse of [Credentials.Seal]; current is what [Vault.Current] says.
func OpenCredentials(v *Vault, sealed, id string) (c Credentials, current bool, err error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return c, false, err
	}
	text, err := v.Open(raw, purpose(id))
	if err != nil {
		return c, false, err
	}
	return c, v.Current(raw, purpose(id)), json.Unmarshal(text, &c)
}

// Rotate puts a secret in front; those before it sign until a time, those that have ended are gone.
func (c Credentials) Rotate(s Secret, now, until time.Time) Credentials {
	rotated := Credentials{URL: c.URL, Secrets: []DatedSecret{{Secret: s}}}
	for _, old := range c.Secrets {
		if old.Until == nil || old.Until.After(until) {
			old.Until = &until
		}
		if old.Until.After(now) {
			rotated.Secrets = append(rotated.Secrets, old)
		}
	}
	return rotated
}

// Endpoint returns the endpoint of that public id, with the secrets that sign at a time.
func (c Credentials) Endpoint(id string, f Format, now time.Time) Endpoint {
	e := Endpoint{ID: id, URL: c.URL, Format: f}
	for _, s := range c.Secrets {
		if s.Until == nil || s.Until.After(now) {
			e.Secrets = append(e.Secrets, s.Secret)
		}
	}
	return e
}
