package alert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/ledger"
)

// unrecordable has the database refuse that a mail was sent, until mend is called.
func (w *world) unrecordable(url string, mail int64) (mend func()) {
	w.t.Helper()
	run := func(statements ...string) {
		w.t.Helper()
		for _, statement := range statements {
			if _, err := w.store.Database().ExecContext(w.t.Context(), statement); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	trigger := fmt.Sprintf("CREATE TRIGGER refuse BEFORE UPDATE ON mails FOR EACH ROW WHEN (NEW.id = %d AND NEW.state = 'SENT')", mail)
	if strings.HasPrefix(url, "postgres") {
		run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING ERRCODE = ''23514''; END'",
			trigger+" EXECUTE FUNCTION refuse()")
		return func() { w.t.Helper(); run("DROP TRIGGER refuse ON mails") }
	}
	run(trigger + " BEGIN SELECT RAISE(ABORT, 'refused'); END")
	return func() { w.t.Helper(); run("DROP TRIGGER refuse") }
}

// An outcome that cannot be recorded keeps no other from it, and is not lost: its mail is sent again, as the same, once its
// lease has ended.
func TestUnrecordableOutcome(t *testing.T) {
	onBothAt(t, func(t *testing.T, w *world, url string) {
		const people = 12 // which one claim has
		for i := range people {
			w.watch(w.signIn(fmt.Sprint("p", i)), "Voirie", vigie.Immediate, "voirie")
		}
		w.publish("1", "Voirie")
		w.enter()
		var mend func()
		w.sender.Fault = func(at alert.Fault) {
			if at == alert.AfterClaim && mend == nil {
				var mails []int64
				if err := w.store.Database().NewSelect().Table("mails").Column("id").Order("id").Scan(t.Context(), &mails); err != nil {
					t.Fatal(err)
				}
				mend = w.unrecordable(url, mails[7])
			}
		}
		w.sender.Lease = time.Second
		if err := w.sender.Step(t.Context()); err == nil {
			t.Error("the failure is not said")
		}
		states := func(state vigie.MailState) int {
			n, err := w.store.Database().NewSelect().Table("mails").Where("state = ?", state).Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		sent := slices.Clone(w.mailer.messages)
		if open := states(vigie.MailOpen); len(sent) != people || open != 1 {
			t.Fatalf("%d mails were sent, %d are not recorded", len(sent), open)
		}
		mend()
		for states(vigie.MailOpen) > 0 { // the lease ends by the database's clock
			if err := w.sender.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		again := w.mailer.messages[len(sent):]
		if len(again) != 1 || !slices.ContainsFunc(sent, func(m post.Message) bool { return m.ID == again[0].ID && m.To == again[0].To }) {
			t.Errorf("sent again are %d mails", len(again))
		}
	})
}

// The outcomes of one batch are about different recipients, to each of which something happened while its mail was sent.
func TestOutcomesOfOneBatch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		accounts, watches := make(map[string]*vigie.Account), make(map[string]*vigie.Watch)
		for _, name := range []string{"ana", "stays", "moves", "erased", "pauses"} {
			accounts[name] = w.signIn(name)
			watches[name] = w.watch(accounts[name], "Voirie", vigie.Immediate, "voirie")
		}
		w.publish("1", "Voirie")
		w.enter()
		l := w.store.Ledger()
		claimed, err := l.Claim(t.Context(), ledger.ClaimOptions{Limit: 10, Lease: time.Minute, Spacing: time.Minute, IndexVersion: indexVersion})
		if err != nil || len(claimed.Mails) != len(accounts) {
			t.Fatalf("%d mails, error %v", len(claimed.Mails), err)
		}
		states, err := l.RecipientStates(t.Context(), claimed.Mails)
		if err != nil {
			t.Fatal(err)
		}
		var sent []ledger.SentMail
		for _, m := range claimed.Mails {
			r := states[m.RecipientID]
			sent = append(sent, ledger.SentMail{Mail: m, Address: r.Email, Composed: ledger.ContentOf(m, r, w.now).Composed})
		}
		w.leave(watches["ana"])
		w.moves("moves", "moved@example.org", true)
		if err := w.store.Erase(t.Context(), accounts["erased"].ID); err != nil {
			t.Fatal(err)
		}
		w.pause(accounts["pauses"], watches["pauses"])
		if err := l.MailsSent(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		w.expect("nothing is owed", w.after(time.Hour))
		w.publish("1c", "Voirie", about(vigie.Correction, "1"), until(w.in(20*day)))
		w.expect("what follows", slices.Sorted(slices.Values(w.after(time.Minute))),
			"moved: 1 marché rectifié – veille Voirie", "stays: 1 marché rectifié – veille Voirie")
	})
}
