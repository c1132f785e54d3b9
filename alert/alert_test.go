package alert_test

import (
	"testing"
	"time"

	"vigie"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

func TestImmediate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.expect("at first", w.work())
		w.publish("1", "Réfection de la voirie")
		w.expect("a match", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.publish("2", "Cantine scolaire")
		w.expect("no match", w.work())
		w.publish("3", "Voirie rurale")
		w.publish("4", "Voirie communale")
		w.expect("within a minute", w.work())
		w.expect("after it", w.after(time.Minute), "ana: 2 nouveaux marchés – veille Voirie")
		w.expect("long after", w.after(week))
	})
}

func TestDigests(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.watch(w.account, "Cantine", vigie.Weekly, "cantine")
		w.publish("1", "Réfection de la voirie")
		w.publish("2", "Cantine scolaire")
		w.expect("on Monday morning", w.work())
		w.expect("in the evening", w.after(10*time.Hour))
		w.publish("3", "Voirie, tranche 2")
		w.expect("on Tuesday at 8", w.after(12*time.Hour), "ana: 2 nouveaux marchés – veille Voirie")
		w.publish("4", "Voirie et cantine") // the faster of the two
		w.expect("on Wednesday at 8", w.after(day), "ana: 1 nouveau marché – 2 veilles")
		w.expect("next Monday before 8", w.after(4*day+23*time.Hour))
		w.expect("next Monday at 8", w.after(time.Hour), "ana: 1 nouveau marché – veille Cantine")
	})
}
