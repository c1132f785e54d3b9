package alert_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/post"
	"vigie/alert/webhook"
)

// channelSubject is a channel with one recipient, on a watch that alerts it at once.
type channelSubject struct {
	*world
	watch  *vigie.Watch
	sender *alert.Sender
	// refuse has the recipient refuse everything from now on, for a reason; for "" it accepts.
	refuse func(about alert.Subject)
	// spoil has messages not be written any more; repair undoes it.
	spoil, repair func()
	// waits is whether a message that was given up waits for its recipient to be switched on again, by resume.
	waits  bool
	resume func()
	// tried are the ids of all messages that the recipient was sent, accepted those that it accepted.
	tried, accepted *[]string
}

// step enters what was published, sends what is due, and returns the ids of the messages that the recipient was sent.
func (s *channelSubject) step() []string {
	s.t.Helper()
	s.enter()
	before := len(*s.tried)
	if err := s.sender.Step(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return (*s.tried)[before:]
}

// wait lets time pass, and steps.
func (s *channelSubject) wait(d time.Duration) []string {
	s.t.Helper()
	s.enter()
	s.now = s.now.Add(d)
	return s.step()
}

// state returns the state of the delivery about a tender.
func (s *channelSubject) state(ref string) vigie.DeliveryState {
	s.t.Helper()
	tender, err := s.store.TenderOfRef(s.t.Context(), "test", ref)
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := s.store.Ledger().Attempts(s.t.Context(), s.watch.ID, tender)
	if err != nil || len(list) != 1 {
		s.t.Fatalf("%d deliveries, error %v", len(list), err)
	}
	return list[0].State()
}

func mailSubject(t *testing.T, w *world) *channelSubject {
	s := &channelSubject{world: w, sender: w.sender, watch: w.watch(w.account, "Voirie", vigie.Immediate, "voirie"), tried: new([]string), accepted: new([]string)}
	var about alert.Subject
	w.mailer.refuse = func(m post.Message) error {
		*s.tried = append(*s.tried, m.ID)
		kinds := map[alert.Subject]post.Kind{
			alert.AboutMoment: post.Temporary, alert.AboutMessage: post.ForMessage, alert.AboutRecipient: post.ForAddress, alert.AboutUs: post.ForSender,
		}
		if about != "" {
			return &post.Error{Kind: kinds[about], Code: 550, Reply: "550 no"}
		}
		*s.accepted = append(*s.accepted, m.ID)
		return nil
	}
	s.refuse = func(a alert.Subject) { about = a }
	right := w.mail.Templates
	broken, err := letter.Load(fstest.MapFS{"digest.txt": {Data: []byte(`{{range .Watches}}{{if eq .Name "Voirie"}}{{index $.Watches 9}}{{end}}{{end}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	s.spoil, s.repair = func() { w.mail.Templates = broken }, func() { w.mail.Templates = right }
	return s
}

func webhookSubject(t *testing.T, w *world) *channelSubject {
	h := newHooks(t, w)
	s := &channelSubject{world: w, sender: h.sender, waits: true, tried: new([]string), accepted: new([]string)}
	var err error
	s.watch, err = w.store.CreateWatch(t.Context(), w.account, vigie.Watch{
		Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Immediate,
		Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AllKeywords},
	}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	hook := h.add(s.watch, "/a")
	var about alert.Subject
	h.receiver.answers(func(m hookMessage) int {
		*s.tried = append(*s.tried, m.id) // one recipient gets one message about a tender at a time
		switch about {
		case "":
			*s.accepted = append(*s.accepted, m.id)
			return http.StatusOK
		case alert.AboutRecipient:
			return http.StatusGone
		case alert.AboutMessage:
			return http.StatusBadRequest
		}
		return http.StatusServiceUnavailable
	})
	s.refuse = func(a alert.Subject) { about = a }
	channel := h.sender.Channel.(*alert.Webhooks)
	s.spoil = func() {
		other, err := webhook.NewVault([]string{"another secret, which is long enough"})
		if err != nil {
			t.Fatal(err)
		}
		channel.Vault = other
	}
	s.repair = func() { channel.Vault = h.vault }
	s.resume = func() {
		h.set(hook, func(w *vigie.Webhook) { w.SuspendedAt = nil })
		if err := w.store.Ledger().RestartWebhook(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestChannels holds each channel to what [alert.Channel] promises, on each kind of database.
func TestChannels(t *testing.T) {
	for name, open := range map[string]func(*testing.T, *world) *channelSubject{"mail": mailSubject, "webhook": webhookSubject} {
		for part, test := range map[string]func(*testing.T, *channelSubject){
			"claim": testClaim, "outcome": testOutcome, "retry": testRetry, "giving up": testGivingUp, "refusal": testRefusal,
			"fault of ours": testOwnFault, "hold": testHold,
		} {
			t.Run(name+"/"+part, func(t *testing.T) {
				onBoth(t, func(t *testing.T, w *world) { test(t, open(t, w)) })
			})
		}
	}
}

// What one sender has claimed, another does not send.
func testClaim(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie")
	s.enter()
	other := *s.world
	claimed := false
	s.sender.Fault = func(at alert.Fault) {
		if at != alert.AfterClaim || claimed {
			return
		}
		claimed = true
		second := newSender(t, other.store, s.mailer, s.sender.Now)
		second.Channel = s.sender.Channel
		if err := second.Step(t.Context()); err != nil {
			t.Error(err)
		}
		if len(*s.tried) > 0 {
			t.Error("another sender sent what was claimed")
		}
	}
	if got := s.step(); len(got) != 1 || !claimed {
		t.Errorf("the recipient was sent %q", got)
	}
}

// What was accepted is recorded, and not sent again.
func testOutcome(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie")
	if got := s.step(); len(got) != 1 || s.state("1") != vigie.DeliverySent {
		t.Errorf("the recipient was sent %q, and the delivery is %s", got, s.state("1"))
	}
	s.publish("2", "Voirie")
	if got := s.wait(time.Hour); len(got) != 1 || got[0] == (*s.accepted)[0] {
		t.Errorf("then %q, after %q", got, *s.accepted)
	}
}

// What was refused is sent again under its id, after pauses that grow.
func testRetry(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie")
	s.refuse(alert.AboutMoment)
	first := s.step()
	if len(first) != 1 || len(s.step()) > 0 || s.state("1") != vigie.DeliveryClaimed {
		t.Fatalf("at first %q, and the delivery is %s", first, s.state("1"))
	}
	var pauses []time.Duration
	for since := time.Duration(0); len(pauses) < 5; since += 5 * time.Second {
		got := s.wait(5 * time.Second)
		if len(got) > 1 || len(got) == 1 && got[0] != first[0] {
			t.Fatalf("it was sent as %q, and then as %q", first, got)
		}
		if len(got) == 1 {
			pauses, since = append(pauses, since), 0
		}
	}
	if !slices.IsSorted(pauses) || pauses[4] < 4*pauses[0] {
		t.Errorf("the pauses are %v", pauses)
	}
	s.refuse("")
	if got := s.wait(time.Hour); len(got) != 1 || got[0] != first[0] || s.state("1") != vigie.DeliverySent {
		t.Errorf("in the end %q, and the delivery is %s", got, s.state("1"))
	}
}

// What is refused for days is given up: for good, or until its recipient is switched on again.
func testGivingUp(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie", until(nil))
	s.refuse(alert.AboutMessage)
	s.step()
	for range 60 {
		s.wait(6 * time.Hour)
	}
	if attempts := len(*s.tried); attempts < 10 || attempts > 40 {
		t.Errorf("%d attempts", attempts)
	}
	s.refuse("")
	if got := s.wait(100 * time.Hour); len(got) > 0 {
		t.Errorf("given up, and then sent %q", got)
	}
	if !s.waits {
		if s.state("1") != vigie.DeliveryFailed {
			t.Errorf("the delivery is %s", s.state("1"))
		}
		return
	}
	s.resume()
	if got := s.step(); len(got) != 1 || got[0] != (*s.tried)[0] || s.state("1") != vigie.DeliverySent {
		t.Errorf("switched on again, %q, and the delivery is %s", got, s.state("1"))
	}
}

// Nothing more is sent to a recipient that no message can reach.
func testRefusal(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie")
	s.refuse(alert.AboutRecipient)
	if got := s.step(); len(got) != 1 || s.state("1") != vigie.DeliveryFailed {
		t.Errorf("%q, and the delivery is %s", got, s.state("1"))
	}
	s.refuse("")
	s.publish("2", "Voirie")
	if got := s.wait(week); len(got) > 0 {
		t.Errorf("then it was sent %q", got)
	}
}

// What cannot be written because of us waits until that is repaired, however long it takes.
func testOwnFault(t *testing.T, s *channelSubject) {
	s.spoil()
	s.publish("1", "Voirie", until(nil))
	for range 40 {
		if got := s.wait(6 * time.Hour); len(got) > 0 {
			t.Fatalf("it was sent %q", got)
		}
	}
	s.repair()
	if got := s.wait(time.Hour); len(got) != 1 || s.state("1") != vigie.DeliverySent {
		t.Errorf("once repaired, %q, and the delivery is %s", got, s.state("1"))
	}
}

// What waits for a watch that was switched off is held, and sent once it is on again.
func testHold(t *testing.T, s *channelSubject) {
	s.publish("1", "Voirie")
	s.enter()
	s.change(s.account, s.watch.ID, func(w *vigie.Watch) { w.Active = false })
	if got := s.wait(24 * time.Hour); len(got) > 0 || s.state("1") != vigie.DeliveryHeld {
		t.Errorf("switched off, %q, and the delivery is %s", got, s.state("1"))
	}
	s.change(s.account, s.watch.ID, func(w *vigie.Watch) { w.Active = true })
	if got := s.wait(time.Minute); len(got) != 1 || s.state("1") != vigie.DeliverySent {
		t.Errorf("switched on, %q, and the delivery is %s", got, s.state("1"))
	}
}
