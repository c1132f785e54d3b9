package vigie_test

import (
	"testing"
	"time"

	"vigie"
)

func TestMoney(t *testing.T) {
	for _, test := range []struct {
		amount, currency string
		want             vigie.Money
		fr, en           string
	}{
		{"120000.00", "EUR", vigie.Money{Amount: "120000", Currency: "EUR"}, "120 000 €", "120,000 EUR"},
		{" 0099.5 ", "eur", vigie.Money{Amount: "99.50", Currency: "EUR"}, "99,50 €", "99.50 EUR"},
		{"1234567.895", "CHF", vigie.Money{Amount: "1234567.90", Currency: "CHF"}, "1 234 567,90 CHF", "1,234,567.90 CHF"},
		{"9999999999999", "EUR", vigie.Money{Amount: "9999999999999", Currency: "EUR"}, "9 999 999 999 999 €", "9,999,999,999,999 EUR"},
		{"99999999999999", "EUR", vigie.Money{}, "", ""},
		{"1", "EUR", vigie.Money{}, "", ""},
		{"-5000", "EUR", vigie.Money{}, "", ""},
		{"5e3", "EUR", vigie.Money{}, "", ""},
		{"1 000", "EUR", vigie.Money{}, "", ""},
		{"1000", "euros", vigie.Money{}, "", ""},
		{"", "EUR", vigie.Money{}, "", ""},
		{".5", "EUR", vigie.Money{}, "", ""},
	} {
		got, ok := vigie.ParseMoney(test.amount, test.currency)
		if got != test.want || ok != (test.want != vigie.Money{}) || got.Text().FR != test.fr || got.Text().EN != test.en {
			t.Errorf("ParseMoney(%q, %q) = %v %v, %q, %q", test.amount, test.currency, got, ok, got.Text().FR, got.Text().EN)
		}
	}
	if cents, ok := (vigie.Money{Amount: "99.50", Currency: "EUR"}).EuroCents(); cents != 9950 || !ok {
		t.Errorf("%d cents, %v", cents, ok)
	}
	if _, ok := (vigie.Money{Amount: "99.50", Currency: "CHF"}).EuroCents(); ok {
		t.Error("francs are not compared with euros")
	}
}

// Planning notices announce a tender that cannot be answered until it is called for, in any order of arrival.
func TestPlanning(t *testing.T) {
	at := func(days int, kind vigie.NoticeKind) *vigie.Notice {
		return &vigie.Notice{Kind: kind, PublishedAt: time.Date(2026, 11, days, 0, 0, 0, 0, time.UTC), Content: vigie.Content{Title: "Voirie"}}
	}
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for want, notices := range map[vigie.TenderStatus][][]*vigie.Notice{
		vigie.StatusPlanned:   {{at(1, vigie.Planning)}, {at(1, vigie.Planning), at(2, vigie.Planning)}, {at(1, vigie.Planning), at(2, vigie.Correction)}},
		vigie.StatusOnline:    {{at(1, vigie.Planning), at(2, vigie.ContractNotice)}, {at(1, vigie.ContractNotice), at(2, vigie.Planning)}, {at(1, vigie.Correction), at(2, vigie.Planning)}},
		vigie.StatusAwarded:   {{at(1, vigie.Planning), at(2, vigie.Award)}, {at(1, vigie.Award), at(2, vigie.Planning)}},
		vigie.StatusCancelled: {{at(1, vigie.Planning), at(2, vigie.Cancellation)}},
	} {
		for _, list := range notices {
			f := vigie.Fold(list)
			tender := vigie.Tender{Content: f.Content, Outcome: f.Outcome}
			if got := tender.Status(now); got != want {
				t.Errorf("%s, then %d more: %s, want %s", list[0].Kind, len(list)-1, got, want)
			}
		}
	}
}

// A tender without a deadline closes when its source stops showing it, and at the latest a year after its last notice.
func TestWithoutDeadline(t *testing.T) {
	published := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	closes := func(until *time.Time) time.Time {
		f := vigie.Fold([]*vigie.Notice{{Kind: vigie.ContractNotice, PublishedAt: published, Content: vigie.Content{OnlineUntil: until}}})
		return *f.Content.Closes()
	}
	year := published.AddDate(1, 0, 0)
	if got := closes(nil); !got.Equal(year) {
		t.Errorf("where nothing is said: %s", got)
	}
	if said := published.AddDate(0, 2, 0); !closes(&said).Equal(said) {
		t.Error("what the source says does not count")
	}
	if got := closes(new(published.AddDate(3, 0, 0))); !got.Equal(year) {
		t.Errorf("where the source shows it for years: %s", got)
	}
}

// Each lot may be awarded by a notice of its own, and an award does not number the lots of the call again.
func TestAwardsByLot(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	award := func(lot, winner string) vigie.LotAward {
		return vigie.LotAward{Lot: lot, Outcome: vigie.LotAwarded, Winners: []vigie.Winner{{Name: winner}}}
	}
	f := vigie.Fold([]*vigie.Notice{
		{Kind: vigie.ContractNotice, PublishedAt: day(1), Content: vigie.Content{Lots: []vigie.Lot{{Number: "1", Title: "Gros œuvre"}, {Number: "2", Title: "Peinture"}}}},
		{Kind: vigie.Award, PublishedAt: day(2), Content: vigie.Content{Lots: []vigie.Lot{{Number: "7", Title: "Lot"}}, Details: vigie.Details{Awards: []vigie.LotAward{award("1", "A")}}}},
		{Kind: vigie.Award, PublishedAt: day(3), Content: vigie.Content{Details: vigie.Details{Awards: []vigie.LotAward{award("2", "B"), award("1", "C")}}}},
	})
	want := []vigie.LotAward{award("1", "C"), award("2", "B")}
	if got := f.Content.Details.Awards; len(got) != 2 || !got[0].Equal(want[0]) || !got[1].Equal(want[1]) {
		t.Errorf("awards %v", got)
	}
	if lots := f.Content.Lots; len(lots) != 2 || lots[1].Title != "Peinture" {
		t.Errorf("lots %v", lots)
	}
}

// What is performed abroad alone is of no department, and not nationwide.
func TestAbroad(t *testing.T) {
	for _, test := range []struct {
		content vigie.Content
		want    bool
	}{
		{vigie.Content{}, false},
		{vigie.Content{Details: vigie.Details{Places: []vigie.Place{{Country: "DE"}, {Country: "BE"}}}}, true},
		{vigie.Content{Details: vigie.Details{Places: []vigie.Place{{Country: "DE"}, {Country: "FR"}}}}, false},
		{vigie.Content{Details: vigie.Details{Places: []vigie.Place{{Country: "RE"}}}}, false},
		{vigie.Content{Details: vigie.Details{Places: []vigie.Place{{Country: "DE"}, {NUTS: "FRK26"}}}}, false},
		{vigie.Content{Departments: []string{"67"}, Details: vigie.Details{Places: []vigie.Place{{Country: "DE"}}}}, false},
	} {
		if got := test.content.Abroad(); got != test.want {
			t.Errorf("%v: %v", test.content, got)
		}
	}
}
