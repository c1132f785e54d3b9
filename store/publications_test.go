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
