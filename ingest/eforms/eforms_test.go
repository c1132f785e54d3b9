package eforms

import (
	"testing"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

func TestKind(t *testing.T) {
	changed, cancelled := []string{"", "cor-buy"}, []string{"", "cancel"}
	for _, test := range []struct {
		subtype, form string
		changes       []string
		want          vigie.NoticeKind
	}{
		{"4", "planning", nil, vigie.Planning},
		{"E2", "", nil, vigie.Planning},
		{"T01", "", nil, vigie.Planning},
		{"E1", "consultation", nil, vigie.Planning},
		{"4", "planning", changed, vigie.Planning},
		{"4", "planning", cancelled, vigie.Cancellation},
		{"10", "competition", nil, vigie.ContractNotice}, // prior information used as a call
		{"16", "competition", nil, vigie.ContractNotice},
		{"CEI", "", nil, vigie.ContractNotice},
		{"E3", "", nil, vigie.ContractNotice},
		{"16", "competition", changed, vigie.Correction},
		{"16", "competition", []string{""}, vigie.Correction},
		{"23", "change", nil, vigie.ContractNotice},
		{"", "change", nil, vigie.Correction},
		{"16", "competition", cancelled, vigie.Cancellation},
		{"25", "dir-awa-pre", nil, vigie.Award},
		{"29", "result", nil, vigie.Award},
		{"29", "result", cancelled, vigie.Award},
		{"E4", "", nil, vigie.Award},
		{"T02", "", nil, vigie.Award},
		{"38", "cont-modif", nil, vigie.Award},
		{"E6", "", nil, vigie.Award},
		{"E5", "completion", nil, vigie.Award},
		{"", "planning", nil, vigie.Planning},
		{"", "", nil, vigie.ContractNotice},
		{"99", "result", nil, vigie.Award},
	} {
		if got := kind(test.subtype, test.form, test.changes); got != test.want {
			t.Errorf("kind(%q, %q, %q) = %s, want %s", test.subtype, test.form, test.changes, got, test.want)
		}
	}
}

func TestCountries(t *testing.T) {
	for code, want := range map[string]string{"FRA": "FR", "FR": "FR", "GBR": "GB", "UK": "GB", "GRC": "GR", "REU": "RE", "1A0": "XK", "": "", "XYZ": "", "150": ""} {
		if got := country(code); got != want {
			t.Errorf("country(%q) = %q, want %q", code, got, want)
		}
	}
	for code, want := range map[string]string{"FRA": "fr", "deu": "de", "SRP": "sr", "0D0": "", "": ""} {
		if got := isoLanguage(code); got != want {
			t.Errorf("isoLanguage(%q) = %q, want %q", code, got, want)
		}
	}
	for code, name := range zones {
		if zone := zoneOf(code); zone == nil || country(code) != code && code != "XK" {
			t.Errorf("%s: no zone %s, or no country", code, name)
		}
	}
	if zoneOf("GP") != vigie.Paris() || zoneOf("JP") != nil {
		t.Error("the zone of Guadeloupe, or of Japan")
	}
}

// Only the digits of a clock count where the country is known; else its offset is all there is.
func TestMoment(t *testing.T) {
	for _, test := range []struct {
		clock   string
		country string
		want    string
	}{
		{"2026-12-14T12:00:00+02:00", "FR", "2026-12-14T11:00:00Z"},
		{"2026-12-14T12:00:00Z", "NL", "2026-12-14T11:00:00Z"},
		{"2026-12-14T12:00:00+01:00", "RO", "2026-12-14T10:00:00Z"},
		{"2026-12-14T12:00:00Z", "", "2026-12-14T12:00:00Z"},
		{"2026-12-14T12:00:00+09:00", "", "2026-12-14T03:00:00Z"},
		{"2026-12-14T12:00:00", "", "2026-12-14T12:00:00Z"},
		{"2026-12-14", "FR", "2026-12-14T22:59:00Z"},
	} {
		clock, ok := ingest.ParseClock(test.clock)
		r := &reader{zone: zoneOf(test.country)}
		if got := r.moment(clock).Format(time.RFC3339); !ok || got != test.want {
			t.Errorf("%s in %q: %s, want %s", test.clock, test.country, got, test.want)
		}
	}
}

// The deadline is the first that is still to come: a correction may come between requests to participate and bids.
func TestFirstDeadline(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 12, n, 12, 0, 0, 0, time.UTC) }
	r := &reader{published: day(10)}
	for _, test := range []struct {
		list []deadline
		want int // a day, 0 for none
		kind vigie.DeadlineKind
	}{
		{nil, 0, ""},
		{[]deadline{{day(20), vigie.ForBids, ""}, {day(5), vigie.ForParticipation, ""}}, 20, vigie.ForBids},
		{[]deadline{{day(20), vigie.ForBids, ""}, {day(15), vigie.ForParticipation, ""}}, 15, vigie.ForParticipation},
		{[]deadline{{day(15), vigie.ForBids, ""}, {day(15), vigie.ForInterest, ""}}, 15, vigie.ForBids},
		{[]deadline{{day(6), vigie.ForBids, ""}, {day(5), vigie.ForInterest, ""}}, 5, vigie.ForInterest},
	} {
		got := r.first(test.list)
		if (got == nil) != (test.want == 0) || got != nil && (!got.at.Equal(day(test.want)) || got.kind != test.kind) {
			t.Errorf("first of %v = %v", test.list, got)
		}
	}
}

func TestWeights(t *testing.T) {
	for _, test := range []struct {
		code, text, weight string
		unit               vigie.WeightUnit
		ok                 bool
	}{
		{"per-exa", "60.00", "60", vigie.Percent, true},
		{"per-mid", "40.5", "40.5", vigie.Percent, true},
		{"dec-exa", "0.35", "35", vigie.Percent, true},
		{"poi-exa", "100", "100", vigie.Points, true},
		{"ord-imp", "1", "1", vigie.Rank, true},
		{"", "40", "40", "", true},
		{"other", "40", "", "", false},
		{"per-exa", "-1", "", "", false},
		{"per-exa", "NaN", "", "", false},
		{"per-exa", "beaucoup", "", "", false},
	} {
		weight, unit, ok := weightOf(test.code, test.text)
		if weight != test.weight || unit != test.unit || ok != test.ok {
			t.Errorf("weightOf(%q, %q) = %q %q %v", test.code, test.text, weight, unit, ok)
		}
	}
}

// value of lots is the sum only where all of them state one, in one currency.
func TestValue(t *testing.T) {
	amount := func(of, currency string) map[string]any {
		return map[string]any{"ProcurementProject": map[string]any{"RequestedTenderTotal": map[string]any{
			"EstimatedOverallContractAmount": map[string]any{"@currencyID": currency, "#text": of},
		}}}
	}
	none := map[string]any{"ProcurementProject": map[string]any{}}
	for _, test := range []struct {
		whole map[string]any
		lots  []any
		want  string
	}{
		{none, []any{amount("100.50", "EUR"), amount("200", "EUR")}, "300.50"},
		{none, []any{amount("100", "EUR"), none}, ""},
		{none, []any{amount("100", "EUR"), amount("100", "CHF")}, ""},
		{none, []any{amount("100", "EUR"), amount("0.1", "EUR")}, ""},
		{amount("250", "EUR"), []any{amount("100", "EUR")}, "250"},
		{none, nil, ""},
	} {
		test.whole["ProcurementProjectLot"] = test.lots
		r := newReader(tree.Nodes{test.whole}, Given{})
		if got := r.value(); got.Amount != test.want {
			t.Errorf("%v: %v, want %s", test.lots, got, test.want)
		}
	}
}
