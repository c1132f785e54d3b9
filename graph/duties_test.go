package graph_test

import (
	"encoding/json"
	"testing"

	"vigie"
	"vigie/store"
)

// A person takes all that is held of it, and has it erased; then the same token
// begins again, with nothing.
func TestExportAndDeleteAccount(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, bob, box := w.person("ana@example.org"), w.person("bob@example.org"), &postbox{}
		id := ana.createAlerting("team@example.org")
		bob.createAlerting()
		w.mails(box)
		w.publish(w.notice("1", "Voirie", "Commune", 0))
		w.mails(box)
		ana.ask(`mutation ($id: ID!) { dismissTender(tenderId: $id) { userErrors { code } } }`, vars{"id": ana.tenderID("Voirie")})
		w.desk("clerk").ask(`{ account(email: "ana@example.org") { id } }`, nil)

		r := ana.ask(`mutation { exportAccount { data userErrors { code } } }`, nil)
		r.expect(map[string]string{
			"exportAccount.userErrors":                "[]",
			"exportAccount.data.account.email":        "ana@example.org",
			"exportAccount.data.watches.*.name":       "[Voirie]",
			"exportAccount.data.addresses.*.email":    "[ana@example.org team@example.org]",
			"exportAccount.data.mails.*.kind":         "[CONFIRMATION DIGEST]",
			"exportAccount.data.deliveries.0.title":   "Voirie",
			"exportAccount.data.marks.0.sourceRef":    "1",
			"exportAccount.data.accesses.0.field":     "account",
			"exportAccount.data.deliveries.0.email":   "ana@example.org",
			"exportAccount.data.deliveries.0.watchId": id,
		})
		// It is the same as the back office gives.
		held, err := w.store.Export(t.Context(), ana.viewer.Account.ID)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(held)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r.at("exportAccount.data"))
		if err != nil {
			t.Fatal(err)
		}
		var got store.Export
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(&got); string(again) != string(want) {
			t.Errorf("exported\n%s\nnot\n%s", again, want)
		}

		const remove = `mutation ($email: String!) { deleteAccount(confirmEmail: $email) { deletedAccountId userErrors { field code message } } }`
		for _, wrong := range []string{"bob@example.org", "", "ana"} {
			ana.ask(remove, vars{"email": wrong}).expect(map[string]string{
				"deleteAccount.deletedAccountId":   "<nil>",
				"deleteAccount.userErrors.*.code":  "[INVALID]",
				"deleteAccount.userErrors.0.field": "[confirmEmail]",
			})
		}
		ana.ask(`{ watches { nodes { name } } }`, nil).expect(map[string]string{"watches.nodes.*.name": "[Voirie]"})
		ana.ask(remove, vars{"email": " Ana@Example.org "}).expect(map[string]string{
			"deleteAccount.deletedAccountId": w.id(vigie.KindAccount, ana.viewer.Account.ID),
			"deleteAccount.userErrors":       "[]",
		})
		ana.ask(`mutation { exportAccount { data userErrors { code } } }`, nil).expect(map[string]string{
			"exportAccount.data": "<nil>", "exportAccount.userErrors.*.code": "[NOT_FOUND]",
		})
		ana.ask(`{ watches { totalCount } }`, nil).expect(map[string]string{"watches.totalCount": "0"})

		// Nor does who signed in before bring anything back, as over a socket that stays open.
		for _, mutation := range []string{
			`createWatch(input: { name: "x", criteria: {} }) { userErrors { code } }`,
			`updateAccount(input: { locale: EN }) { userErrors { code } }`,
			`markTendersSeen(tenderIds: ["` + ana.tenderID("Voirie") + `"]) { tenders { id } userErrors { code } }`,
			`deleteAccount(confirmEmail: "ana@example.org") { userErrors { code } }`,
		} {
			if r := ana.post("mutation { "+mutation+" }", nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
				t.Errorf("%s: %v", mutation, r)
			}
		}
		again := w.person("ana@example.org") // as the next request signs in
		again.ask(`{ viewer { id email watches { totalCount } } }`, nil).expect(map[string]string{"viewer.watches.totalCount": "0", "viewer.email": "ana@example.org"})
		if again.viewer.Account.ID == ana.viewer.Account.ID {
			t.Error("the erased account came back")
		}
		bob.ask(`{ viewer { watches { totalCount nodes { recipients { email } } } } }`, nil).expect(map[string]string{
			"viewer.watches.totalCount": "1", "viewer.watches.nodes.0.recipients.*.email": "[bob@example.org]",
		})
	})
}
