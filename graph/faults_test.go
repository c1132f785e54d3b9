package graph_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"vigie/graph"
)

// logged has what the service logs from now on.
func (w *world) logged() *bytes.Buffer {
	lines := new(bytes.Buffer)
	w.service.Log = slog.New(slog.NewTextHandler(lines, nil))
	return lines
}

// refuses has the database refuse what a trigger says.
func (w *world) refuses(trigger string) {
	w.t.Helper()
	if _, err := w.store.Database().NewRaw("CREATE TRIGGER refuses " + trigger + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END").Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// A notice that cannot be stored is refused alone, and the log says why.
func TestUnstorableNotice(t *testing.T) {
	w := newWorld(t)
	p, log := person{w, &graph.Viewer{Sources: []string{"portal"}}}, w.logged()
	w.refuses("BEFORE INSERT ON notices WHEN NEW.source_ref = 'A2'")
	var notices []vars
	for _, ref := range []string{"A1", "A2"} {
		notices = append(notices, vars{"source": "portal", "sourceRef": ref, "title": "Voirie", "buyerName": "Commune", "publishedAt": "2026-11-01T09:00:00+01:00"})
	}
	p.ask(`mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { results { outcome } userErrors { field code message } } }`, vars{"in": notices}).expect(map[string]string{
		"publishNotices.results.*.outcome":    "[CREATED REFUSED]",
		"publishNotices.userErrors.*.field":   "[[input 1]]",
		"publishNotices.userErrors.*.message": "[Cet avis n’a pas pu être enregistré. L’exploitant du service peut en voir la cause.]",
	})
	for _, part := range []string{"level=WARN", "component=service", "action=publish", "source=portal", "sourceRef=A2", "refused by the test"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log does not have %s: %s", part, log)
		}
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("the log is %s", log)
	}
}

// Where the answer of a new webhook cannot be recorded, its owner still gets the secret, and the log says why it is pending.
func TestWebhookThatIsNotRecorded(t *testing.T) {
	w := newWorld(t)
	receiver := w.hooks()
	p, log := w.person("a@example.org"), w.logged()
	watch := p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	input := vars{"input": vars{"watchId": watch, "url": receiver.URL}}
	receiver.answers(404)
	p.ask(addWebhook, input).expect(map[string]string{"addWebhook.webhook.status": "PENDING"})
	if log.Len() > 0 {
		t.Errorf("that an endpoint does not confirm is logged: %s", log)
	}
	receiver.answers(0)
	w.refuses("BEFORE UPDATE ON webhooks")
	added := p.ask(addWebhook, input)
	added.expect(map[string]string{"addWebhook.webhook.status": "PENDING", "addWebhook.userErrors": "[]"})
	if secret := added.text("addWebhook.secret"); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %q", secret)
	}
	for _, part := range []string{"level=WARN", "component=service", `action="confirm webhook"`, "refused by the test"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log does not have %s: %s", part, log)
		}
	}
}
