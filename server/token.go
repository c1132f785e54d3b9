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
	Email   string        `help:"The person's email address; may be left out with --scope publish, for a token of a program." type:"address" placeholder:"ADDRESS"`
	Name    string        `help:"The name of the person." type:"name"`
	Scope   string        `help:"What else the token allows: \"publish\" adds publishing; \"support\" allows reading accounts, and nothing else; \"admin\" the same, and the back office." type:"scope" placeholder:"SCOPE"`
	Sources []string      `help:"The sources that the token may publish for." type:"words" placeholder:"SOURCE"`
	Life    time.Duration `help:"How long the token is valid; the server refuses it afterwards." default:"24h" type:"number" bounds:"1s..8760h"`
	Secret  []string      `help:"The server's secrets: the first signs." type:"secret" placeholder:"SECRET"`
}

// Run runs the command.
func (c *token) Run(p *process) error {
	if len(c.Secret) == 0 {
		return exit{misused, errors.New("set VIGIE_SECRET (--secret) to the server's secret: this command signs with it, and the server verifies with it")}
	}
	subject := strings.ToLower(c.Email)
	if subject == "" {
		subject = "publisher"
		if c.Scope != publishScope {
			return exit{misused, errors.New("set --email, or --scope publish")}
		}
	}
	if c.Scope == publishScope && len(c.Sources) == 0 {
		return exit{misused, errors.New("set --sources to the sources that the token may publish for")}
	}
	if c.Scope != publishScope && len(c.Sources) > 0 {
		return exit{misused, errors.New("--sources says what a token of the scope \"publish\" may publish for: set --scope publish, or leave it out")}
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
