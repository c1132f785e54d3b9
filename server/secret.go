package main

import (
	"context"
	"fmt"

	"vigie/alert/link"
	"vigie/store"
)

// openSigned opens the database for a command that works with the secrets of its
// servers. What it signs or hashes with another is lost, so others are refused.
func (d databaseSettings) openSigned(ctx context.Context, p *process, secrets []string) (*store.Store, *link.Keys, error) {
	keys, err := link.New(secrets)
	if err != nil {
		return nil, nil, fmt.Errorf("set VIGIE_SECRET (--secret) to the server's: %w", err)
	}
	s, err := d.open(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	if err := s.CheckSecrets(ctx, keys.Secrets()); err != nil {
		s.Close()
		return nil, nil, err
	}
	s.Ledger().SetFingerprints(keys.Fingerprints)
	return s, keys, nil
}

// useSecrets has a server work with secrets, or without any.
func useSecrets(ctx context.Context, s *store.Store, secrets []string) error {
	if len(secrets) == 0 {
		return s.UseSecrets(ctx, nil)
	}
	keys, err := link.New(secrets)
	if err != nil {
		return err
	}
	s.Ledger().SetFingerprints(keys.Fingerprints)
	return s.UseSecrets(ctx, keys.Secrets())
}

// secretAdopt is the command that goes on with other secrets.
type secretAdopt struct {
	databaseSettings
	Secret []string `help:"The secrets that servers use from now on." required:"" type:"secret" placeholder:"SECRET"`
}

// Run runs the command.
func (c *secretAdopt) Run(ctx context.Context, p *process) error {
	keys, err := link.New(c.Secret)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.AdoptSecrets(ctx, keys.Secrets()); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database is used with these secrets alone from now on. What was made with another does not work any more: "+
		"links and return paths of mails that were sent, tokens of \"vigie token\", and the memory of addresses that had left when their accounts were erased. "+
		"To undo this, adopt the former secrets again.")
	return nil
}
