package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"vigie/store/storetest"
)

// While PostgreSQL is away or hangs, requests get an error, in words that reveal
// nothing of it; once it is back all goes on, without a restart: what is
// published is found, mailed, and sent to those who subscribed before.
func TestDatabaseFails(t *testing.T) {
	database := storetest.Postgres(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	away := newLine(t, u.Host)
	box := t.TempDir()
	env := map[string]string{
		"VIGIE_DATABASE_URL": away.toward(t, database), "VIGIE_DATA": t.TempDir(),
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_MAX_TIME": "1s",
		"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	s := newSurvivor(t, server)
	// A person without an account need not be looked up, so that it is the operation
	// which meets the database.
	publisher, err := sign(testSecret, "portal", claims{Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	received := connect(t, base, s.token, "").subscribe()
	s.publish()
	s.finds()
	s.mailed(box)

	for _, broken := range []string{cut, hanging} {
		t.Run(broken, func(t *testing.T) {
			s := s.in(t)
			away.become(broken, "")
			for _, asked := range []struct{ token, query string }{
				{s.token, `{ viewer { email } watches { nodes { name } } matchingTenders { totalCount } }`},
				{s.token, `mutation { createWatch(input: { name: "Ponts", criteria: { keywords: ["pont"] } }) { watch { id } userErrors { message } } }`},
				{publisher, publication(s.published + 1)},
				{publisher, `{ tenders(first: 1) { nodes { title } } }`},
			} {
				a := ask(t, base, asked.token, asked.query, nil)
				if code := a.code(); code != "UNAVAILABLE" && code != "TIMED_OUT" {
					t.Errorf("%s: %+v", asked.query, a)
				}
				for _, e := range a.Errors {
					for _, inner := range []string{u.Host, away.listener.Addr().String(), u.Port(), u.User.Username(), "127.0.0.1", "SELECT", "UPDATE", "INSERT", "dial", "pgx", "context", "accounts"} {
						if strings.Contains(e.Message, inner) {
							t.Errorf("%q shows %q", e.Message, inner)
						}
					}
				}
			}
			ailing(t, s, "database")

			away.become("", "")
			ready(t, base)
			s.publish()
			until(t, received, fmt.Sprintf(`"ref-%d"`, s.published))
			s.finds()
			s.mailed(box)
		})
	}

	// A database that hangs does not keep it from stopping.
	away.become(hanging, "")
	server.stops(t)
	until(t, received, "closed 1001")
}
