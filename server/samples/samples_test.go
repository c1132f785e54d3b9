package samples_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/server/samples"
)

// The samples that say all are sound at any hour, and show what they are there for.
func TestFull(t *testing.T) {
	now := time.Date(2031, 3, 9, 23, 30, 0, 0, time.UTC) // the next day in Paris
	for _, at := range []time.Time{now, now.Add(time.Hour), now.AddDate(0, 0, -400)} {
		notices, err := samples.FullAt(at)
		if err != nil {
			t.Fatal(err)
		}
		byTender := make(map[string][]*vigie.Notice)
		for _, n := range notices {
			if err := n.Validate(at).Err(); err != nil {
				t.Errorf("%s: %v", n.SourceRef, err)
			}
			ref := n.SourceRef
			for _, link := range n.Links {
				ref = link
			}
			byTender[ref] = append(byTender[ref], n)
		}
		status := make(map[string]vigie.TenderStatus)
		for ref, list := range byTender {
			f := vigie.Fold(list)
			tender := vigie.Tender{Content: f.Content, Outcome: f.Outcome}
			status[ref] = tender.Status(at)
			switch ref {
			case "M-101":
				if d := tender.Details; d.Value == (vigie.Money{}) || d.Technique != vigie.FrameworkAgreement || len(tender.Lots) != 4 || !f.Content.DocumentsChanged {
					t.Errorf("the framework is %+v", tender)
				}
			case "M-103":
				if awards := tender.Details.Awards; len(awards) != 2 || awards[1].Outcome != vigie.LotUnawarded {
					t.Errorf("the awards are %+v", awards)
				}
			case "M-106":
				if !tender.Abroad() {
					t.Error("Kehl is abroad")
				}
			}
		}
		want := map[string]vigie.TenderStatus{
			"M-101": vigie.StatusOnline, "M-103": vigie.StatusAwarded, "M-105": vigie.StatusPlanned, "M-106": vigie.StatusOnline, "M-107": vigie.StatusOnline, "M-108": vigie.StatusOnline,
		}
		for ref, s := range want {
			if status[ref] != s {
				t.Errorf("%s is %s, not %s", ref, status[ref], s)
			}
		}
	}
}
