package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// TestAccountCommands: the back office prints and erases what is held of a
// person, and of that person alone.
func TestAccountCommands(t *testing.T) {
	for name, open := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			database := adopted(t, open(t))
			s, err := store.Open(t.Context(), database, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, who := range []store.Claims{
				{Issuer: "https://one.example", Subject: "42", Email: "asked@example.org", EmailVerified: true},
				{Issuer: "https://two.example", Subject: "42", Email: "neighbour@example.org", EmailVerified: true},
			} {
				account, err := s.SignIn(t.Context(), who)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.CreateWatch(t.Context(), account, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, []string{"third@example.org"}); err != nil {
					t.Fatal(err)
				}
			}
			cli := func(args ...string) (int, string, string) {
				c := run(t, nil, "", append(slices.Clone(args), "--database-url", database)...)
				return c.status, c.out.String(), c.err.String()
			}
			if status, _, said := cli("account", "export", "--subject", "42"); status != 1 || !strings.Contains(said, "--issuer") {
				t.Errorf("two persons of one subject: %d %s", status, said)
			}
			status, out, said := cli("account", "export", "--subject", "42", "--issuer", "https://one.example")
			var exported store.Export
			if err := json.Unmarshal([]byte(out), &exported); status != 0 || err != nil {
				t.Fatalf("export: %d %s %v", status, said, err)
			}
			if len(exported.Watches) != 1 || len(exported.Addresses) != 2 || exported.Account.Email != "asked@example.org" || strings.Contains(out, "neighbour") {
				t.Errorf("the export: %s", out)
			}
			remove := []string{"account", "delete", "--subject", "42", "--issuer", "https://one.example"}
			if status, _, _ := cli(remove...); status == 0 {
				t.Error("erased without the secret that hides addresses")
			}
			if status, _, said := cli(append(remove, "--secret", testSecret)...); status != 0 {
				t.Fatalf("delete: %d %s", status, said)
			}
			if status, _, said := cli(append(remove, "--secret", testSecret)...); status != 1 || !strings.Contains(said, "no account") {
				t.Errorf("delete again: %d %s", status, said)
			}
			if status, out, _ := cli("account", "export", "--subject", "42"); status != 0 || !strings.Contains(out, "neighbour@example.org") || !strings.Contains(out, "Voirie") {
				t.Errorf("the neighbour: %d %s", status, out)
			}
		})
	}
}
