package graph_test

import (
	"testing"

	"vigie"
)

// The domain of an address may be written in any letters: it is one address all
// the same, also for support and for the person that deletes the account.
func TestAddressInAnyLetters(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, desk := w.person("ana@xn--vry-9la.example"), w.desk("clerk")
		id := ana.create(vars{"name": "Voirie", "criteria": vars{}, "recipients": []string{"team@évry.example", "team@xn--vry-9la.example", "Team@ÉVRY.example", "ana@évry.example"}})
		ana.ask(`query ($id: ID!) { watch(id: $id) { recipients { email } } }`, vars{"id": id}).expect(map[string]string{
			"watch.recipients.*.email": "[ana@xn--vry-9la.example team@xn--vry-9la.example]",
		})
		const find = `query ($email: String!) { account(email: $email) { id } }`
		for _, email := range []string{"team@évry.example", "ANA@Évry.example"} {
			desk.ask(find, vars{"email": email}).expect(map[string]string{"account.*.id": "[" + w.id(vigie.KindAccount, ana.viewer.Account.ID) + "]"})
		}
		ana.ask(`mutation { deleteAccount(confirmEmail: "ana@évry.example") { deletedAccountId userErrors { code } } }`, nil).expect(map[string]string{
			"deleteAccount.deletedAccountId": w.id(vigie.KindAccount, ana.viewer.Account.ID), "deleteAccount.userErrors": "[]",
		})
	})
}
