package graph_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/webhook"
	"vigie/feed"
	"vigie/graph"
	"vigie/service"
)

// platform is a receiver of webhooks.
type platform struct {
	*httptest.Server
	mutex sync.Mutex
	// status is that of answers; 0 has it accept what is signed.
	status int
	// types and texts are those of what it accepted.
	types, texts []string
}

// hooks has a world send webhooks, to this machine too, and returns a receiver.
func (w *world) hooks() *platform {
	w.t.Helper()
	p := &platform{}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	w.t.Cleanup(p.Close)
	vault, err := webhook.NewVault([]string{strings.Repeat("s", 32)})
	if err != nil {
		w.t.Fatal(err)
	}
	client := webhook.NewClient(webhook.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: time.Now})
	w.t.Cleanup(client.Close)
	w.service.Hooks = &service.Hooks{
		Client: client, Vault: vault, Brand: "Vigie", Random: rand.Reader,
		ConfirmURL: func(number int64, id string) string {
			return "https://vigie.example/webhook/" + id + strconv.FormatInt(number, 10)
		},
	}
	return p
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct {
		Type string
		Data struct{ Challenge string }
		Text string
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := json.Unmarshal(body, &m); err != nil || p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	p.types, p.texts = append(p.types, m.Type), append(p.texts, string(body))
	if m.Type == "webhook.challenge" {
		json.NewEncoder(w).Encode(map[string]string{"challenge": m.Data.Challenge})
	}
}

// answers has the receiver answer with a status from now on; 0 as it should.
func (p *platform) answers(status int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.status = status
}

// took returns the types of what was accepted since the last time.
func (p *platform) took() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	types := strings.Join(p.types, " ")
	p.types = nil
	return types
}

// sendWebhooks enters what was published, and sends webhooks.
func (w *world) sendWebhooks() {
	w.t.Helper()
	log := testLog(w.t)
	clock := func() time.Time { return w.now }
	ledger := &alert.Alerter{
		Store: w.store, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: clock, Log: log, MaxAge: 7 * 24 * time.Hour,
	}
	hooks := w.service.Hooks
	sender := &alert.Sender{
		Store: w.store, Now: clock, Lease: time.Minute, Log: log, IndexVersion: feed.Version(), Metrics: alert.NewMetrics(prometheus.NewRegistry()),
		Channel: &alert.Webhooks{Store: w.store, Client: hooks.Client, Vault: hooks.Vault, Now: clock, Log: log, Settings: alert.Settings{Brand: letter.Brand{Name: "Vigie"}}},
	}
	if err := ledger.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := sender.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

const addWebhook = `mutation ($input: AddWebhookInput!) {
	addWebhook(input: $input) { secret webhook { id host url format kinds status lastError watch { id } } userErrors { code field } }
}`

// A webhook is confirmed by a challenge, gets the alerts of its watch, and shows what became of each.
func TestWebhooks(t *testing.T) { eachPair(t, testWebhooks) }

func testWebhooks(t *testing.T, w *world) {
	receiver := w.hooks()
	p, other := w.person("a@example.org"), w.person("b@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	added := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/in", "kinds": []string{"NEW", "CANCELLED"}}})
	added.expect(map[string]string{
		"addWebhook.userErrors": "[]", "addWebhook.webhook.status": "ACTIVE", "addWebhook.webhook.url": receiver.URL + "/in",
		"addWebhook.webhook.host": strings.TrimPrefix(receiver.URL, "http://"), "addWebhook.webhook.format": "STANDARD",
		"addWebhook.webhook.kinds": "[NEW CANCELLED]", "addWebhook.webhook.watch.id": watch, "addWebhook.webhook.lastError": "<nil>",
	})
	if secret := added.text("addWebhook.secret"); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %q", secret)
	}
	id := added.text("addWebhook.webhook.id")
	if got := receiver.took(); got != "webhook.challenge" {
		t.Errorf("it got %s", got)
	}

	w.publish(w.notice("1", "Voirie du nord", "Commune", 1))
	w.follow()
	w.sendWebhooks()
	if got := receiver.took(); got != "tender.new" {
		t.Errorf("it got %q", got)
	}
	const deliveries = `query ($id: ID!) { watch(id: $id) { recipients { email } webhooks { id lastAcceptedAt } deliveries { nodes {
		status attempts lastError retryAt recipient { email } webhook { id }
	} } } viewer { webhooks { id } } }`
	shown := p.ask(deliveries, vars{"id": watch})
	shown.expect(map[string]string{
		"watch.webhooks.*.id": "[" + id + "]", "viewer.webhooks.*.id": "[" + id + "]", "watch.recipients.*.email": "[a@example.org]",
		"watch.deliveries.nodes.0.status": "SENT", "watch.deliveries.nodes.0.webhook.id": id, "watch.deliveries.nodes.0.attempts": "0",
	})
	receiver.answers(http.StatusServiceUnavailable)
	w.publish(w.notice("2", "Voirie du sud", "Commune", 2))
	w.follow()
	w.sendWebhooks()
	p.ask(deliveries, vars{"id": watch}).expect(map[string]string{
		"watch.deliveries.nodes.0.status": "WAITING", "watch.deliveries.nodes.0.attempts": "1", "watch.deliveries.nodes.0.lastError": "STATUS 503",
	})

	const update = `mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { webhook { status kinds url } userErrors { code } } }`
	p.ask(update, vars{"id": id, "input": vars{"active": false, "kinds": []string{}}}).expect(map[string]string{
		"updateWebhook.webhook.status": "PAUSED", "updateWebhook.webhook.kinds": "[]",
	})
	receiver.answers(0)
	w.sendWebhooks()
	if got := receiver.took(); got != "" {
		t.Errorf("switched off, it got %q", got)
	}
	p.ask(update, vars{"id": id, "input": vars{"active": true}}).expect(map[string]string{"updateWebhook.webhook.status": "ACTIVE"})
	w.sendWebhooks()
	if got := receiver.took(); got != "tender.new" {
		t.Errorf("switched on, it got %q", got)
	}

	// Another URL must confirm again.
	receiver.answers(http.StatusNotFound)
	w.now = w.now.Add(time.Minute)
	p.ask(update, vars{"id": id, "input": vars{"url": receiver.URL + "/new"}}).expect(map[string]string{
		"updateWebhook.webhook.status": "PENDING", "updateWebhook.webhook.url": receiver.URL + "/new",
	})
	receiver.answers(0)
	w.now = w.now.Add(time.Minute)
	const test = `mutation ($id: ID!) { testWebhook(id: $id) { webhook { status lastError } userErrors { code } } }`
	p.ask(test, vars{"id": id}).expect(map[string]string{"testWebhook.webhook.status": "ACTIVE", "testWebhook.userErrors": "[]"})
	p.ask(test, vars{"id": id}).expect(map[string]string{"testWebhook.userErrors.0.code": "TOO_SOON"})
	w.now = w.now.Add(time.Minute)
	p.ask(test, vars{"id": id}).expect(map[string]string{"testWebhook.userErrors": "[]"})
	if got := receiver.took(); got != "webhook.challenge webhook.test" {
		t.Errorf("it got %q", got)
	}

	const rotate = `mutation ($id: ID!, $hours: Int) { rotateWebhookSecret(id: $id, overlapHours: $hours) { secret userErrors { code field } } }`
	rotated := p.ask(rotate, vars{"id": id, "hours": 1})
	if secret := rotated.text("rotateWebhookSecret.secret"); secret == added.text("addWebhook.secret") || !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the new secret is %q", secret)
	}
	p.ask(rotate, vars{"id": id, "hours": 1000}).expect(map[string]string{"rotateWebhookSecret.userErrors.0": "map[code:INVALID field:[overlapHours]]"})
	p.ask(rotate, vars{"id": "webhook_none", "hours": 1}).expect(map[string]string{"rotateWebhookSecret.userErrors.0": "map[code:NOT_FOUND field:[id]]"})

	const remove = `mutation ($id: ID!) { removeWebhook(id: $id) { removedWebhookId userErrors { code } } }`
	for _, mutation := range []string{test, rotate, remove} {
		if got := other.ask(mutation, vars{"id": id}).whole(); !strings.Contains(got, "NOT_FOUND") {
			t.Errorf("another account: %s", got)
		}
	}
	p.ask(remove, vars{"id": id}).expect(map[string]string{"removeWebhook.removedWebhookId": id})
	p.ask(`query ($id: ID!) { viewer { webhooks { id } } node(id: $id) { id } }`, vars{"id": id}).expect(map[string]string{"viewer.webhooks": "[]", "node": "<nil>"})
}

// A URL is confirmed by its own endpoint alone: one that answers late does not confirm the URL that came in its place. Nor can
// an account have strangers called over and over.
func TestWebhookURLs(t *testing.T) {
	w := newWorld(t)
	w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	const update = `mutation ($id: ID!, $url: String!) { updateWebhook(id: $id, input: { url: $url }) { webhook { status url } userErrors { code field } } }`
	var id string
	var stranger int
	var receiver *httptest.Server
	receiver = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		var m struct{ Data struct{ Challenge string } }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/stranger":
			stranger++
			answer.WriteHeader(http.StatusNotFound)
			return
		case "/late":
			w.now = w.now.Add(time.Minute)
			p.ask(update, vars{"id": id, "url": receiver.URL + "/stranger"})
		}
		json.NewEncoder(answer).Encode(map[string]string{"challenge": m.Data.Challenge})
	}))
	t.Cleanup(receiver.Close)
	added := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/own"}})
	added.expect(map[string]string{"addWebhook.webhook.status": "ACTIVE"})
	id = added.text("addWebhook.webhook.id")
	w.now = w.now.Add(time.Minute)
	p.ask(update, vars{"id": id, "url": receiver.URL + "/late"}).expect(map[string]string{
		"updateWebhook.webhook.status": "PENDING", "updateWebhook.webhook.url": receiver.URL + "/stranger",
	})
	for range 3 {
		p.ask(update, vars{"id": id, "url": receiver.URL + "/stranger"}).expect(map[string]string{
			"updateWebhook.userErrors.0.code": "TOO_SOON", "updateWebhook.userErrors.0.field": "[input url]",
		})
	}
	if stranger != 1 {
		t.Errorf("a stranger was called %d times", stranger)
	}
}

// A chat confirms by a link, has no secret, and does not show its URL.
func TestWebhookOfChat(t *testing.T) {
	w := newWorld(t)
	receiver := w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	added := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/services/T0/B0/secret", "format": "SLACK"}})
	added.expect(map[string]string{"addWebhook.webhook.status": "PENDING", "addWebhook.secret": "<nil>", "addWebhook.webhook.url": "<nil>"})
	id := added.text("addWebhook.webhook.id")
	if len(receiver.texts) != 1 || !strings.Contains(receiver.texts[0], "https://vigie.example/webhook/"+id) {
		t.Fatalf("it got %q", receiver.texts)
	}
	if err := w.store.Ledger().ConfirmWebhook(t.Context(), w.number(id), "webhook_other"); vigie.CodeOf(err) != vigie.NotFound {
		t.Errorf("confirmed by a link of another: %v", err)
	}
	if err := w.store.Ledger().ConfirmWebhook(t.Context(), w.number(id), id); err != nil {
		t.Fatal(err)
	}
	p.ask(`{ viewer { webhooks { status } } }`, nil).expect(map[string]string{"viewer.webhooks.*.status": "[ACTIVE]"})
	for mutation, code := range map[string]string{
		`mutation ($id: ID!) { m: rotateWebhookSecret(id: $id) { userErrors { code } } }`:                                "NOT_ALLOWED",
		`mutation ($id: ID!) { m: updateWebhook(id: $id, input: {url: "https://example.org"}) { userErrors { code } } }`: "NOT_ALLOWED",
	} {
		p.ask(mutation, vars{"id": id}).expect(map[string]string{"m.userErrors.0.code": code})
	}
}

// What a webhook may not be is refused, and nothing is stored.
func TestWebhookMistakes(t *testing.T) {
	w := newWorld(t)
	receiver := w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	others := w.person("b@example.org").create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	for name, c := range map[string]struct {
		input vars
		code  string
	}{
		"no web address":             {vars{"watchId": watch, "url": "ftp://example.org"}, "INVALID"},
		"a private address":          {vars{"watchId": watch, "url": "https://10.0.0.1/"}, "NOT_ALLOWED"},
		"the metadata of a cloud":    {vars{"watchId": watch, "url": "https://169.254.169.254/latest"}, "NOT_ALLOWED"},
		"another's watch":            {vars{"watchId": others, "url": receiver.URL}, "NOT_FOUND"},
		"neither a watch nor all":    {vars{"url": receiver.URL}, "CONFLICTING"},
		"what nobody is told of":     {vars{"watchId": watch, "url": receiver.URL, "kinds": []string{"WITHDRAWN"}}, "NOT_ALLOWED"},
		"all watches, for no person": {vars{"all": true, "url": receiver.URL}, "NOT_ALLOWED"},
	} {
		t.Run(name, func(t *testing.T) {
			p.ask(addWebhook, vars{"input": c.input}).expect(map[string]string{"addWebhook.userErrors.0.code": c.code, "addWebhook.webhook": "<nil>", "addWebhook.secret": "<nil>"})
		})
	}
	p.ask(`{ viewer { webhooks { id } } }`, nil).expect(map[string]string{"viewer.webhooks": "[]"})
	if got := receiver.took(); got != "" {
		t.Errorf("the receiver got %q", got)
	}
	for i := range vigie.MaxWebhooks {
		p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/" + strconv.Itoa(i)}}).expect(map[string]string{"addWebhook.userErrors": "[]"})
	}
	p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL}}).expect(map[string]string{"addWebhook.userErrors.0.code": "TOO_MANY"})
	w.service.Hooks = nil
	p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL}}).expect(map[string]string{"addWebhook.userErrors.0.code": "NOT_ALLOWED"})
}

// A platform's webhook gets the alerts of all accounts, and is the platform's alone.
func TestWebhookOfPlatform(t *testing.T) {
	w := newWorld(t)
	receiver := w.hooks()
	publisher := person{w, &graph.Viewer{Sources: []string{"portal"}}}
	added := publisher.ask(addWebhook, vars{"input": vars{"all": true, "url": receiver.URL + "/all"}})
	added.expect(map[string]string{"addWebhook.userErrors": "[]", "addWebhook.webhook.status": "ACTIVE", "addWebhook.webhook.watch": "<nil>"})
	publisher.ask(`{ webhooks { id } }`, nil).expect(map[string]string{"webhooks.*.id": "[" + added.text("addWebhook.webhook.id") + "]"})
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}, "notifyMe": false})
	if got := p.post(`{ webhooks { id } }`, nil).whole(); !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("to a person: %s", got)
	}
	receiver.took()
	w.publish(w.notice("1", "Voirie du nord", "Commune", 1))
	w.follow()
	w.sendWebhooks()
	if got := receiver.took(); got != "tender.new" {
		t.Errorf("it got %q", got)
	}
	p.ask(`query ($id: ID!) { watch(id: $id) { deliveries { totalCount } webhooks { id } } viewer { deliveries { totalCount } webhooks { id } } }`, vars{"id": watch}).expect(map[string]string{
		"watch.deliveries.totalCount": "0", "viewer.deliveries.totalCount": "0", "watch.webhooks": "[]", "viewer.webhooks": "[]",
	})
}

// A webhook gets again what it accepted; its deliveries say so.
func TestReplayDeliveries(t *testing.T) { eachPair(t, testReplayDeliveries) }

func testReplayDeliveries(t *testing.T, w *world) {
	receiver := w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	id := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/in"}}).text("addWebhook.webhook.id")
	chat := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/chat", "format": "TEAMS"}}).text("addWebhook.webhook.id")
	w.publish(w.notice("1", "Voirie du nord", "Commune", 1))
	w.follow()
	w.sendWebhooks()
	receiver.took()
	const replay = `mutation ($id: ID!, $since: DateTime!, $after: String) { replayDeliveries(webhookId: $id, since: $since, after: $after) {
		count hasMore endCursor webhook { id } userErrors { code field }
	} }`
	since := w.now.Add(-time.Hour).Format(time.RFC3339)
	p.ask(replay, vars{"id": id, "since": since}).expect(map[string]string{
		"replayDeliveries.count": "1", "replayDeliveries.hasMore": "false", "replayDeliveries.endCursor": "<nil>",
		"replayDeliveries.webhook.id": id, "replayDeliveries.userErrors": "[]",
	})
	refused := func(person person, id, code string) {
		t.Helper()
		person.ask(replay, vars{"id": id, "since": since}).expect(map[string]string{
			"replayDeliveries.userErrors.0.code": code, "replayDeliveries.userErrors.0.field": "[webhookId]",
			"replayDeliveries.count": "<nil>", "replayDeliveries.webhook": "<nil>",
		})
	}
	w.now = w.now.Add(time.Hour)
	refused(p, id, "TOO_SOON") // nothing was sent yet
	w.sendWebhooks()
	if got := receiver.took(); got != "tender.new" {
		t.Errorf("it got %q", got)
	}
	p.ask(`query ($id: ID!) { watch(id: $id) { deliveries { nodes { status replays replayedAt webhook { id } } } } }`, vars{"id": watch}).expect(map[string]string{
		"watch.deliveries.nodes.*.status": "[SENT WAITING]", "watch.deliveries.nodes.0.replays": "1",
		"watch.deliveries.nodes.0.replayedAt": w.now.UTC().Format(time.RFC3339), "watch.deliveries.nodes.1.replays": "0",
	})
	p.ask(replay, vars{"id": id, "since": w.now.Format(time.RFC3339)}).expect(map[string]string{"replayDeliveries.count": "0"})
	refused(p, id, "TOO_SOON")
	refused(p, chat, "NOT_ALLOWED")
	refused(w.person("b@example.org"), id, "NOT_FOUND")
	w.now = w.now.Add(time.Minute)
	if got := p.post(replay, vars{"id": id, "since": since, "after": "of another list"}).whole(); !strings.Contains(got, "BAD_REQUEST") {
		t.Errorf("after a cursor of another list: %s", got)
	}
	p.ask(`mutation ($id: ID!) { updateWebhook(id: $id, input: { active: false }) { userErrors { code } } }`, vars{"id": id})
	refused(p, id, "NOT_ALLOWED")
}

// What one call does not send again, the next one does.
func TestReplayDeliveriesInPages(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short runs: it delivers a thousand messages")
	}
	w := newWorld(t)
	receiver := w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	id := p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/in"}}).text("addWebhook.webhook.id")
	const more = 7
	for i := range vigie.MaxReplayed + more {
		w.publish(w.notice(strconv.Itoa(i), "Voirie "+strconv.Itoa(i), "Commune", 1))
	}
	w.follow()
	w.sendWebhooks()
	receiver.took()
	since, after, got := w.now.Add(-time.Hour).Format(time.RFC3339), "", 0
	for _, count := range []int{vigie.MaxReplayed, more} {
		w.now = w.now.Add(time.Minute)
		page := p.ask(`mutation ($id: ID!, $since: DateTime!, $after: String) {
			replayDeliveries(webhookId: $id, since: $since, after: $after) { count hasMore endCursor userErrors { code } }
		}`, vars{"id": id, "since": since, "after": after})
		page.expect(map[string]string{"replayDeliveries.count": strconv.Itoa(count), "replayDeliveries.hasMore": strconv.FormatBool(count != more)})
		after = page.text("replayDeliveries.endCursor")
		w.sendWebhooks()
		got += len(strings.Fields(receiver.took()))
	}
	if got != vigie.MaxReplayed+more {
		t.Errorf("it got %d messages again", got)
	}
}

// The webhooks of an account get other URLs only so often a day. An endpoint that asked to be left alone is not tested before.
func TestWebhookURLChanges(t *testing.T) {
	w := newWorld(t)
	receiver := w.hooks()
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	var ids []string
	for i := range 2 {
		ids = append(ids, p.ask(addWebhook, vars{"input": vars{"watchId": watch, "url": receiver.URL + "/" + strconv.Itoa(i)}}).text("addWebhook.webhook.id"))
	}
	move := func(i int) reply {
		w.now = w.now.Add(time.Minute)
		return p.ask(`mutation ($id: ID!, $url: String!) { updateWebhook(id: $id, input: { url: $url }) { userErrors { code field } } }`,
			vars{"id": ids[i%2], "url": receiver.URL + "/moved" + strconv.Itoa(i)})
	}
	for i := range vigie.MaxURLChanges {
		move(i).expect(map[string]string{"updateWebhook.userErrors": "[]"})
	}
	move(1).expect(map[string]string{"updateWebhook.userErrors.0.code": "TOO_MANY", "updateWebhook.userErrors.0.field": "[input url]"})
	w.now = w.now.Add(24 * time.Hour)
	move(2).expect(map[string]string{"updateWebhook.userErrors": "[]"})

	hook, err := w.store.Ledger().Webhook(t.Context(), p.viewer.Account.ID, w.number(ids[0]))
	if err == nil {
		err = w.store.Ledger().LeaveAlone(t.Context(), hook, w.now.Add(time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	const test = `mutation ($id: ID!) { testWebhook(id: $id) { userErrors { code } } }`
	p.ask(test, vars{"id": ids[0]}).expect(map[string]string{"testWebhook.userErrors.0.code": "TOO_SOON"})
	w.now = w.now.Add(time.Hour)
	p.ask(test, vars{"id": ids[0]}).expect(map[string]string{"testWebhook.userErrors": "[]"})
}
