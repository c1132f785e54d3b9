package graph_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"vigie"
	"vigie/store/storetest"
)

// things are what ana has in a world, by their kinds: an id of each.
func (w *world) things(ana person, ref string) map[vigie.Kind]string {
	w.t.Helper()
	box := &postbox{}
	watch := ana.createAlerting()
	w.mails(box)
	w.publish(w.notice(ref+"1", "Voirie", "Commune "+ref, 0), w.notice(ref+"2", "Voirie", "Commune "+ref, 0))
	w.mails(box)
	r := ana.ask(`query ($id: ID!) { viewer { id } watch(id: $id) { recipients { id } deliveries { nodes { id tender { id buyer { id } notices { id } } } } } }`, vars{"id": watch})
	const delivery = "watch.deliveries.nodes.0."
	return map[vigie.Kind]string{
		vigie.KindAccount: r.text("viewer.id"), vigie.KindWatch: watch, vigie.KindRecipient: r.text("watch.recipients.0.id"),
		vigie.KindDelivery: r.text(delivery + "id"), vigie.KindTender: r.text(delivery + "tender.id"),
		vigie.KindBuyer: r.text(delivery + "tender.buyer.id"), vigie.KindNotice: r.text(delivery + "tender.notices.0.id"),
	}
}

// The ids that an earlier version gave out lead to the same things, for those
// alone who have them, and are not given out any more.
func TestOldIDs(t *testing.T) {
	w := embedded(t, plainUntil(t, storetest.SQLite(t), 1_000_000))
	ana, bob := w.person("ana@example.org"), w.person("bob@example.org")
	for kind, id := range w.things(ana, "a") {
		old := vigie.GlobalID(kind, w.number(id))
		const node = `query ($id: ID!) { node(id: $id) { id } }`
		if got := ana.ask(node, vars{"id": old}).text("node.id"); got != id {
			t.Errorf("%s is %s, not %s", old, got, id)
		}
		public := kind == vigie.KindTender || kind == vigie.KindBuyer || kind == vigie.KindNotice
		if got := bob.ask(node, vars{"id": old}).at("node"); (got != nil) != public {
			t.Errorf("to another, %s is %v", old, got)
		}
	}
	things := w.things(w.person("cleo@example.org"), "c")
	r := w.person("cleo@example.org").ask(`query ($watch: ID!, $tender: ID!, $buyer: ID!) {
		watch(id: $watch) { id } tender(id: $tender) { id } explainMatch(watchId: $watch, tenderId: $tender) { matches }
		matchingTenders(watchIds: [$watch], filter: { buyerIds: [$buyer] }) { totalCount }
	}`, vars{
		"watch":  vigie.GlobalID(vigie.KindWatch, w.number(things[vigie.KindWatch])),
		"tender": vigie.GlobalID(vigie.KindTender, w.number(things[vigie.KindTender])),
		"buyer":  vigie.GlobalID(vigie.KindBuyer, w.number(things[vigie.KindBuyer])),
	})
	r.expect(map[string]string{
		"watch.id": things[vigie.KindWatch], "tender.id": things[vigie.KindTender], "explainMatch.matches": "true", "matchingTenders.totalCount": "2",
	})
}

// Nobody finds the number of a thing by trying: not by ids, and not by cursors in
// the form of an earlier version.
func TestNumbersAreNotFound(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	things := w.things(ana, "a")
	for kind, id := range things {
		for number := range w.number(id) + 3 {
			if got := ana.ask(`query ($id: ID!) { node(id: $id) { id } }`, vars{"id": vigie.GlobalID(kind, number)}).at("node"); got != nil {
				t.Errorf("%s %d is %v", kind, number, got)
			}
		}
	}
	for number := range w.number(things[vigie.KindDelivery]) + 3 {
		for _, argument := range []string{"first: 1, after", "last: 1, before"} {
			cursor := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"l":"deliveries","i":%d}`, number))
			r := ana.post(fmt.Sprintf(`query ($id: ID!) { watch(id: $id) { deliveries(%s: %q) { totalCount } } }`, argument, cursor), vars{"id": things[vigie.KindWatch]})
			if len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, "cursor") {
				t.Errorf("%s %d: %v", argument, number, r)
			}
		}
	}
	// The index knows buyers by their numbers.
	r := ana.post(`query ($buyer: ID!) { tenders(filter: { buyerIds: [$buyer] }) { totalCount } }`, vars{"buyer": vigie.GlobalID(vigie.KindBuyer, w.number(things[vigie.KindBuyer]))})
	if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "NOT_FOUND" {
		t.Errorf("%v", r)
	}
}
