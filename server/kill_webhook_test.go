package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"vigie"
	"vigie/alert/webhook"
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
			s.t.Errorf("webhook %s was told %s of %s under %d ids", of.webhook, of.kind, of.word, len(ids))
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
				s.t.Errorf("webhook %s was told that %s is new: %v, that it is cancelled: %v", name, story.word, isNew, isCancelled)
			case !story.cancelled && !isNew:
				s.t.Errorf("webhook %s was not told of %s", name, story.word)
			case !story.corrected && isCorrected:
				s.t.Errorf("webhook %s was told of a correction of %s", name, story.word)
			}
		}
	}
	if most := s.kills * len(s.stories[0].people) * 2; repeated > most {
		s.t.Errorf("%d messages were repeated by %d kills", repeated, s.kills)
	}
	s.t.Logf("%d messages to webhooks, %d repeated", messages, repeated)
}
