package alert_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/store"
)

// Imported watches, and watches that an import changes, mail nobody until something is published; then they mail the
// addresses that consented, and only those.
func TestImportedWatches(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.publish("before", "Voirie")
		w.work()
		digest := "1"
		imports := func(f vigie.Frequency, want store.ImportOutcome) {
			t.Helper()
			confirmed := monday().AddDate(-1, 0, 0)
			results, err := w.store.ImportWatches(t.Context(), "https://id.example", w.now, []*store.ImportedWatch{{
				ExternalID: "1", Digest: digest, Subject: "ben", Email: "ben@example.org",
				Watch: vigie.Watch{
					Name: "Voirie", Active: true, Frequency: f, CreatedAt: monday().AddDate(-2, 0, 0),
					Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AllKeywords},
				},
				Recipients: []ledger.ImportedRecipient{{Email: "ben@example.org", ConfirmedAt: &confirmed}, {Email: "team@example.org", ConfirmedAt: &confirmed}, {Email: "never@example.org"}},
			}})
			if err != nil || results[0].Outcome != want {
				t.Fatalf("%+v, %v", results, err)
			}
		}
		imports(vigie.Daily, store.ImportCreated)
		w.expect("imported", w.work())
		w.expect("days later", append(w.after(25*time.Hour), w.after(25*time.Hour)...))
		digest = "2"
		imports(vigie.Immediate, store.ImportChanged)
		w.expect("changed", append(w.work(), w.after(25*time.Hour)...))
		w.publish("after", "Voirie")
		w.indexed()
		w.expect("published", w.work(), "ben: 1 nouveau marché – veille Voirie", "team: 1 nouveau marché – veille Voirie")
		w.expect("weeks later", w.after(20*24*time.Hour))
	})
}

// Waiting deliveries go to the person's present verified address; an address that is not verified is asked for
// consent first.
func TestChangedEmail(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		moves := func(subject, email string, verified bool) {
			t.Helper()
			_, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: email + "@example.org", EmailVerified: verified})
			if err != nil {
				t.Fatal(err)
			}
		}
		const news = ": 1 nouveau marché – veille Voirie"
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.publish("1", "Voirie")
		w.enter()
		moves("ana", "moved", true)
		w.expect("moved", w.after(24*time.Hour), "moved"+news)

		ben := w.signIn("ben")
		w.watch(ben, "Voirie", vigie.Daily, "voirie", "office@example.org")
		w.watch(ben, "Écoles", vigie.Daily, "école")
		w.expect("the office is asked", w.work(), "office: Confirmez votre adresse – Vigie")
		w.publish("2", "Voirie et école")
		w.enter()
		moves("ben", "office", true)
		w.expect("the office is ben's own", w.after(24*time.Hour), "moved"+news, "office: 1 nouveau marché – 2 veilles")
		w.publish("3", "Une école")
		w.expect("and follows what ben did", w.after(24*time.Hour), "office: 1 nouveau marché – veille Écoles")

		cat := w.signIn("cat")
		w.watch(cat, "Voirie", vigie.Daily, "voirie", "desk@example.org")
		w.watch(cat, "Écoles", vigie.Daily, "école")
		w.expect("the desk is asked", w.work(), "desk: Confirmez votre adresse – Vigie")
		w.consentsOf(cat, "desk@example.org")
		w.publish("5", "Voirie et école encore")
		w.enter()
		moves("cat", "desk", true)
		w.expect("what waited for both has the reasons of both", w.after(24*time.Hour),
			"moved"+news, "office: 1 nouveau marché – 2 veilles", "desk: 1 nouveau marché – 2 veilles")

		moves("ben", "unknown", false)
		w.publish("4", "Une école")
		w.expect("not vouched for", w.after(24*time.Hour), "unknown: Confirmez votre adresse – Vigie", "desk: 1 nouveau marché – veille Écoles")
	})
}
