package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vigie"
)

// audit is the command that prints who looked at accounts for support.
type audit struct {
	databaseSettings
	Since moment `help:"Only entries from this day (2026-11-09, in UTC) or moment (2026-11-09T08:00:00+01:00) on." placeholder:"TIME"`
	JSON  bool   `name:"json" help:"Print JSON, one object per line."`
}

// moment is a time as operators write it.
type moment struct{ time.Time }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		t, err := time.Parse(layout, string(text))
		if err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is neither a day, like 2026-11-09, nor a moment, like 2026-11-09T08:00:00+01:00", text)
}

// Run runs the command.
func (c *audit) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	lines := json.NewEncoder(p.out)
	lines.SetEscapeHTML(false)
	entries := 0
	for access, err := range s.AuditEntries(ctx, c.Since.Time) {
		if err != nil {
			return err
		}
		entries++
		if c.JSON {
			if err := lines.Encode(access); err != nil {
				return err
			}
			continue
		}
		whose := "-"
		if access.AccountID != nil {
			whose = s.IDs().ID(vigie.KindAccount, *access.AccountID) + " " + access.AccountSubject
		}
		_, err := fmt.Fprintf(p.out, "%s\t%s %s\t%s\t%s\n", access.At.Format(time.RFC3339), access.Issuer, access.Subject, access.Field, whose)
		if err != nil {
			return err
		}
	}
	if entries == 0 {
		fmt.Fprintln(p.err, "vigie: no entries")
	}
	return nil
}
