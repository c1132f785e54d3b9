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
			remove = append(remove, "--secret", testSecret)
			if status, _, said := cli(remove...); status != 1 || !strings.Contains(said, "add --yes") {
				t.Errorf("delete, where nobody can be asked: %d %s", status, said)
			}
			const amounts = "1 watch, 2 addresses, 0 webhooks, 0 deliveries, 0 mails, 0 marked tenders"
			answered := func(answer string) *command {
				c := startWith(t, nil, func(p *process) { p.in, p.asks = strings.NewReader(answer), true }, append(slices.Clone(remove), "--database-url", database)...)
				<-c.ended
				if !strings.Contains(c.err.String(), `Erase the account of asked@example.org (subject "42" of the issuer "https://one.example") permanently, with `+amounts+"?") {
					t.Errorf("it asks: %s", c.err.String())
				}
				return c
			}
			for _, no := range []string{"", "y\n", "no\n"} {
				if c := answered(no); c.status != 1 || !strings.Contains(c.err.String(), "nothing was done") || c.out.String() != "" {
					t.Errorf("answered %q: %d %s%s", no, c.status, c.out.String(), c.err.String())
				}
			}
			if c := answered("yes\n"); c.status != 0 || c.out.String() != "The account was erased, with "+amounts+".\n" {
				t.Errorf("answered yes: %d %s%s", c.status, c.out.String(), c.err.String())
			}
			if status, _, said := cli(append(remove, "--yes")...); status != 1 || !strings.Contains(said, "no account") {
				t.Errorf("delete again: %d %s", status, said)
			}
			if status, out, _ := cli("account", "export", "--subject", "42"); status != 0 || !strings.Contains(out, "neighbour@example.org") || !strings.Contains(out, "Voirie") {
				t.Errorf("the neighbour: %d %s", status, out)
			}
		})
	}
}
