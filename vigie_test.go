package vigie_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
)

func day(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

func deadline(n int) *time.Time { return new(day(n)) }

func TestFold(t *testing.T) {
	initial := &vigie.Notice{SourceRef: "26-99", PublishedAt: day(1), Kind: vigie.ContractNotice, Revision: 1,
		Buyer:   vigie.BuyerName{Name: "Ville", SIRET: "1"},
		Content: vigie.Content{Title: "Voirie", Departments: []string{"01"}, Deadline: deadline(20)}}
	corrected := &vigie.Notice{SourceRef: "26-100", PublishedAt: day(1), Kind: vigie.Correction, Revision: 1,
		Buyer: vigie.BuyerName{Name: "VILLE"}, Content: vigie.Content{Title: "Voirie et réseaux", Deadline: deadline(25)}}
	cancelled := &vigie.Notice{SourceRef: "26-200", PublishedAt: day(5), Kind: vigie.Cancellation, Revision: 1}
	correctedLate := &vigie.Notice{SourceRef: "26-201", PublishedAt: day(6), Kind: vigie.Correction, Revision: 1, Content: vigie.Content{Reference: "R"}}
	again := &vigie.Notice{SourceRef: "26-300", PublishedAt: day(7), Kind: vigie.ContractNotice, Revision: 1, Content: vigie.Content{Title: "Voirie, relance"}}
	awarded := &vigie.Notice{SourceRef: "26-400", PublishedAt: day(9), Kind: vigie.Award, Revision: 1}
	all := []*vigie.Notice{initial, corrected, cancelled, correctedLate, again, awarded}
	for n, want := range map[int]struct {
		title   string
		outcome vigie.Outcome
		changed string
	}{
		1: {"Voirie", vigie.Undecided, ""},
		2: {"Voirie et réseaux", vigie.Undecided, "deadline title buyer"},
		3: {"Voirie et réseaux", vigie.Cancelled, "status"},
		4: {"Voirie et réseaux", vigie.Cancelled, "reference"},
		5: {"Voirie, relance", vigie.Undecided, "status title"},
		6: {"Voirie, relance", vigie.Awarded, "status"},
	} {
		notices := slices.Clone(all[:n])
		slices.Reverse(notices) // the order given does not matter
		f := vigie.Fold(notices)
		if f.Content.Title != want.title || f.Outcome != want.outcome || f.SourceRef != "26-99" || !f.PublishedAt.Equal(day(1)) {
			t.Errorf("%d notices: %q, %q, %s of %v", n, f.Content.Title, f.Outcome, f.SourceRef, f.PublishedAt)
		}
		if !slices.Equal(f.Content.Departments, []string{"01"}) || f.Buyer.SIRET != "1" {
			t.Errorf("%d notices: what was not repeated is lost: %v, %v", n, f.Content.Departments, f.Buyer)
		}
		var changed []string
		for _, c := range f.Changes()[n-1] {
			changed = append(changed, c.Field)
		}
		if got := strings.Join(changed, " "); got != want.changed {
			t.Errorf("notice %d changed %q, want %q", n, got, want.changed)
		}
		if !slices.Equal(f.Notices, all[:n]) {
			t.Errorf("%d notices are not in the order of publication", n)
		}
	}
}

// What a notice changed has what it was before, and the page of a
// notice, which each has, is no change.
func TestChanges(t *testing.T) {
	first := &vigie.Notice{SourceRef: "26-1", PublishedAt: day(1), Kind: vigie.ContractNotice, Revision: 1,
		Content: vigie.Content{Title: "Voirie", Deadline: deadline(20), URL: "https://example.org/26-1"}}
	elsewhere := &vigie.Notice{SourceRef: "26-1", PublishedAt: day(1), Kind: vigie.ContractNotice, Revision: 2,
		Content: vigie.Content{URL: "https://example.org/avis/26-1"}}
	for name, test := range map[string]struct {
		then *vigie.Notice
		want string
	}{
		"a follow-up has its own page": {&vigie.Notice{SourceRef: "26-2", PublishedAt: day(2), Kind: vigie.Correction, Revision: 1,
			Content: vigie.Content{Title: "Voirie et réseaux", URL: "https://example.org/26-2"}}, "title: Voirie > Voirie et réseaux"},
		"the page of a notice that moved": {elsewhere, "url: https://example.org/26-1 > https://example.org/avis/26-1"},
		"a cancellation":                  {&vigie.Notice{SourceRef: "26-3", PublishedAt: day(3), Kind: vigie.Cancellation, Revision: 1}, "status: En ligne > Annulé"},
		"a late cancellation":             {&vigie.Notice{SourceRef: "26-3", PublishedAt: day(21), Kind: vigie.Cancellation, Revision: 1}, "status: Clos > Annulé"},
		"an award":                        {&vigie.Notice{SourceRef: "26-4", PublishedAt: day(30), Kind: vigie.Award, Revision: 1}, "status: Clos > Attribué"},
		"a deadline that passed":          {&vigie.Notice{SourceRef: "26-5", PublishedAt: day(25), Kind: vigie.Correction, Revision: 1}, ""},
	} {
		var got []string
		for _, c := range vigie.Fold([]*vigie.Notice{first, test.then}).Changes()[1] {
			got = append(got, c.Field+": "+c.Before.FR+" > "+c.After.FR)
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: %v, want %q", name, got, test.want)
		}
	}
}

// What a correction says of the deadline and of the title.
func TestFoldCorrections(t *testing.T) {
	initial := vigie.Content{Title: "Voirie", Deadline: deadline(20), DeadlineText: "le 20"}
	for name, test := range map[string]struct {
		correction vigie.Content
		deadline   *time.Time
		kind       vigie.DeadlineKind
		title      string
		changed    int
	}{
		"another deadline": {vigie.Content{Deadline: deadline(25), DeadlineKind: vigie.ForParticipation}, deadline(25), vigie.ForParticipation, "Voirie", 2},
		"nothing of it":    {vigie.Content{Correction: "Le règlement est complété."}, deadline(20), "", "Voirie", 0},
		"unclear":          {vigie.Content{DeadlineUnclear: true}, nil, "", "Voirie", 1},
		"marked":           {vigie.Content{Title: "Voirie (rectificatif)"}, deadline(20), "", "Voirie", 0},
		"marked before":    {vigie.Content{Title: "Rectificatif : voirie"}, deadline(20), "", "Voirie", 0},
		"another title":    {vigie.Content{Title: "Voirie et réseaux (rectificatif)"}, deadline(20), "", "Voirie et réseaux (rectificatif)", 1},
		"another case":     {vigie.Content{Title: "VOIRIE"}, deadline(20), "", "VOIRIE", 1},
	} {
		f := vigie.Fold([]*vigie.Notice{
			{SourceRef: "26-1", PublishedAt: day(1), Kind: vigie.ContractNotice, Content: initial},
			{SourceRef: "26-2", PublishedAt: day(2), Kind: vigie.Correction, Content: test.correction},
		})
		c := f.Content
		if (c.Deadline == nil) != (test.deadline == nil) || c.Deadline != nil && !c.Deadline.Equal(*test.deadline) ||
			(c.Deadline == nil) != (c.DeadlineText == "") && test.deadline == nil || c.DeadlineKind != test.kind || c.Title != test.title {
			t.Errorf("%s: deadline %v (%s) %q, title %q", name, c.Deadline, c.DeadlineText, c.DeadlineKind, c.Title)
		}
		if changes := f.Changes(); len(changes[1]) != test.changed {
			t.Errorf("%s: changes %v", name, changes[1])
		}
	}
}

// A tender without a deadline is online until its source stops showing it; a
// planning notice is never, and what it announced is again.
func TestOnlineUntil(t *testing.T) {
	planned := &vigie.Notice{SourceRef: "26-1", PublishedAt: day(1), Kind: vigie.ContractNotice, Content: vigie.Content{OnlineUntil: deadline(1)}}
	called := &vigie.Notice{SourceRef: "26-2", PublishedAt: day(3), Kind: vigie.ContractNotice}
	shown := &vigie.Notice{SourceRef: "26-3", PublishedAt: day(4), Kind: vigie.Correction, Content: vigie.Content{OnlineUntil: deadline(8)}}
	due := &vigie.Notice{SourceRef: "26-4", PublishedAt: day(5), Kind: vigie.Correction, Content: vigie.Content{Deadline: deadline(12)}}
	all := []*vigie.Notice{planned, called, shown, due}
	for n, online := range map[int][3]bool{1: {}, 2: {true, true, true}, 3: {true, false, false}, 4: {true, true, false}} {
		tender := vigie.Tender{Content: vigie.Fold(all[:n]).Content}
		for i, at := range []int{6, 10, 13} {
			if got := tender.Status(day(at)) == vigie.StatusOnline; got != online[i] {
				t.Errorf("after %d notices, on day %d: online %v", n, at, got)
			}
		}
	}
}

func TestBuyerNameOver(t *testing.T) {
	known := vigie.BuyerName{Name: "Ville de Bourg", SIRET: "1", City: "Bourg"}
	if got, want := (vigie.BuyerName{Name: "VILLE DE BOURG"}).Over(known), (vigie.BuyerName{Name: "VILLE DE BOURG", SIRET: "1", City: "Bourg"}); got != want {
		t.Errorf("the same name: %v", got)
	}
	if got, want := (vigie.BuyerName{Name: "Commune de Val"}).Over(known), (vigie.BuyerName{Name: "Commune de Val"}); got != want {
		t.Errorf("another name keeps what was said of the first: %v", got)
	}
	if got := (vigie.BuyerName{}).Over(known); got != known {
		t.Errorf("nothing said: %v", got)
	}
}

func TestStatus(t *testing.T) {
	noon := day(10).Add(12 * time.Hour)
	for _, test := range []struct {
		tender vigie.Tender
		want   vigie.TenderStatus
	}{
		{vigie.Tender{}, vigie.StatusOnline},
		{vigie.Tender{Content: vigie.Content{Deadline: &noon}}, vigie.StatusOnline}, // on the minute
		{vigie.Tender{Content: vigie.Content{Deadline: deadline(10)}}, vigie.StatusClosed},
		{vigie.Tender{Content: vigie.Content{Deadline: deadline(30)}, Outcome: vigie.Cancelled}, vigie.StatusCancelled},
		{vigie.Tender{Outcome: vigie.Awarded}, vigie.StatusAwarded},
	} {
		if got := test.tender.Status(noon); got != test.want {
			t.Errorf("%+v: %s, want %s", test.tender, got, test.want)
		}
	}
}

func TestMoment(t *testing.T) {
	for _, test := range []struct{ utc, fr, en string }{
		{"2026-11-09T16:00:00Z", "lundi 9 novembre 2026 à 17 h 00 (heure de Paris)", "Monday 9 November 2026 at 17:00 (Paris time)"},
		{"2026-07-31T22:05:00Z", "samedi 1er août 2026 à 0 h 05 (heure de Paris)", "Saturday 1 August 2026 at 00:05 (Paris time)"},
	} {
		at, err := time.Parse(time.RFC3339, test.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := vigie.Moment(at); got.FR != test.fr || got.EN != test.en {
			t.Errorf("%s: %v", test.utc, got)
		}
	}
}

// The midnight of a source that gives days alone is not said.
func TestDaysAlone(t *testing.T) {
	for _, test := range []struct {
		utc             string
		words           func(time.Time) vigie.Text
		french, english string
	}{
		{"2026-11-30T23:00:00Z", vigie.WhenPublished, "mardi 1er décembre 2026", "Tuesday 1 December 2026"},
		{"2026-11-30T23:01:00Z", vigie.WhenPublished, "mardi 1er décembre 2026 à 0 h 01 (heure de Paris)", "Tuesday 1 December 2026 at 00:01 (Paris time)"},
		{"2026-11-30T23:00:00Z", vigie.KnownUntil, "lundi 30 novembre 2026 inclus", "the end of Monday 30 November 2026"},
		{"2026-11-30T08:30:00Z", vigie.KnownUntil, "lundi 30 novembre 2026 à 9 h 30 (heure de Paris)", "Monday 30 November 2026 at 09:30 (Paris time)"},
	} {
		at, err := time.Parse(time.RFC3339, test.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.words(at); got.FR != test.french || got.EN != test.english {
			t.Errorf("%s: %v", test.utc, got)
		}
	}
}

func TestValidSIRET(t *testing.T) {
	for siret, want := range map[string]bool{
		"73282932000074": true, "73282932000075": false, "7328293200007": false, "7328293200007a": false, "": false,
		"35600000000048": true, // La Poste's seat, by Luhn
		"35600000049837": true, // one of its establishments, by INSEE's other rule
		"35600000049838": false,
	} {
		if got := vigie.ValidSIRET(siret); got != want {
			t.Errorf("%s: %v", siret, got)
		}
	}
}

func TestGlobalID(t *testing.T) {
	for _, kind := range vigie.Kinds() {
		gotKind, id, ok := vigie.ParseGlobalID(vigie.GlobalID(kind, 12))
		if gotKind != kind || id != 12 || !ok {
			t.Errorf("%s: %s %d %v", kind, gotKind, id, ok)
		}
	}
	for _, s := range []string{"", "watch", "watch_", "watch_0", "watch_-1", "watch_01", "watch_+1", "watch_1 ", "Watch_1", "thing_1", "watch_99999999999999999999"} {
		if _, _, ok := vigie.ParseGlobalID(s); ok {
			t.Errorf("%q is taken for an id", s)
		}
	}
}

func TestDepartments(t *testing.T) {
	all := vigie.Departments()
	var codes []string
	for _, d := range all {
		codes = append(codes, d.Code)
		if got, ok := vigie.DepartmentByCode(d.Code); !ok || got != d || d.Name == "" || d.Region == "" {
			t.Errorf("%s: %v", d.Code, got)
		}
	}
	if list := strings.Join(codes, " "); !strings.HasPrefix(list, "01 02 ") || !strings.Contains(list, " 19 21 22 23 24 25 26 27 28 29 2A 2B 30 ") && !strings.Contains(list, " 19 2A 2B 21 ") {
		t.Errorf("order: %s", list)
	}
	for in, want := range map[string]string{"5": "05", "2a": "2A", " 75 ": "75", "971": "971", "20A": "2A", "20B": "2B", "x": "X"} {
		if got := vigie.NormalizeDepartment(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	text := vigie.Text{FR: "%d %s", EN: "%d of %s"}.With(3, vigie.Text{FR: "marchés", EN: "tenders"})
	if text.In(vigie.French) != "3 marchés" || text.In(vigie.English) != "3 of tenders" || text.In("") != "3 marchés" {
		t.Error(text)
	}
	if vigie.CPVLabel("45233140") != "Travaux routiers" || vigie.CPVLabel("00000000") != "" {
		t.Error(vigie.CPVLabel("45233140"))
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("disk on fire")
	err := fmt.Errorf("open: %w", &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{FR: "En panne.", EN: "Down."}, Err: cause})
	if vigie.CodeOf(err) != vigie.Unavailable || !errors.Is(err, cause) || vigie.CodeOf(cause) != vigie.Internal || vigie.CodeOf(nil) != "" {
		t.Error(err)
	}
	var problems vigie.Problems
	if problems.Err() != nil {
		t.Error("no problem is an error")
	}
	problems.Add(vigie.Blank, vigie.Text{FR: "Vide.", EN: "Empty."}, "input", "name")
	if err := problems.Err(); vigie.CodeOf(err) != vigie.Blank || err.Error() != "BLANK at input.name: Empty." {
		t.Error(err)
	}
}
