package storetest

import (
	"testing"
	"time"

	"vigie"
	"vigie/store"
)

// Noon is when tests take place by default.
func Noon() time.Time { return time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC) }

// Notice is a notice of a test, published the given number of days after the Monday before [Noon].
func Notice(ref string, day int, alter ...func(*vigie.Notice)) *vigie.Notice {
	deadline := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)
	n := &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: vigie.ContractNotice,
		PublishedAt: time.Date(2026, 11, 2+day, 0, 0, 0, 0, time.UTC),
		Buyer:       vigie.BuyerName{Name: "Commune de Valfleury", DepartmentCode: "01"},
		Content: vigie.Content{
			Title: "Réfection de voirie " + ref, Departments: []string{"01"},
			Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45233140"}, Deadline: &deadline,
		},
	}
	for _, change := range alter {
		change(n)
	}
	return n
}

// Publish publishes notices.
func Publish(t testing.TB, s *store.Store, notices ...*vigie.Notice) []store.Published {
	t.Helper()
	results, err := s.Publish(t.Context(), notices)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// Account signs a person in, whose address is verified.
func Account(t testing.TB, s *store.Store, subject string) *vigie.Account {
	t.Helper()
	a, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: subject + "@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Tender returns a tender by its id.
func Tender(t testing.TB, s *store.Store, id int64) *vigie.Tender {
	t.Helper()
	found, err := s.Tenders(t.Context(), []int64{id})
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}

// Open opens the store of a database at [Noon], until the test ends.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, Noon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Each runs a test on every kind of database, each time on an empty one.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	for name, url := range Kinds() {
		t.Run(name, func(t *testing.T) { test(t, Open(t, url(t))) })
	}
}
