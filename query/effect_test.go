package query_test

import (
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/query"
)

// What a notice means for a watch on « voirie »: each row lists a tender's notices, of which the last is the one to
// judge; notices after a bar came later and are already known.
func TestNews(t *testing.T) {
	noon := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	type step struct {
		kind     vigie.NoticeKind
		title    string
		deadline int // days from now; 0 for none said
		quiet    bool
	}
	const opens, corrects, cancels, awards = vigie.ContractNotice, vigie.Correction, vigie.Cancellation, vigie.Award
	for _, test := range []struct {
		name  string
		story []step
		later []step
		want  vigie.DeliveryKind
	}{
		{"announced", []step{{kind: opens, title: "voirie"}}, nil, vigie.DeliverNew},
		{"announced, of no interest", []step{{kind: opens, title: "cantine"}}, nil, ""},
		{"announced quietly", []step{{kind: opens, title: "voirie", quiet: true}}, nil, ""},
		{"announced when closed", []step{{kind: opens, title: "voirie", deadline: -1}}, nil, ""},
		{"announced, cancelled since", []step{{kind: opens, title: "voirie"}}, []step{{kind: cancels}}, ""},
		{"announced, corrected out of sight since", []step{{kind: opens, title: "voirie"}}, []step{{kind: corrects, title: "cantine"}}, ""},
		{"announced, corrected into sight since", []step{{kind: opens, title: "cantine"}}, []step{{kind: corrects, title: "voirie"}}, ""},
		{"a correction that comes first", []step{{kind: corrects, title: "voirie"}}, nil, vigie.DeliverNew},
		{"a cancellation that comes first", []step{{kind: cancels, title: "voirie"}}, nil, ""},

		{"corrected into sight", []step{{kind: opens, title: "cantine"}, {kind: corrects, title: "voirie"}}, nil, vigie.DeliverNew},
		{"corrected", []step{{kind: opens, title: "voirie"}, {kind: corrects, title: "voirie", deadline: 9}}, nil, vigie.DeliverCorrected},
		{"corrected out of sight", []step{{kind: opens, title: "voirie"}, {kind: corrects, title: "cantine"}}, nil, vigie.DeliverCorrected},
		{"corrected, nothing changed", []step{{kind: opens, title: "voirie"}, {kind: corrects}}, nil, vigie.DeliverCorrected},
		{"corrected quietly", []step{{kind: opens, title: "voirie"}, {kind: corrects, title: "cantine", quiet: true}}, nil, ""},
		{"announced again", []step{{kind: opens, title: "voirie"}, {kind: opens, title: "voirie et réseaux"}}, nil, vigie.DeliverCorrected},
		{"announced again, nothing changed", []step{{kind: opens, title: "voirie"}, {kind: opens}}, nil, ""},
		{"corrected to be closed", []step{{kind: opens, title: "voirie"}, {kind: corrects, deadline: -1}}, nil, vigie.DeliverCorrected},
		{"corrected to be open again", []step{{kind: opens, title: "voirie", deadline: -1}, {kind: corrects, deadline: 9}}, nil, vigie.DeliverNew},
		{"corrected when closed", []step{{kind: opens, title: "voirie", deadline: -2}, {kind: corrects, deadline: -1}}, nil, ""},
		{"corrected, of no interest", []step{{kind: opens, title: "cantine"}, {kind: corrects, title: "repas"}}, nil, ""},
		{"corrected, corrected again since", []step{{kind: opens, title: "voirie"}, {kind: corrects, deadline: 9}}, []step{{kind: corrects, deadline: 8}}, vigie.DeliverCorrected},

		{"cancelled", []step{{kind: opens, title: "voirie"}, {kind: cancels}}, nil, vigie.DeliverCancelled},
		{"cancelled in other words", []step{{kind: opens, title: "voirie"}, {kind: cancels, title: "sans suite"}}, nil, vigie.DeliverCancelled},
		{"cancelled when closed", []step{{kind: opens, title: "voirie", deadline: -1}, {kind: cancels}}, nil, vigie.DeliverCancelled},
		{"cancelled twice", []step{{kind: opens, title: "voirie"}, {kind: cancels}, {kind: cancels, title: "voirie, suite"}}, nil, ""},
		{"cancelled, of no interest", []step{{kind: opens, title: "cantine"}, {kind: cancels, title: "voirie"}}, nil, ""},
		{"cancelled quietly", []step{{kind: opens, title: "voirie"}, {kind: cancels, quiet: true}}, nil, ""},
		{"corrected when cancelled", []step{{kind: opens, title: "voirie"}, {kind: cancels}, {kind: corrects, deadline: 9}}, nil, ""},
		{"announced again", []step{{kind: opens, title: "voirie"}, {kind: cancels}, {kind: opens, title: "voirie"}}, nil, vigie.DeliverNew},

		{"awarded", []step{{kind: opens, title: "voirie"}, {kind: awards}}, nil, ""},
		{"awarded, and now of interest", []step{{kind: opens, title: "cantine"}, {kind: awards, title: "voirie"}}, nil, ""},
		{"cancelled after the award", []step{{kind: opens, title: "voirie"}, {kind: awards}, {kind: cancels}}, nil, vigie.DeliverCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			var notices []*vigie.Notice
			for i, s := range slices.Concat(test.story, test.later) {
				n := &vigie.Notice{
					ID: int64(10 * (i + 1)), Source: "test", SourceRef: string(rune('a' + i)), Kind: s.kind, Quiet: s.quiet,
					PublishedAt: noon.AddDate(0, 0, i-30), Content: vigie.Content{Title: s.title, URL: "https://example.org/" + string(rune('a'+i))}, // each has a page of its own
				}
				if s.deadline != 0 {
					n.Content.Deadline = new(noon.AddDate(0, 0, s.deadline))
				}
				notices = append(notices, n)
			}
			f := vigie.Fold(notices)
			tender := &vigie.Tender{ID: 10, Source: f.Source, SourceRef: f.SourceRef, Content: f.Content, BuyerID: 1, Outcome: f.Outcome}
			last := notices[len(test.story)-1]
			watched := query.NewSet([]vigie.Criteria{{Keywords: []string{"hôpital"}}, {Keywords: []string{"voirie"}, BuyerIDs: []int64{1}}, {Keywords: []string{"voirie"}, BuyerIDs: []int64{2}}})
			var got vigie.DeliveryKind
			query.EffectOf(last, tender, notices).For(watched, noon, func(place int, kind vigie.DeliveryKind, keywords []string) {
				if place != 1 || !slices.Equal(keywords, []string{"voirie"}) {
					t.Errorf("%s for watch %d, by %v", kind, place, keywords)
				}
				got = kind
			})
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
