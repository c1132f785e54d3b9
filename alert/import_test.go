package alert_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/store"
)

// Watches that are imported, or change by an import, write to nobody until
// something is published; then to whoever agreed, and only to those.
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
				Recipients: []store.ImportedRecipient{{Email: "ben@example.org", ConfirmedAt: &confirmed}, {Email: "team@example.org", ConfirmedAt: &confirmed}, {Email: "never@example.org"}},
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
