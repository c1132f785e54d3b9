package graph_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/database"
	"vigie/graph"
	"vigie/service"
	"vigie/store"
)

// desk is a support desk.
func (w *world) desk(subject string) person {
	return person{w, &graph.Viewer{SupportAgent: &service.SupportAgent{Issuer: "test", Subject: subject}}}
}

// accesses are those written down, as "subject field account".
func (w *world) accesses() string {
	w.t.Helper()
	var lines []string
	for a, err := range w.store.AuditEntries(w.t.Context(), time.Time{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		whose := "-"
		if a.AccountID != nil {
			whose = w.id(vigie.KindAccount, *a.AccountID) + "=" + a.AccountSubject
		}
		lines = append(lines, a.Subject+" "+a.Field+" "+whose)
	}
	return strings.Join(lines, "\n")
}

const whyNot = `query ($email: String!, $tender: ID!) { account(email: $email) {
	id email
	watches { nodes {
		name active receiving summary { value }
		recipients { email status statusAt primary }
		health { lastEvaluatedAt lastMatchAt lastMailAt pendingRecipients bouncedRecipients }
		deliveries { nodes { kind status sentAt recipient { email } tender { title } reasons { watch { name } keywords } } }
		explainAlert(tenderId: $tender) { recipient { email } alerted deliveries { kind status } reasons { code message at serverReply } }
	} }
} }`

// tenderID is the id of the tender of that title.
func (p person) tenderID(title string) string {
	p.t.Helper()
	p.follow()
	r := p.ask(`query ($title: String!) { tenders(search: $title) { nodes { id title } } }`, vars{"title": title})
	for _, node := range r.at("tenders.nodes").([]any) {
		if node := node.(map[string]any); node["title"] == title {
			return node["id"].(string)
		}
	}
	p.t.Fatalf("no tender %q", title)
	return ""
}

// « Je n'ai pas reçu l'alerte » has an answer in one query, for the person it is
// about and for a recipient of another's watch; and that it was asked is
// written down.
func TestSupport(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		w.publish(w.notice("early", "Voirie ancienne", "Commune", 5))
		ana, bob, desk := w.person("ana@example.org"), w.person("bob@example.org"), w.desk("clerk")
		box := &postbox{bounces: "lost@example.org"}
		id := ana.createAlerting("team@example.org", "lost@example.org", "left@example.org")
		bob.createAlerting("ana@example.org")
		w.mails(box)
		key := map[string]int64{}
		account := ana.viewer.Account
		watch := w.number(id)
		confirm := func(email string) {
			t.Helper()
			all, err := w.store.Ledger().AllRecipients(t.Context(), account, watch)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				who, err := w.store.Ledger().Subscriber(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				key[r.Email] = who.RecipientID
			}
			if err := w.store.Ledger().Confirm(t.Context(), key[email], email); err != nil {
				t.Fatal(err)
			}
		}
		confirm("lost@example.org")
		confirm("left@example.org")
		w.now = w.now.Add(time.Hour)
		w.publish(w.notice("1", "Voirie neuve", "Commune", 0), w.notice("2", "Cantine", "Commune", 0))
		quiet := w.notice("3", "Voirie tue", "Commune", 0)
		quiet.Quiet = true
		w.publish(quiet)
		w.mails(box)
		if err := w.store.Ledger().Leave(t.Context(), key["left@example.org"], "left@example.org"); err != nil {
			t.Fatal(err)
		}
		ask := func(email, title string) reply {
			t.Helper()
			return desk.ask(whyNot, vars{"email": email, "tender": desk.tenderID(title)})
		}

		r := ask("ANA@example.org", "Voirie neuve")
		own, others := "account.0.watches.nodes.0.", "account.1.watches.nodes.0."
		r.expect(map[string]string{
			"account.*.email":                             "[ana@example.org bob@example.org]",
			own + "receiving":                             "true",
			own + "recipients.*.email":                    "[ana@example.org team@example.org lost@example.org left@example.org]",
			own + "recipients.*.status":                   "[CONFIRMED PENDING BOUNCED UNSUBSCRIBED]",
			own + "recipients.*.statusAt":                 "[<nil> <nil> 2026-11-09T13:00:00Z 2026-11-09T13:00:00Z]",
			own + "health.bouncedRecipients":              "1",
			own + "deliveries.nodes.0.tender.title":       "Voirie neuve",
			own + "deliveries.nodes.0.reasons.0.keywords": "[voirie]",
			own + "explainAlert.*.recipient.email":        "[ana@example.org team@example.org lost@example.org left@example.org]",
			own + "explainAlert.*.alerted":                "[true false false true]",
			own + "explainAlert.0.reasons.*.code":         "[SENT]",
			own + "explainAlert.0.reasons.0.at":           "2026-11-09T13:00:00Z",
			own + "explainAlert.1.reasons.*.code":         "[PENDING]",
			own + "explainAlert.2.reasons.*.code":         "[FAILED BOUNCED]",
			own + "explainAlert.3.reasons.*.code":         "[SENT]",
			others + "recipients.*.email":                 "[bob@example.org ana@example.org]",
			others + "explainAlert.1.recipient.email":     "ana@example.org",
			others + "explainAlert.1.reasons.*.code":      "[PENDING]",
		})
		if reply := r.text(own + "explainAlert.2.reasons.0.serverReply"); !strings.Contains(reply, "550 5.1.1 no such user") {
			t.Errorf("the mail server said %s", reply)
		}
		for title, want := range map[string]string{
			"Voirie ancienne": "[BEFORE_WATCH]", "Cantine": "[NOT_MATCHING]", "Voirie tue": "[QUIET]",
		} {
			ask("ana@example.org", title).expect(map[string]string{own + "explainAlert.0.reasons.*.code": want, own + "explainAlert.0.alerted": "false"})
		}
		ask("ana@example.org", "Cantine").expect(map[string]string{own + "explainAlert.0.reasons.0.message": "Ce marché ne correspond pas à la veille. Critères non remplis\u00a0: Mots clés (tous)."})

		// So does the question that operators ask.
		text, err := os.ReadFile("../docs/operations.md")
		if err != nil {
			t.Fatal(err)
		}
		shown := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindSubmatch(text)
		desk.ask(string(shown[1]), vars{"email": "ana@example.org", "tender": desk.tenderID("Cantine")}).
			expect(map[string]string{own + "explainAlert.0.reasons.*.code": "[NOT_MATCHING]", own + "health.lastMailAt": "2026-11-09T13:00:00Z"})

		// What is still on its way, what is put off, and what the account did itself.
		w.now = w.now.Add(time.Hour)
		w.publish(w.notice("4", "Voirie fraîche", "Commune", 0))
		ask("ana@example.org", "Voirie fraîche").expect(map[string]string{own + "explainAlert.0.reasons.*.code": "[NOT_MATCHED_YET]"})
		box.delays = "ana@example.org"
		w.mails(box)
		r = ask("ana@example.org", "Voirie fraîche")
		r.expect(map[string]string{own + "explainAlert.0.reasons.*.code": "[DELAYED]", own + "explainAlert.0.reasons.0.at": "2026-11-09T14:01:00Z"})
		if reply := r.text(own + "explainAlert.0.reasons.0.serverReply"); !strings.Contains(reply, "451") {
			t.Errorf("the mail server said %s", reply)
		}
		tender := desk.tenderID("Voirie fraîche")
		ana.ask(`mutation ($id: ID!) { dismissTender(tenderId: $id) { userErrors { code } } }`, vars{"id": tender})
		ana.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { active: false, recipients: ["team@example.org"] }) { userErrors { code } } }`, vars{"id": id})
		box.delays = ""
		w.now = w.now.Add(time.Hour)
		w.mails(box)
		ask("ana@example.org", "Voirie fraîche").expect(map[string]string{
			own + "explainAlert.0.reasons.*.code":  "[DROPPED DISMISSED WATCH_INACTIVE]",
			own + "explainAlert.*.recipient.email": "[ana@example.org team@example.org lost@example.org left@example.org]",
			own + "explainAlert.3.reasons.*.code":  "[REMOVED UNSUBSCRIBED WATCH_INACTIVE]",
			own + "recipients.*.email":             "[ana@example.org team@example.org]",
		})
		w.now = w.now.AddDate(0, 2, 0)
		r = ask("ana@example.org", "Voirie fraîche")
		if got := r.text(own + "explainAlert.0.reasons.*.code"); !strings.HasSuffix(got, "NOT_ONLINE]") {
			t.Errorf("of a tender that is over: %s", got)
		}
		// The owner may ask the same of its own watch, but for what the server said.
		r = ana.ask(`query ($id: ID!, $tender: ID!) { watch(id: $id) { explainAlert(tenderId: $tender) { reasons { code serverReply } } } }`,
			vars{"id": id, "tender": desk.tenderID("Voirie neuve")})
		r.expect(map[string]string{"watch.explainAlert.2.reasons.0.code": "FAILED", "watch.explainAlert.2.reasons.0.serverReply": "<nil>"})
		ana.ask(`query ($id: ID!) { watch(id: $id) { explainAlert(tenderId: "tender_999999") { alerted } } }`, vars{"id": id}).
			expect(map[string]string{"watch.explainAlert": "<nil>"})
	})
}

// A notice that could not be processed is named as what stands against an alert,
// until it is processed.
func TestExplainQuarantine(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana := w.person("ana@example.org")
		id := ana.createAlerting("team@example.org")
		w.publish(w.notice("1", "Voirie", "Commune", 5))
		tender := ana.tenderID("Voirie")
		tenders, err := w.store.ChangedTenders(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		notices, err := w.store.Notices(t.Context(), []int64{tenders[0].ID})
		if err != nil {
			t.Fatal(err)
		}
		n := notices[tenders[0].ID][0].ID
		reasons := func() string {
			return ana.ask(`query ($id: ID!, $tender: ID!) { watch(id: $id) { explainAlert(tenderId: $tender) { reasons { code } } } }`, vars{"id": id, "tender": tender}).
				text("watch.explainAlert.0.reasons.*.code")
		}
		db := w.store.Database()
		err = db.SetAside(t.Context(), &database.Quarantined{Consumer: database.AlertsConsumer, Item: n, Kind: database.NoticeItem, Number: n, Tries: 3}, nil)
		if err == nil {
			err = db.Advance(t.Context(), database.AlertsConsumer, n)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := reasons(); got != "[SET_ASIDE]" {
			t.Errorf("while it is in quarantine: %s", got)
		}
		if _, err := w.store.Retry(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		w.mails(&postbox{})
		if got := reasons(); got != "[SENT]" {
			t.Errorf("after it was tried again: %s", got)
		}
	})
}

// Before a support desk sees anything it is written down that it does, and
// where that fails it sees nothing.
func TestSupportIsWrittenDown(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		w.publish(w.notice("1", "Voirie", "Commune", 5))
		ana, desk := w.person("ana@example.org"), w.desk("clerk")
		id := ana.createAlerting("team@example.org")
		const find = `query ($email: String!) { account(email: $email) { id name } }`
		const explain = `query ($watch: ID!, $tender: ID!) { explainMatch(watchId: $watch, tenderId: $tender) { matches criteria { criterion } } }`
		tender := desk.tenderID("Voirie")
		if got := w.accesses(); got != "" {
			t.Errorf("before anything private was asked: %s", got)
		}
		desk.ask(find, vars{"email": " Team@example.org "})
		desk.ask(find, vars{"email": "nobody@example.org"}).expect(map[string]string{"account": "[]"})
		desk.ask(find, vars{"email": " "}).expect(map[string]string{"account": "[]"})
		desk.ask(explain, vars{"watch": id, "tender": tender}).expect(map[string]string{"explainMatch.matches": "true", "explainMatch.criteria.*.criterion": "[keywords]"})
		desk.ask(explain, vars{"watch": "watch_999999", "tender": tender}).expect(map[string]string{"explainMatch": "<nil>"})
		whose := w.id(vigie.KindAccount, ana.viewer.Account.ID) + "=ana@example.org"
		want := strings.Join([]string{"clerk account " + whose, "clerk account -", "clerk account -", "clerk explainMatch " + whose, "clerk explainMatch -"}, "\n")
		if got := w.accesses(); got != want {
			t.Errorf("written down:\n%s\nnot\n%s", got, want)
		}
		held, err := w.store.Export(t.Context(), ana.viewer.Account.ID)
		if err != nil || len(held.Accesses) != 2 || held.Accesses[1].Field != "explainMatch" {
			t.Errorf("the person sees %+v, %v", held, err)
		}
		w.calls.unwritten.Store(true)
		for query, variables := range map[string]vars{find: {"email": "ana@example.org"}, explain: {"watch": id, "tender": tender}} {
			if r := desk.post(query, variables); len(r.Errors) == 0 || strings.Contains(fmt.Sprint(r.Data), "account_") || strings.Contains(fmt.Sprint(r.Data), "matches") {
				t.Errorf("what cannot be written down is answered: %+v", r)
			}
		}
		w.calls.unwritten.Store(false)
		// The names of both go with their accounts, whichever goes first.
		clerk, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "clerk", Email: "clerk@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.store.Ledger().SetFingerprints(func(address string) []string { return []string{fmt.Sprintf("hash-%d", len(address))} })
		for _, a := range []*vigie.Account{ana.viewer.Account, clerk} {
			if err := w.store.Erase(t.Context(), a.ID); err != nil {
				t.Fatal(err)
			}
		}
		want = strings.NewReplacer("ana@example.org", "", "clerk", "hash-5").Replace(want)
		if got := w.accesses(); got != want {
			t.Errorf("after both are erased:\n%s\nnot\n%s", got, want)
		}
		desk.ask(find, vars{"email": "ana@example.org"}).expect(map[string]string{"account": "[]"})
	})
}

// Others see nobody else's account, and a support desk changes nothing.
func TestSupportIsReadOnly(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		w.publish(w.notice("1", "Voirie", "Commune", 5))
		ana, desk := w.person("ana@example.org"), w.desk("clerk")
		id := ana.createAlerting("team@example.org")
		tender := desk.tenderID("Voirie")
		recipient := ana.ask(`query ($id: ID!) { watch(id: $id) { recipients { id } } }`, vars{"id": id}).text("watch.recipients.1.id")
		for _, who := range []person{ana, {w, &graph.Viewer{Sources: []string{"portal"}}}} {
			if r := who.post(`{ account(email: "ana@example.org") { id } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
				t.Errorf("answered: %+v", r)
			}
		}
		if r := (person{w, nil}).post(`{ account(email: "ana@example.org") { id } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
			t.Errorf("answered: %+v", r)
		}
		for _, mutation := range []string{
			`createWatch(input: { name: "x", criteria: {} }) { watch { id } }`,
			`updateWatch(id: "` + id + `", input: { active: false }) { watch { id } }`,
			`deleteWatch(id: "` + id + `") { deletedWatchId }`,
			`resendConfirmation(recipientId: "` + recipient + `") { recipient { id } }`,
			`resubscribe(recipientId: "` + recipient + `") { recipient { id } }`,
			`updateAccount(input: { locale: EN }) { account { id } }`,
			`exportAccount { data }`,
			`deleteAccount(confirmEmail: "ana@example.org") { deletedAccountId }`,
			`markTendersSeen(tenderIds: ["` + tender + `"]) { tenders { id } }`,
			`dismissTender(tenderId: "` + tender + `") { tender { id } }`,
			`markInterest(tenderIds: ["` + tender + `"]) { tenders { id } }`,
			`publishNotices(input: [{ source: "test", sourceRef: "9", title: "x", buyerName: "x", publishedAt: "2026-11-09T11:00:00Z" }]) { results { outcome } }`,
		} {
			if r := desk.post("mutation { "+mutation+" }", nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
				t.Errorf("%s: %+v", mutation, r)
			}
		}
		for _, query := range []string{`viewer { id }`, `watches { totalCount }`, `watch(id: "` + id + `") { id }`, `matchingTenders { totalCount }`} {
			if r := desk.post("{ "+query+" }", nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
				t.Errorf("%s: %+v", query, r)
			}
		}
		desk.ask(`query ($id: ID!) { node(id: $id) { id } }`, vars{"id": id}).expect(map[string]string{"node": "<nil>"})
		if got := w.accesses(); got != "" {
			t.Errorf("nothing was seen, but it is written down that %s", got)
		}
	})
}
