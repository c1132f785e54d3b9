package alert_test

import (
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/alert/post"
)

// mails does all there is to do now, and returns the mails that were sent.
func (w *world) mails() []post.Message {
	w.t.Helper()
	w.enter()
	if err := w.sender.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	sent := w.mailer.messages
	w.mailer.messages = nil
	return sent
}

// mail returns the only mail that is sent now, an hour later.
func (w *world) onlyMail() post.Message {
	w.t.Helper()
	w.now = w.now.Add(time.Hour)
	sent := w.mails()
	if len(sent) != 1 {
		w.t.Fatalf("%d mails", len(sent))
	}
	return sent[0]
}

// What follows about a tender is in one thread with the first mail about it alone, for each recipient its own.
func TestThreads(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Réfection de la voirie")
		first := w.onlyMail()
		if first.InReplyTo != "" {
			t.Errorf("the first mail follows %s", first.InReplyTo)
		}
		w.publish("2", "Voirie rurale")
		if m := w.onlyMail(); m.InReplyTo != "" {
			t.Errorf("a mail about another tender follows %s", m.InReplyTo)
		}
		bob := w.signIn("bob")
		w.watch(bob, "Exemple", vigie.Immediate, "exemple")
		w.publish("1-1", "Réfection de la voirie d'Exemple", about(vigie.Correction, "1"), until(w.in(50*day)))
		w.now = w.now.Add(time.Hour)
		after := make(map[string]post.Message)
		for _, m := range w.mails() {
			after[m.To] = m
		}
		if m := after["ana@example.org"]; m.InReplyTo != first.ID || m.ID == first.ID {
			t.Errorf("the correction %s follows %q, not %s", m.ID, m.InReplyTo, first.ID)
		}
		if m := after["bob@example.org"]; m.ID == "" || m.InReplyTo != "" {
			t.Errorf("the first mail to another person, %q, follows %q", m.ID, m.InReplyTo)
		}
		w.publish("1-2", "Réfection de la voirie d'Exemple", about(vigie.Cancellation, "1"))
		w.now = w.now.Add(time.Hour)
		for _, m := range w.mails() {
			if want := map[string]string{"ana@example.org": first.ID, "bob@example.org": after["bob@example.org"].ID}[m.To]; m.InReplyTo != want {
				t.Errorf("the cancellation to %s follows %q, not %s", m.To, m.InReplyTo, want)
			}
		}
	})
}

// A mail about several tenders is in no thread, and no mail follows it: it is about one tender as little as about another.
func TestThreadsOfOneTender(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("0", "Voirie seule")
		alone := w.onlyMail()
		w.publish("1", "Réfection de la voirie")
		w.publish("2", "Voirie rurale")
		if m := w.onlyMail(); m.InReplyTo != "" {
			t.Errorf("a mail about two tenders follows %s", m.InReplyTo)
		}
		w.publish("0-1", "Voirie seule", about(vigie.Correction, "0"), until(w.in(50*day)))
		w.publish("1-1", "Réfection de la voirie", about(vigie.Correction, "1"), until(w.in(50*day)))
		if m := w.onlyMail(); m.InReplyTo != "" {
			t.Errorf("a mail about two corrections follows %s", m.InReplyTo)
		}
		w.publish("1-2", "Réfection de la voirie", about(vigie.Correction, "1"), until(w.in(60*day)))
		correction := w.onlyMail()
		if correction.InReplyTo != "" {
			t.Errorf("a correction follows %s, which is about two tenders", correction.InReplyTo)
		}
		w.publish("1-3", "Réfection de la voirie", about(vigie.Cancellation, "1"))
		if m := w.onlyMail(); m.InReplyTo != correction.ID {
			t.Errorf("the cancellation follows %q, not the first mail about the tender alone, %s", m.InReplyTo, correction.ID)
		}
		w.publish("0-2", "Voirie seule", about(vigie.Cancellation, "0"))
		if m := w.onlyMail(); m.InReplyTo != alone.ID {
			t.Errorf("the cancellation follows %q, not %s", m.InReplyTo, alone.ID)
		}
	})
}

// A mail that is tried again has the same Message-ID and the same thread, and one that was never accepted begins none.
func TestThreadsAndRetries(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		var tried []post.Message
		refuse := 2
		w.mailer.refuse = func(m post.Message) error {
			tried = append(tried, m)
			if refuse--; refuse >= 0 {
				return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"}
			}
			return nil
		}
		w.publish("1", "Réfection de la voirie")
		for range 3 {
			w.mails()
			w.now = w.now.Add(time.Hour)
		}
		w.publish("1-1", "Réfection de la voirie", about(vigie.Correction, "1"), until(w.in(50*day)))
		refuse = 2
		for range 3 {
			w.mails()
			w.now = w.now.Add(time.Hour)
		}
		var ids, follows []string
		for _, m := range tried {
			ids, follows = append(ids, m.ID), append(follows, m.InReplyTo)
		}
		if len(ids) != 6 || len(slices.Compact(slices.Clone(ids))) != 2 || len(slices.Compact(slices.Clone(follows))) != 2 || follows[0] != "" || follows[5] != ids[0] {
			t.Errorf("attempts %q follow %q", ids, follows)
		}
		w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.ForMessage, Code: 554, Reply: "554 no"} }
		w.publish("2", "Voirie rurale")
		for range 40 {
			w.mails()
			w.now = w.now.Add(64 * time.Hour / 8)
		}
		w.mailer.refuse = nil
		w.now = w.now.Add(day)
		w.publish("2-1", "Voirie rurale", about(vigie.Correction, "2"), until(w.in(70*day)))
		if m := w.onlyMail(); m.InReplyTo != "" {
			t.Errorf("a correction follows %s, which was not accepted", m.InReplyTo)
		}
	})
}
