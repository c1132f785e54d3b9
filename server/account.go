package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vigie"
	"vigie/store"
)

// accountSettings say which account a command of the back office is about.
type accountSettings struct {
	databaseSettings
	Subject string `help:"The subject of the person's tokens." required:"" type:"name" placeholder:"SUBJECT"`
	Issuer  string `help:"The issuer of the person's tokens; needed only if the database knows several." type:"issuer" placeholder:"URL"`
}

// among finds the account.
func (a accountSettings) among(ctx context.Context, s *store.Store) (*vigie.Account, error) {
	accounts, err := s.AccountsOf(ctx, a.Subject)
	if err != nil {
		return nil, err
	}
	accounts = slices.DeleteFunc(accounts, func(account *vigie.Account) bool { return a.Issuer != "" && account.Issuer != a.Issuer })
	switch len(accounts) {
	case 0:
		return nil, fmt.Errorf("no account has the subject %q", a.Subject)
	case 1:
		return accounts[0], nil
	}
	return nil, fmt.Errorf("%d issuers know a subject %q: set --issuer", len(accounts), a.Subject)
}

// accountExport is the command that prints what is held of a person (GDPR,
// articles 15 and 20).
type accountExport struct{ accountSettings }

// Run runs the command.
func (c *accountExport) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	account, err := c.among(ctx, s)
	if err != nil {
		return err
	}
	all, err := s.Export(ctx, account.ID)
	if err != nil {
		return err
	}
	out := json.NewEncoder(p.out)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(all)
}

// accountDelete is the command that erases what is held of a person (GDPR,
// article 17).
type accountDelete struct {
	accountSettings
	Secret []string `help:"The server's secrets: addresses that must get no more mail are kept as hashes made with them." required:"" type:"secret" placeholder:"SECRET"`
	Yes    bool     `help:"Erase without asking first."`
}

// Run runs the command.
func (c *accountDelete) Run(ctx context.Context, p *process) error {
	s, _, err := c.openSigned(ctx, p, c.Secret)
	if err != nil {
		return err
	}
	defer s.Close()
	account, err := c.among(ctx, s)
	if err != nil {
		return err
	}
	held, err := s.Export(ctx, account.ID)
	if err != nil {
		return err
	}
	if !c.Yes {
		question := fmt.Sprintf("Erase the account of %s (subject %q of the issuer %q) permanently, with %s?", cmp.Or(account.Email, "no address"), account.Subject, account.Issuer, amounts(held))
		if err := p.confirm(question); err != nil {
			return err
		}
	}
	if err := s.Erase(ctx, account.ID); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "The account was erased, with %s.\n", amounts(held))
	return nil
}

// amounts says how much is held of a person, by kind.
func amounts(e *store.Export) string {
	addresses := make(map[string]bool) // one may be on several watches
	for _, a := range e.Addresses {
		addresses[strings.ToLower(a.Email)] = true
	}
	return strings.Join([]string{
		count(len(e.Watches), "watch", "watches"), count(len(addresses), "address", "addresses"), count(len(e.Webhooks), "webhook", "webhooks"),
		count(len(e.Deliveries), "delivery", "deliveries"), count(len(e.Mails), "mail", "mails"), count(len(e.Marks), "marked tender", "marked tenders"),
	}, ", ")
}

// confirm asks whether to go on with what cannot be undone; an error if not, or if nobody can be asked.
func (p *process) confirm(question string) error {
	if !p.asks {
		return errors.New("this cannot be undone, and nobody can be asked here: add --yes to do it without a question")
	}
	fmt.Fprintf(p.err, "%s\nType \"yes\" to go on: ", question)
	answer, err := bufio.NewReader(p.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("not confirmed: nothing was done")
	}
	return nil
}
