package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// token is the command that signs tokens for development.
type token struct {
	Email   string        `help:"The address of the person; without it, with --scope publish, a token that stands for nobody." type:"address" placeholder:"ADDRESS"`
	Name    string        `help:"The name of the person." type:"name"`
	Scope   string        `help:"What it allows: publish, beside what is the person's own; or support, in its place." type:"name" placeholder:"SCOPE"`
	Sources []string      `help:"The sources that it may publish for." type:"words" placeholder:"SOURCE"`
	Life    time.Duration `help:"How long it is valid." default:"24h" type:"number" bounds:"1s..8760h"`
	Secret  []string      `help:"The secrets of the server: the first signs." type:"secret" placeholder:"SECRET"`
}

// Run runs the command.
func (c *token) Run(p *process) error {
	if len(c.Secret) == 0 {
		return errors.New("set --secret to the server's: with it this command signs, and the server verifies")
	}
	subject := strings.ToLower(c.Email)
	if subject == "" {
		subject = "publisher"
		if c.Scope != publishScope {
			return errors.New("set --email, or --scope publish")
		}
	}
	if c.Scope == publishScope && len(c.Sources) == 0 {
		return errors.New("set --sources to what it may publish for")
	}
	signed, err := sign(c.Secret[0], subject, claims{
		Email: c.Email, EmailVerified: c.Email != "", Name: c.Name, Scope: c.Scope, Sources: c.Sources,
	}, p.now(), c.Life)
	if err != nil {
		return err
	}
	// What the server would refuse is better said here.
	parsed, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return err
	}
	if _, err := read(parsed.UnsafePayloadWithoutVerification()); err != nil {
		return err
	}
	fmt.Fprintln(p.out, signed)
	return nil
}
