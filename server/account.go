package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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
}

// Run runs the command.
func (c *accountDelete) Run(ctx context.Context, p *process) error {
	s, _, err := c.openWith(ctx, p, c.Secret)
	if err != nil {
		return err
	}
	defer s.Close()
	account, err := c.among(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Erase(ctx, account.ID); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The account was erased.")
	return nil
}
