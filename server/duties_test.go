package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// The duties, from the outside: a support desk asks why, which is written down
// and can be printed; a person takes what is held of it and goes, and nothing
// is left; what was mailed is forgotten after the months that a setting says.
func TestDuties(t *testing.T) {
	t.Parallel()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database, box := open(t), t.TempDir()
			env := map[string]string{
				"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
				"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example", "VIGIE_KEEP_MAILS": "2",
				"VIGIE_MAIL_SPACING": "50ms",
			}
			server := start(t, env, nil, "serve")
			base := server.listening(t)
			ready(t, base)
			token := func(args ...string) string {
				t.Helper()
				c := run(t, env, "", append([]string{"token"}, args...)...)
				if c.status != 0 {
					t.Fatal(c.err.String())
				}
				return strings.TrimSpace(c.out.String())
			}
			camille, kim := token("--email", "camille.fictif@example.org", "--name", "Camille Fictif"), token("--email", "kim@example.org")
			desk, portal := token("--email", "clerk@example.org", "--scope", "support"), token("--scope", "publish", "--sources", "portal")
			must := func(token, query string, variables map[string]any) string {
				t.Helper()
				a := ask(t, base, token, query, variables)
				if len(a.Errors) > 0 {
					t.Fatal(a.Errors)
				}
				text, err := json.Marshal(a.Data)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			for _, who := range []string{camille, kim} {
				must(who, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE }) { watch { id } } }`, nil)
			}
			must(portal, `mutation ($at: DateTime!, $until: DateTime!) { publishNotices(input: [
				{ source: "portal", sourceRef: "1", title: "Voirie", buyerName: "Commune d'Exemple", publishedAt: $at, deadline: $until },
				{ source: "portal", sourceRef: "2", title: "Voirie sans terme", buyerName: "Commune d'Exemple", publishedAt: $at }
			]) { userErrors { message } } }`, map[string]any{"at": time.Now().UTC().Format(time.RFC3339), "until": time.Now().AddDate(0, 0, 30).UTC().Format(time.RFC3339)})
			arrives(t, box, 2)
			idle(t, server.private(t))

			var known struct {
				Tenders struct{ Nodes []struct{ ID string } }
			}
			if err := json.Unmarshal([]byte(must(desk, `{ tenders(search: "voirie") { nodes { id } } }`, nil)), &known); err != nil || len(known.Tenders.Nodes) != 2 {
				t.Fatal(known, err)
			}
			// The two tenders may be in one mail or in two.
			tender := map[string]any{"tender": known.Tenders.Nodes[0].ID}
			const sent = `"alerted":true,"reasons":[{"code":"SENT"}]`
			awaits(t, func() (bool, string) {
				found := must(camille, `query ($tender: ID!) { watches { nodes { explainAlert(tenderId: $tender) { alerted reasons { code } } } } }`, tender)
				return strings.Contains(found, sent), "its owner sees " + found
			})
			found := must(desk, `query ($tender: ID!) { account(email: "camille.fictif@example.org") { name watches { nodes {
				explainAlert(tenderId: $tender) { alerted reasons { code } } } } } }`, tender)
			if !strings.Contains(found, `"Camille Fictif"`) || !strings.Contains(found, sent) {
				t.Errorf("the desk sees %s", found)
			}
			if a := ask(t, base, desk, `mutation { createWatch(input: { name: "x", criteria: {} }) { watch { id } } }`, nil); a.code() != "FORBIDDEN" {
				t.Errorf("the desk makes a watch: %+v", a)
			}
			if a := ask(t, base, kim, `{ account(email: "camille.fictif@example.org") { name } }`, nil); a.code() != "FORBIDDEN" {
				t.Errorf("anyone is a desk: %+v", a)
			}
			audit := func(args ...string) string {
				t.Helper()
				c := run(t, env, "", append([]string{"audit"}, args...)...)
				if c.status != 0 {
					t.Fatal(c.err.String())
				}
				return c.out.String()
			}
			if c := run(t, env, "", "audit", "--since", "2100-01-01"); c.status != 0 || c.out.String() != "" || !strings.HasSuffix(c.err.String(), "vigie: no entries\n") {
				t.Errorf("of the future: %d %s%s", c.status, c.out.String(), c.err.String())
			}
			var access store.AuditEntry
			if err := json.Unmarshal([]byte(audit("--json")), &access); err != nil {
				t.Fatal(err)
			}
			if access.Subject != "clerk@example.org" || access.Issuer != "vigie" || access.Field != "account" || access.AccountID == nil || access.AccountSubject != "camille.fictif@example.org" {
				t.Errorf("the audit has %+v", access)
			}
			s, err := store.Open(t.Context(), database, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			id := s.IDs().ID(vigie.KindAccount, *access.AccountID)
			s.Close()
			if got, want := audit("--since", time.Now().AddDate(0, 0, -1).Format(time.DateOnly)), fmt.Sprintf(
				"%s\tvigie clerk@example.org\taccount\t%s camille.fictif@example.org\n", access.At.Format(time.RFC3339), id); got != want {
				t.Errorf("printed %q, not %q", got, want)
			}
			if got := audit("--since", time.Now().Add(time.Hour).Format(time.RFC3339)); got != "" {
				t.Errorf("since an hour from now: %q", got)
			}
			if c := run(t, env, "", "audit", "--since", "yesterday"); c.status != 2 || !strings.Contains(c.err.String(), "2026-11-09") {
				t.Errorf("since yesterday: %d %s", c.status, c.err.String())
			}

			if data := must(camille, `mutation { exportAccount { data } }`, nil); !strings.Contains(data, "Camille Fictif") || strings.Count(data, `"DIGEST"`) == 0 || strings.Contains(data, "kim@") || strings.Contains(data, "clerk") {
				t.Errorf("the export: %s", data)
			}
			if deleted := must(camille, `mutation { deleteAccount(confirmEmail: "camille.fictif@example.org") { deletedAccountId } }`, nil); !strings.Contains(deleted, `"account_`) {
				t.Errorf("deleted: %s", deleted)
			}
			for _, row := range storetest.Everything(t, database) {
				if strings.Contains(strings.ToLower(row), "fictif") {
					t.Errorf("still there: %s", row)
				}
			}
			if got := audit(); !strings.HasSuffix(got, "\t"+id+" \n") {
				t.Errorf("printed after the erasure: %q", got)
			}
			if again := must(camille, `{ viewer { email } watches { totalCount } }`, nil); !strings.Contains(again, `"totalCount":0`) {
				t.Errorf("the token that is still valid meets %s", again)
			}

			held := func() (e store.Export) {
				t.Helper()
				if err := json.Unmarshal([]byte(run(t, env, "", "account", "export", "--subject", "kim@example.org").out.String()), &e); err != nil {
					t.Fatal(err)
				}
				return e
			}
			if e := held(); len(e.Deliveries) != 3 || e.Deliveries[0].CreatedAt == nil || len(e.Mails) == 0 { // one is that the first closes soon
				t.Errorf("of the other is held %+v", e)
			}
			server.stop()
			<-server.ended
			later := func() time.Time { return time.Now().AddDate(0, 3, 0) }
			never := maps.Clone(env)
			never["VIGIE_KEEP_MAILS"] = "0"
			if c := run(t, never, "", "serve"); c.status != 2 || !strings.Contains(c.err.String(), "--keep-mails") {
				t.Errorf("kept for no time: %d %s", c.status, c.err.String())
			}
			startAt(t, env, nil, later, "serve").listening(t)
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				e := held()
				kept := 0 // sent deliveries about the tender that can still be answered
				for _, d := range e.Deliveries {
					if d.MailID != nil && d.CreatedAt == nil && d.SourceRef == "2" {
						kept++
					}
				}
				if kept == 1 && audit() == "" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("not forgotten: %+v, %s", e, audit())
				}
			}
			for _, d := range held().Deliveries {
				if d.MailID != nil && d.SourceRef == "1" {
					t.Errorf("still held: %+v", d)
				}
			}
		})
	}
}
