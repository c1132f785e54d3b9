package alert_test

import (
	"testing"
	"time"

	"vigie"
)

// A copy alerts of what it adds itself, not of what a later quiet notice adds that is there by the time that the copy is read.
func TestCopyReadLate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Éclairage", vigie.Immediate, "éclairage")
		published := w.publish("1", "Voirie", func(n *vigie.Notice) { n.Identifier = "1-01" })
		w.enter()
		for _, quiet := range []bool{true, false} {
			w.now = w.now.Add(time.Minute)
			n := *published.Notice
			n.Source, n.SourceRef, n.Quiet, n.PublishedAt = "other", "o-1", quiet, w.now
			if _, err := w.store.Publish(t.Context(), []*vigie.Notice{&n}); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(time.Hour)
		w.publish("1-2", "Voirie et éclairage", about(vigie.Correction, "1"), func(n *vigie.Notice) { n.Quiet = true })
		w.expect("a quiet correction", w.after(2*time.Minute))
	})
}
