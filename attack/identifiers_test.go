package attack

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// identifiers are attacks by ids and by single characters in arguments.
func identifiers() []attack {
	return []attack{
		{name: "ids of others", cpu: 4 * time.Second, do: func(a *attacker) {
			ids := a.server.victimsIDs(a)
			a.times(len(ids), 4, func(i int) { a.reachFor(ids[i%len(ids)]) })
		}},
		{name: "guessed ids", cpu: 4 * time.Second, do: func(a *attacker) {
			a.times(40, 4, func(i int) {
				query := "{ " + numbered(40, fmt.Sprintf(`a%%d: node(id: "%s_%d%%[1]d") { __typename id } `, []string{"watch", "recipient", "delivery", "account"}[i%4], i/4)) + "}"
				if got := a.ask(query, nil); strings.Contains(string(got.body), `"__typename"`) {
					a.Errorf("guessing finds %.300s", got.body)
				}
			})
		}},
		{name: "malformed ids", cpu: 4 * time.Second, do: func(a *attacker) {
			odd := []string{
				"", " ", "watch", "watch_", "watch_0", "watch_-1", "watch_01", "watch_9223372036854775807", "watch_9223372036854775808", "WATCH_1", "watch_1\x00", "watch_1\n", "watch_١",
				"tender_1 ", "tender_+1", "tender_1e3", "node_1", strings.Repeat("9", 100_000), "tender_" + strings.Repeat("0", 100_000) + "1", "'; DROP TABLE tenders; --", "../../x", "\u202e", base64.StdEncoding.EncodeToString([]byte("watch:1")),
			}
			a.times(len(odd), 4, func(i int) {
				id := odd[i%len(odd)]
				a.ask(`query ($id: ID!) { node(id: $id) { id } watch(id: $id) { id } tender(id: $id) { id } explainMatch(watchId: $id, tenderId: $id) { matches } }`, map[string]any{"id": id})
				a.ask(`query ($id: String!) { tenders(after: $id) { totalCount } }`, map[string]any{"id": id})
				a.ask(`query ($id: String!) { buyers(search: "c", after: $id) { totalCount } }`, map[string]any{"id": id})
				a.ask(`query ($id: ID!) { matchingTenders(watchIds: [$id]) { totalCount } }`, map[string]any{"id": id})
				a.ask(`mutation ($id: ID!) { deleteWatch(id: $id) { userErrors { code } } dismissTender(tenderId: $id) { userErrors { code } } }`, map[string]any{"id": id})
			})
		}},
		{name: "a NUL in every argument", first: "200 BAD_REQUEST", cpu: 4 * time.Second, do: func(a *attacker) { a.everyArgument(`"a\u0000b"`) }},
		{name: "half a character in every argument", cpu: 4 * time.Second, do: func(a *attacker) { a.everyArgument(`"\ud800"`) }},
		{name: "a line break in every argument", cpu: 4 * time.Second, do: func(a *attacker) { a.everyArgument(`"a\r\nBcc: x@example.org"`) }},
		{name: "numbers at their ends", first: "200 BAD_REQUEST", cpu: 4 * time.Second, do: func(a *attacker) {
			numbers := []string{"0", "-1", "101", "2147483647", "-2147483648", "2147483648", "9223372036854775808", "1e3", "1.5", "-0", "null", "99999999999999999999999999"}
			a.times(len(numbers), 4, func(i int) {
				n := numbers[i%len(numbers)]
				a.ask(`{ tenders(first: `+n+`) { totalCount } }`, nil)
				a.ask(`{ tenders(first: 100, page: `+n+`) { totalCount } }`, nil)
				a.ask(`query ($n: Int) { tenders(last: $n) { totalCount } buyers(search: "c", first: $n) { totalCount } watches(last: $n) { totalCount } }`, map[string]any{"n": json.RawMessage(n)})
				a.ask(`{ tenders { facets { buyers(first: `+n+`) { count } } } }`, nil)
			})
		}},
	}
}

// victimsIDs are the ids of what somebody else has.
func (s *server) victimsIDs(a *attacker) []string {
	a.Helper()
	victim := s.attacker(a.TB)
	defer victim.leave()
	victim.createWatch(`{ name: "Mine", criteria: { keywords: ["voirie"] }, recipients: ["friend@example.org"] }`)
	var got struct {
		Data struct {
			Viewer struct {
				ID      string
				Watches struct {
					Nodes []struct {
						ID         string
						Recipients []struct{ ID string }
					}
				}
			}
		}
	}
	answered := victim.ask(`{ viewer { id watches { nodes { id recipients { id } } } } }`, nil)
	if err := json.Unmarshal(answered.body, &got); err != nil || len(got.Data.Viewer.Watches.Nodes) == 0 {
		a.Errorf("the victim has nothing: %.300s", answered.body)
		return nil
	}
	ids := []string{got.Data.Viewer.ID}
	for _, watch := range got.Data.Viewer.Watches.Nodes {
		ids = append(ids, watch.ID)
		for _, recipient := range watch.Recipients {
			ids = append(ids, recipient.ID)
		}
	}
	return ids
}

// reachFor tries every way to something of another's.
func (a *attacker) reachFor(id string) {
	for _, way := range []string{
		`query ($id: ID!) { it: node(id: $id) { id } }`,
		`query ($id: ID!) { it: watch(id: $id) { id name } }`,
		`query ($id: ID!) { it: matchingTenders(watchIds: [$id]) { totalCount } }`,
		`query ($id: ID!) { it: tenderEvents(watchIds: [$id]) { pageInfo { endCursor } } }`,
		`query ($id: ID!) { nodes(ids: [$id]) { it: id } }`,
		`query ($id: ID!) { viewer { deliveries(filter: { watchIds: [$id], recipientIds: [$id] }) { nodes { it: id } } } }`,
		`query ($id: ID!) { it: explainMatch(watchId: $id, tenderId: "` + a.corpus.tenders[0] + `") { matches } }`,
		`mutation ($id: ID!) { m: updateWatch(id: $id, input: { active: false }) { it: watch { id } userErrors { code } } }`,
		`mutation ($id: ID!) { m: deleteWatch(id: $id) { it: deletedWatchId userErrors { code } } }`,
		`mutation ($id: ID!) { m: restoreWatch(id: $id) { it: watch { id } userErrors { code } } }`,
		`mutation ($id: ID!) { m: resendConfirmation(recipientId: $id) { it: recipient { id } userErrors { code } } }`,
		`mutation ($id: ID!) { m: resubscribe(recipientId: $id) { it: recipient { id } userErrors { code } } }`,
	} {
		got := a.ask(way, map[string]any{"id": id})
		if text := string(got.body); strings.Contains(text, `"it":`) && !strings.Contains(text, `"it":null`) {
			a.Errorf("%s of another's %s answers %.300s", way, id, text)
		}
	}
}

// everyArgument sends a text, as JSON has it, as each argument that is one.
func (a *attacker) everyArgument(text string) {
	for _, query := range []string{
		`query ($v: ID!) { node(id: $v) { id } }`, `query ($v: ID!) { watch(id: $v) { id } }`, `query ($v: ID!) { tender(id: $v) { id } }`,
		`query ($v: String!) { account(email: $v) { id } }`, `query ($v: String!) { watches(after: $v) { totalCount } }`, `query ($v: String!) { watches(before: $v) { totalCount } }`,
		`query ($v: String!) { tenders(search: $v) { totalCount } }`, `query ($v: String!) { tenders(after: $v) { totalCount } }`, `query ($v: String!) { tenders(filter: { departmentCodes: [$v] }) { totalCount } }`,
		`query ($v: ID!) { tenders(filter: { buyerIds: [$v] }) { totalCount } }`, `query ($v: String!) { tenders(filter: { cpvCodes: [$v] }) { totalCount } }`, `query ($v: DateTime!) { tenders(filter: { publishedFrom: $v }) { totalCount } }`,
		`query ($v: String!) { tenderEvents(after: $v) { nodes { kind } } }`, `query ($v: ID!) { tenderEvents(watchIds: [$v]) { nodes { kind } } }`, `query ($v: ID!) { nodes(ids: [$v]) { id } }`,
		`query ($v: ID!) { buyer(id: $v) { id } }`, `query ($v: String!) { cpvCodes(search: $v) { code } }`, `query ($v: String!) { watchByExternalId(externalId: $v) { id } }`,
		`query ($v: ID!) { viewer { deliveries(filter: { watchIds: [$v] }) { totalCount } } }`, `query ($v: String!) { backOffice { accounts(search: $v) { totalCount } } }`,
		`mutation ($v: String!) { upsertWatches(input: [{ externalId: $v, name: $v, criteria: {} }]) { userErrors { code } } }`, `mutation ($v: String!) { updateWatch(id: "watch_1", input: {}, expectedVersion: $v) { userErrors { code } } }`,
		`query ($v: String!) { buyers(search: $v) { totalCount } }`, `query ($v: String!) { tenderBySourceRef(source: $v, sourceRef: $v) { id } }`, `query ($v: ID!) { explainMatch(watchId: $v, tenderId: $v) { matches } }`,
		`query ($v: ID!) { matchingTenders(watchIds: [$v]) { totalCount } }`, `query ($v: String!) { previewMatches(criteria: { keywords: [$v] }) { onlineCount userErrors { code } } }`, `query ($v: String!) { previewMatches(criteria: { keywordsText: $v }) { onlineCount userErrors { code } } }`,
		`query ($v: String!) { previewMatches(criteria: { excludedKeywords: [$v] }) { onlineCount userErrors { code } } }`, `query ($v: String!) { previewMatches(criteria: { departmentCodes: [$v] }) { onlineCount userErrors { code } } }`, `query ($v: String!) { previewMatches(criteria: { cpvCodes: [$v] }) { onlineCount userErrors { code } } }`,
		`mutation ($v: String!) { createWatch(input: { name: $v, criteria: {} }) { watch { id } userErrors { code } } }`, `mutation ($v: String!) { createWatch(input: { name: "a", criteria: {}, recipients: [$v] }) { watch { id } userErrors { code } } }`,
		`mutation ($v: ID!) { updateWatch(id: $v, input: {}) { userErrors { code } } }`, `mutation ($v: ID!) { restoreWatch(id: $v) { userErrors { code } } }`, `mutation ($v: String!) { updateAccount(input: { timeZone: $v }) { userErrors { code } } }`,
		`mutation ($v: String!) { deleteAccount(confirmEmail: $v) { userErrors { code } } }`, `mutation ($v: ID!) { markTendersSeen(tenderIds: [$v]) { userErrors { code } } }`, `mutation ($v: ID!) { dismissTender(tenderId: $v) { userErrors { code } } }`,
		`mutation ($v: ID!) { resubscribe(recipientId: $v) { userErrors { code } } }`, `mutation ($v: String!) { withdrawTender(source: $v, sourceRef: $v) { userErrors { code } } }`,
	} {
		a.ask(query, map[string]any{"v": json.RawMessage(text)})
	}
}
