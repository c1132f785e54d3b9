package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"vigie"
	"vigie/graph"
	"vigie/service"
)

// admin is who runs the platform.
func (w *world) admin(subject string) person {
	return person{w, &graph.Viewer{SupportAgent: &service.SupportAgent{Issuer: "test", Subject: subject, Admin: true}}}
}

const wholeOffice = `{ backOffice {
	totals { accounts importedAccounts watches activeWatches addresses confirmedAddresses tenders notices waitingDeliveries heldDeliveries sentMails failedMails suppressedAddresses }
	domains { domain sent failed delayed suppressed }
	suppressedAddresses(first: 1) { totalCount nodes { email since } pageInfo { hasNextPage endCursor } }
	usage(days: 2) { day newAccounts newWatches alerts sentMails }
} }`

// Who runs the platform reads what there is, and it is written down.
func TestBackOffice(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, bob, box := w.person("ana@example.org"), w.person("bob_100%@example.com"), &postbox{bounces: "bob_100%@example.com"}
		ana.createAlerting()
		bob.createAlerting()
		w.mails(box)
		w.publish(w.notice("1", "Voirie", "Commune", 0))
		w.mails(box)
		desk, admin := w.desk("clerk"), w.admin("boss")
		admin.ask(wholeOffice, nil).expect(map[string]string{
			"backOffice.totals": "map[accounts:2 activeWatches:2 addresses:2 confirmedAddresses:0 failedMails:1 heldDeliveries:0 importedAccounts:0 notices:1 sentMails:1 " +
				"suppressedAddresses:1 tenders:1 waitingDeliveries:0 watches:2]",
			"backOffice.domains":                        "[map[delayed:0 domain:example.com failed:1 sent:0 suppressed:1] map[delayed:0 domain:example.org failed:0 sent:1 suppressed:0]]",
			"backOffice.suppressedAddresses.nodes":      "[map[email:bob_100%@example.com since:2026-11-09T12:00:00Z]]",
			"backOffice.suppressedAddresses.totalCount": "1",
			"backOffice.usage":                          "[map[alerts:0 day:2026-11-08 newAccounts:0 newWatches:0 sentMails:0] map[alerts:2 day:2026-11-09 newAccounts:2 newWatches:2 sentMails:1]]",
		})
		const find = `query ($search: String, $first: Int, $after: String, $last: Int, $before: String) { backOffice { accounts(search: $search, first: $first, after: $after, last: $last, before: $before) {
			totalCount edges { cursor } nodes { email watches { nodes { name } } } pageInfo { hasNextPage endCursor startCursor } } } }`
		const emails = "backOffice.accounts.nodes.*.email"
		all := desk.ask(find, vars{"first": 1})
		all.expect(map[string]string{emails: "[ana@example.org]", "backOffice.accounts.totalCount": "2", "backOffice.accounts.pageInfo.hasNextPage": "true", "backOffice.accounts.nodes.0.watches.nodes.*.name": "[Voirie]"})
		next := desk.ask(find, vars{"after": all.at("backOffice.accounts.pageInfo.endCursor")})
		next.expect(map[string]string{emails: "[bob_100%@example.com]", "backOffice.accounts.pageInfo.hasNextPage": "false"})
		desk.ask(find, vars{"last": 1, "before": next.at("backOffice.accounts.pageInfo.startCursor")}).expect(map[string]string{emails: "[ana@example.org]"})
		desk.ask(find, vars{"last": 1}).expect(map[string]string{emails: "[bob_100%@example.com]"})
		for search, want := range map[string]string{"ANA": "[ana@example.org]", "b_1": "[bob_100%@example.com]", "%": "[bob_100%@example.com]", "a_a": "[]", "example": "[ana@example.org bob_100%@example.com]"} {
			desk.ask(find, vars{"search": search}).expect(map[string]string{emails: want})
		}
		if got := w.accesses(); !strings.HasPrefix(got, "boss backOffice.") || strings.Count(got, "\nclerk backOffice.accounts "+w.id(vigie.KindAccount, ana.viewer.Account.ID)) != 4 {
			t.Errorf("written down:\n%s", got)
		}
	})
}

// What is about all accounts together is for the scope admin, the rest for
// support too, and nothing of it for others.
func TestBackOfficeIsClosed(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	refused := func(p person, query, code string) {
		t.Helper()
		r := p.post(query, nil)
		if len(r.Errors) == 0 || r.Errors[0].Extensions["code"] != code || strings.Contains(fmt.Sprint(r.Data), "@") {
			t.Errorf("%s: %v %v", query, r.Data, r.Errors)
		}
	}
	for _, field := range []string{`totals { accounts }`, `domains { domain }`, `suppressedAddresses { totalCount }`, `usage { day }`} {
		refused(w.desk("clerk"), `{ backOffice { `+field+` } }`, "FORBIDDEN")
	}
	const accounts = `{ backOffice { accounts { nodes { email } } } }`
	refused(ana, accounts, "FORBIDDEN")
	refused(person{w, &graph.Viewer{Sources: []string{"portal"}}}, accounts, "FORBIDDEN")
	refused(person{w, nil}, accounts, "UNAUTHENTICATED")
	if got := w.accesses(); got != "" {
		t.Errorf("written down: %s", got)
	}
	w.calls.unwritten.Store(true)
	for _, query := range []string{accounts, `{ backOffice { totals { accounts } } }`} {
		if r := w.admin("boss").post(query, nil); len(r.Errors) == 0 || strings.Contains(fmt.Sprint(r.Data), "ana@") || strings.Contains(fmt.Sprint(r.Data), "accounts:1") {
			t.Errorf("what cannot be written down is answered: %+v", r)
		}
	}
	for _, wrong := range []string{`usage(days: 0) { day }`, `usage(days: 93) { day }`, `domains(first: 101) { domain }`} {
		w.calls.unwritten.Store(false)
		refused(w.admin("boss"), `{ backOffice { `+wrong+` } }`, "BAD_REQUEST")
	}
}
