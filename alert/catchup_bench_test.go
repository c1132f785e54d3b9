package alert_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vigie"
	"vigie/store/storetest"
)

// BenchmarkCatchUp makes watches catch up on 20,000 tenders, of which 20 match each, and reports how long that takes,
// and how long it takes until another recipient is alerted of a tender that is published when they begin.
func BenchmarkCatchUp(b *testing.B) {
	for kind, open := range storetest.Kinds() {
		for _, watches := range []int{1, 9} {
			b.Run(fmt.Sprint(kind, "/", watches), func(b *testing.B) {
				for b.Loop() {
					all, other := catchUpTimes(b, open(b), 20_000, watches)
					b.ReportMetric(all.Seconds(), "s-all")
					b.ReportMetric(other.Seconds(), "s-other")
				}
			})
		}
	}
}

func catchUpTimes(b *testing.B, url string, tenders, watches int) (all, other time.Duration) {
	w := newWorld(b, url)
	w.now = time.Now().UTC()
	w.watch(w.account, "Autre", vigie.Immediate, "fontaine")
	var owners []*vigie.Account
	var made []*vigie.Watch
	for i := range watches {
		owners = append(owners, w.signIn(fmt.Sprint("p", i)))
		made = append(made, w.watch(owners[i], "Une", vigie.Daily, fmt.Sprint("mot", i)))
		w.change(owners[i], made[i].ID, func(watch *vigie.Watch) { watch.Active = false })
	}
	words := strings.Fields("réfection voirie communale travaux école primaire chauffage toiture maîtrise oeuvre fourniture mobilier entretien espaces verts réseau eau potable assainissement bâtiment")
	var notices []*vigie.Notice
	for i := range tenders {
		var text []string
		for n := range 10 {
			text = append(text, words[(i*7+n*n)%len(words)]+fmt.Sprint((i+n)%997))
		}
		notices = append(notices, &vigie.Notice{
			Source: "test", SourceRef: fmt.Sprint(i), Kind: vigie.ContractNotice, PublishedAt: w.now,
			Buyer:   vigie.BuyerName{Name: "Commune d'Exemple"},
			Content: vigie.Content{Title: fmt.Sprintf("Marché mot%d", i%(tenders/20)), Description: strings.Join(text, " ")},
		})
	}
	for some := range slices.Chunk(notices, vigie.MaxBatch) {
		if _, err := w.store.Publish(b.Context(), some); err != nil {
			b.Fatal(err)
		}
	}
	w.enter()
	for i, watch := range made {
		w.change(owners[i], watch.ID, func(watch *vigie.Watch) { watch.Active, watch.CatchUpFrom = true, watch.Paused })
	}
	count := func(account *vigie.Account) (n int) {
		held, err := w.store.Export(b.Context(), account.ID)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range held.Deliveries {
			if d.Kind == vigie.DeliverNew {
				n++
			}
		}
		return n
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	start := time.Now()
	running.Go(func() { w.ledger.Run(ctx) })
	time.Sleep(20 * time.Millisecond) // they have begun
	w.publish("meanwhile", "Fontaine de la place")
	published := time.Now()
	for left := owners; len(left) > 0 || other == 0; time.Sleep(10 * time.Millisecond) {
		if other == 0 && count(w.account) > 0 {
			other = time.Since(published)
		}
		for len(left) > 0 && count(left[0]) >= 20 {
			left = left[1:]
		}
		if len(left) == 0 && all == 0 {
			all = time.Since(start)
		}
	}
	return all, other
}
