package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vigie"
	"vigie/alert/link"
	"vigie/alert/post"
)

// bounce is the command that mail servers pipe to what comes back to
// --mail-bounces.
type bounce struct {
	databaseSettings
	Secret []string `help:"The server's secrets." type:"secret" placeholder:"SECRET"`
}

// tryAgain is the exit status by which a command says to a mail server that it
// could not do its work now: EX_TEMPFAIL of sysexits.h. After any other the
// server would send the bounce back.
const tryAgain = 75

// Run runs the command. What is no bounce of ours is no failure.
func (c *bounce) Run(ctx context.Context, p *process) error {
	said, err := c.read(ctx, p)
	if err != nil {
		return exit{tryAgain, err}
	}
	fmt.Fprintln(p.out, said)
	return nil
}

func (c *bounce) read(ctx context.Context, p *process) (string, error) {
	keys, err := link.New(c.Secret)
	if err != nil {
		return "", fmt.Errorf("set VIGIE_SECRET (--secret) to the server's: %w", err)
	}
	mail := p.standardInput()
	b, err := post.ParseBounce(mail, func(token string) bool {
		purpose, _, ok := keys.Parse(token)
		return ok && purpose == link.Bounce
	})
	none := errors.Is(err, post.ErrNotBounce)
	if err != nil && !none {
		return "", err
	}
	// A mail server may take a mail that is not read to its end for a failure.
	if _, err := io.Copy(io.Discard, mail); err != nil {
		return "", err
	}
	if none {
		return "not a bounce: nothing done", nil
	}
	return c.note(ctx, p, b)
}

// note records a bounce, and says so.
func (c *bounce) note(ctx context.Context, p *process, b post.Bounce) (string, error) {
	s, keys, err := c.openSigned(ctx, p, c.Secret)
	if err != nil {
		return "", err
	}
	defer s.Close()
	purpose, id, ok := keys.Parse(b.Token)
	if !ok || purpose != link.Bounce {
		return "not a bounce of ours: nothing done", nil
	}
	address, err := s.Ledger().MailAddress(ctx, id)
	if vigie.CodeOf(err) == vigie.NotFound || err == nil && !keys.Verify(b.Token, address) {
		return "not a bounce of ours: nothing done", nil
	}
	if err != nil {
		return "", err
	}
	why := b.Status + " " + b.Diagnostic
	switch b.Kind {
	case post.ForAddress:
		return fmt.Sprintf("mail %d: nobody is at its address, which is not written to any more", id), s.Ledger().MailBounced(ctx, id, address, true, why)
	case post.ForSender:
		return fmt.Sprintf("mail %d: refused for what its sender is or does: %s", id, why), s.Ledger().MailBounced(ctx, id, address, false, why)
	case post.ForMessage:
		return fmt.Sprintf("mail %d: refused", id), s.Ledger().MailBounced(ctx, id, address, false, why)
	case post.Temporary:
	}
	return fmt.Sprintf("mail %d: delayed, nothing done", id), nil
}

// exit is an error with an exit status of its own.
type exit struct {
	status int
	error
}

func (e exit) Unwrap() error { return e.error }
