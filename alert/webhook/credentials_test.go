package webhook_test

import (
	"strings"
	"testing"
	"time"

	"vigie/alert/webhook"
)

// Credentials open for the endpoint that they were sealed for, and for no other; whether that was under the first secret is
// said.
func TestCredentials(t *testing.T) {
	vault := func(secrets ...string) *webhook.Vault {
		v, err := webhook.NewVault(secrets)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	older, newer := strings.Repeat("a", 32), strings.Repeat("b", 32)
	c := webhook.Credentials{URL: "https://example.org/hooks", Secrets: []webhook.DatedSecret{{Secret: webhook.Secret(strings.Repeat("k", webhook.SecretSize))}}}
	sealed := c.Seal(vault(older), "webhook_1")
	if strings.Contains(sealed, "example") {
		t.Errorf("sealed: %s", sealed)
	}
	for name, test := range map[string]struct {
		vault         *webhook.Vault
		id            string
		opens, isLast bool
	}{
		"as it was":          {vault(older), "webhook_1", true, true},
		"under an older one": {vault(newer, older), "webhook_1", true, false},
		"another endpoint":   {vault(older), "webhook_2", false, false},
		"another secret":     {vault(newer), "webhook_1", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, current, err := webhook.OpenCredentials(test.vault, sealed, test.id)
			if (err == nil) != test.opens || current != test.isLast || test.opens && got.URL != c.URL {
				t.Errorf("%+v, %v, %v", got, current, err)
			}
		})
	}
}

// While two secrets overlap, both sign, the new one first; then the new one alone.
func TestRotate(t *testing.T) {
	secret := func(letter string) webhook.Secret { return webhook.Secret(strings.Repeat(letter, webhook.SecretSize)) }
	c := webhook.Credentials{Secrets: []webhook.DatedSecret{{Secret: secret("a")}}}
	start := now()
	c = c.Rotate(secret("b"), start, start.Add(2*time.Hour))
	c = c.Rotate(secret("c"), start.Add(time.Hour), start.Add(4*time.Hour))
	for after, want := range map[time.Duration]string{time.Hour: "cba", 3 * time.Hour: "cb", 5 * time.Hour: "c"} {
		got := ""
		for _, s := range c.Endpoint("webhook_1", webhook.Standard, start.Add(after)).Secrets {
			got += string(s[0])
		}
		if got != want {
			t.Errorf("after %v %s sign, not %s", after, got, want)
		}
	}
	if again := c.Rotate(secret("d"), start.Add(5*time.Hour), start.Add(5*time.Hour)); len(again.Secrets) != 1 {
		t.Errorf("without overlap %d secrets stay", len(again.Secrets))
	}
}
