package alert_test

import (
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/alert/post"
)

// A tender that was cancelled may be announced again, and cancelled again: its recipients are mailed each time. A second
// notice of one cancellation tells nothing.
func TestCancelledAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("announced", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		for _, round := range []string{"a", "b"} {
			w.publish("1-cancelled-"+round, "Voirie", about(vigie.Cancellation, "1"))
			w.expect("cancelled", w.after(time.Hour), "ana: 1 marché annulé – veille Voirie")
			w.publish("1-cancelled-once-more-"+round, "Voirie", about(vigie.Cancellation, "1"))
			w.expect("cancelled once more", w.after(time.Hour))
			w.publish("1-open-"+round, "Voirie", about(vigie.ContractNotice, "1"))
			w.expect("announced again", w.after(time.Hour), "ana: 1 marché rectifié – veille Voirie")
		}
	})
}

// The last mail to a recipient about a tender counts, by whichever number it was known: here of one that was merged.
func TestMergedTenderIsCancelledAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("announced", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.publish("1-cancelled", "Voirie", about(vigie.Cancellation, "1"))
		w.expect("cancelled", w.after(time.Hour), "ana: 1 marché annulé – veille Voirie")
		w.publish("2", "Voirie")
		w.expect("announced under another number", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.publish("2-cancelled", "Voirie", about(vigie.Cancellation, "1"), func(n *vigie.Notice) { n.Links = append(n.Links, "2") })
		w.expect("both are one, and cancelled", w.after(time.Hour), "ana: 1 marché annulé – veille Voirie")
	})
}

// A recipient that was not mailed that a cancelled tender is open again gets no second mail that it is cancelled.
func TestCancelledAgainBeforeTheDigest(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.publish("1", "Voirie")
		w.expect("announced", w.after(day), "ana: 1 nouveau marché – veille Voirie")
		w.publish("1-cancelled", "Voirie", about(vigie.Cancellation, "1"))
		w.expect("cancelled", w.after(time.Hour), "ana: 1 marché annulé – veille Voirie")
		w.publish("1-open", "Voirie", about(vigie.ContractNotice, "1"))
		w.expect("announced again, before the digest", w.work())
		w.publish("1-cancelled-again", "Voirie", about(vigie.Cancellation, "1"))
		w.expect("cancelled again", w.after(2*day))
	})
}

// A cancellation that could not be sent is not sent any more once the tender is open again.
func TestCancellationThatNoLongerHolds(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("announced", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"} }
		w.publish("1-cancelled", "Voirie", about(vigie.Cancellation, "1"))
		w.expect("refused for now", w.after(time.Hour))
		w.publish("1-open", "Voirie", about(vigie.ContractNotice, "1"))
		w.mailer.refuse = nil
		w.expect("announced again", slices.Concat(w.after(2*time.Hour), w.after(2*time.Hour)), "ana: 1 marché rectifié – veille Voirie")
	})
}
