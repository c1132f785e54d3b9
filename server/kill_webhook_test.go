package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"vigie"
	"vigie/alert/webhook"
	"vigie/ledger"
)

// duringWebhook is the point at which the parent stops the server: its receiver has read a message, and not answered.
const duringWebhook = "during webhook"

// receiver is a platform that counts what it gets.
type receiver struct {
	*httptest.Server
	vault *webhook.Vault

	mutex sync.Mutex
	// copies are how often it got each message, by the webhook and its id; ids are the messages that it got about each delivery.
	copies map[string]int
	ids    map[hookEvent]map[string]bool
	// hooks are the webhooks; replays is how many messages they asked for once more.
	hooks   []*vigie.Webhook
	replays int
}

// hookEvent is what a message to a webhook says.
type hookEvent struct {
	webhook, word string
	kind          vigie.DeliveryKind
}

// receive starts the receiver.
func (s *siege) receive() {
	s.receiver = &receiver{copies: make(map[string]int), ids: make(map[hookEvent]map[string]bool)}
	var err error
	if s.receiver.vault, err = webhook.NewVault([]string{testSecret}); err != nil {
		s.t.Fatal(err)
	}
	s.receiver.Server = httptest.NewServer(http.HandlerFunc(s.take))
	s.t.Cleanup(s.receiver.Close)
}

// addWebhook adds a webhook to a watch, at a path of the receiver.
func (s *siege) addWebhook(w *vigie.Watch, path string) {
	s.t.Helper()
	at, err := url.Parse(s.receiver.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	now := w.CreatedAt
	hook := &vigie.Webhook{AccountID: w.AccountID, WatchID: w.ID, Host: at.Host, Format: vigie.StandardWebhook, ConfirmedAt: &now}
	err = s.store.AddWebhook(s.t.Context(), hook, func(id string) string {
		secret := webhook.DatedSecret{Secret: webhook.Secret(strings.Repeat("k", webhook.SecretSize))}
		return webhook.Credentials{URL: s.receiver.URL + "/" + path, Secrets: []webhook.DatedSecret{secret}}.Seal(s.receiver.vault, id)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.receiver.hooks = append(s.receiver.hooks, hook)
}

// replay has one of the webhooks ask for all that it accepted once more, unless what it asked for before is still on its way.
func (s *siege) replay() {
	s.t.Helper()
	hook := s.receiver.hooks[s.random.IntN(len(s.receiver.hooks))]
	r, ok, err := s.store.Ledger().Replay(s.t.Context(), hook.ID, ledger.Replay{Until: time.Now(), Limit: vigie.MaxReplayed})
	if err != nil {
		s.t.Fatal(err)
	}
	if ok {
		s.receiver.replays += r.Count
	}
}

// take is the receiver. What it has read counts, also where it kills the server before it answers.
func (s *siege) take(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var m struct {
		Data struct {
			Kind   vigie.DeliveryKind
			Tender struct{ Title string }
		}
	}
	if err != nil || json.Unmarshal(body, &m) != nil {
		return
	}
	r, id := s.receiver, request.Header.Get("webhook-id")
	name := strings.TrimPrefix(request.URL.Path, "/")
	of := hookEvent{name, m.Data.Tender.Title[strings.LastIndexByte(m.Data.Tender.Title, ' ')+1:], m.Data.Kind}
	r.mutex.Lock()
	r.copies[name+" "+id]++
	if r.ids[of] == nil {
		r.ids[of] = make(map[string]bool)
	}
	r.ids[of][id] = true
	r.mutex.Unlock()

	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.hookVictim == nil {
		return
	}
	if s.left--; s.left > 0 {
		return
	}
	_ = s.hookVictim.Kill()
	s.hookVictim = nil
	w.WriteHeader(http.StatusInternalServerError) // which nobody reads
}

// checkWebhooks holds what the receiver got against what happened.
func (s *siege) checkWebhooks() {
	s.t.Helper()
	r := s.receiver
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for of, ids := range r.ids {
		if len(ids) != 1 {
			s.t.Errorf("webhook %s got %s about %s under %d ids", of.webhook, of.kind, of.word, len(ids))
		}
	}
	messages, repeated := 0, 0
	for _, n := range r.copies {
		messages++
		repeated += n - 1
	}
	for _, story := range s.stories {
		for _, person := range story.people {
			name, _, _ := strings.Cut(person, "@")
			told := func(kind vigie.DeliveryKind) bool { return r.ids[hookEvent{name, story.word, kind}] != nil }
			isNew, isCorrected, isCancelled := told(vigie.DeliverNew), told(vigie.DeliverCorrected), told(vigie.DeliverCancelled)
			switch {
			case story.cancelled && isNew != isCancelled:
				s.t.Errorf("webhook %s got the new %s: %v, its cancellation: %v", name, story.word, isNew, isCancelled)
			case !story.cancelled && !isNew:
				s.t.Errorf("webhook %s got nothing about %s", name, story.word)
			case !story.corrected && isCorrected:
				s.t.Errorf("webhook %s got a correction of %s", name, story.word)
			}
		}
	}
	// One that was being sent when a replay was asked for is sent once more, too.
	var replayed int
	if err := s.store.Database().NewSelect().TableExpr("mails").ColumnExpr("SUM(replays)").Scan(s.t.Context(), &replayed); err != nil {
		s.t.Fatal(err)
	}
	if replayed < r.replays || repeated < replayed {
		s.t.Errorf("of %d messages that were asked for once more, %d were accepted; the receiver got %d again", r.replays, replayed, repeated)
	}
	if most := s.kills * len(s.stories[0].people) * 2; repeated-replayed > most {
		s.t.Errorf("%d messages were repeated by %d kills", repeated-replayed, s.kills)
	}
	s.t.Logf("%d messages to webhooks, %d repeated, of them %d since they were asked for once more", messages, repeated, replayed)
}
