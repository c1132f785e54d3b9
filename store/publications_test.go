package store_test

import (
	"slices"
	"testing"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// Publications says what the notices themselves do, without reading them.
func TestPublications(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		url := func(url string) func(*vigie.Notice) { return func(n *vigie.Notice) { n.Content.URL = url } }
		id := storetest.Publish(t, s,
			storetest.Notice("26-1", 1, at("boamp", 1, "a-01"), url("https://www.boamp.fr/26-1")),
			storetest.Notice("700-2026", 2, at("ted", 1, "a-01")),
			storetest.Notice("26-1", 1, at("boamp", 1, "a-01"), url("https://www.boamp.fr/other"), title("Autre chose")),
			storetest.Notice("26-2", 4, at("boamp", 1, "b-01"), kind(vigie.Correction, "26-1")),
		)[0].Notice.TenderID
		notices, err := s.Notices(t.Context(), []int64{id})
		if err != nil {
			t.Fatal(err)
		}
		want := vigie.PublicationsOf(vigie.Fold(notices[id]).Notices)
		got, err := s.Publications(t.Context(), []int64{id})
		if err != nil || len(want) != 3 || want[0].URL != "https://www.boamp.fr/other" {
			t.Fatal(want, err)
		}
		same := func(a, b vigie.Publication) bool {
			return a.Source == b.Source && a.SourceRef == b.SourceRef && a.URL == b.URL && a.PublishedAt.Equal(b.PublishedAt)
		}
		if !slices.EqualFunc(got[id], want, same) {
			t.Errorf("got %v, want %v", got[id], want)
		}
	})
}

// SourcesOf are the sources of the notices that count: without those that were withdrawn, and with those of a tender that
// turned out to be the same.
func TestSourcesOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		expect := func(id int64, want ...string) {
			t.Helper()
			got, err := s.SourcesOf(t.Context(), []int64{id})
			slices.Sort(got[id])
			if err != nil || !slices.Equal(got[id], want) {
				t.Errorf("%v, not %v: %v", got[id], want, err)
			}
		}
		id := storetest.Publish(t, s,
			storetest.Notice("26-1", 1, at("boamp", 1, "a-01")),
			storetest.Notice("700-2026", 2, at("ted", 1, "a-01")),
		)[0].Notice.TenderID
		expect(id, "boamp", "ted")
		if _, err := s.Withdraw(t.Context(), "ted", "700-2026"); err != nil {
			t.Fatal(err)
		}
		expect(id, "boamp")
		other := storetest.Publish(t, s, storetest.Notice("1", 3, at("portail", 2, "b-01")))[0].Notice.TenderID
		expect(other, "portail")
		joined := storetest.Publish(t, s, storetest.Notice("26-2", 4, at("boamp", 1, "c-01"), func(n *vigie.Notice) {
			n.Kind, n.Links = vigie.Correction, []string{"26-1", vigie.NoticeLink("b-01")}
		}))[0].Notice.TenderID
		expect(joined, "boamp", "portail")
		expect(id+other-joined)
	})
}
