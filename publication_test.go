package vigie_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"vigie"
)

const procedure = "0b1f7c1e-6a55-4f0e-9f0d-3f1b5f0f7a11"

// published is a notice of the procedure, published on a day of November 2026.
func published(source, ref, identifier string, day int, kind vigie.NoticeKind, change ...func(*vigie.Notice)) *vigie.Notice {
	n := &vigie.Notice{
		Source: source, SourceRef: ref, Identifier: identifier, Kind: kind, Revision: 1,
		PublishedAt: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC), Links: []string{vigie.ProcedureLink(procedure)},
		Content: vigie.Content{Title: "Voirie (" + source + ")"},
	}
	for _, c := range change {
		c(n)
	}
	return n
}

func deadlineOn(day int) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Content.Deadline = new(time.Date(2026, 12, day, 11, 0, 0, 0, time.UTC)) }
}

// The same notice elsewhere is one more publication, and changes nothing.
func TestSameNoticeElsewhere(t *testing.T) {
	f := vigie.Fold([]*vigie.Notice{
		published("boamp", "26-1", "a-01", 1, vigie.ContractNotice, deadlineOn(10)),
		published("ted", "700-2026", "A-01", 3, vigie.ContractNotice, deadlineOn(10), func(n *vigie.Notice) { n.Content.Description = "Rues du centre" }),
		published("boamp", "26-2", "b-01", 4, vigie.Cancellation),
		published("ted", "712-2026", "b-01", 5, vigie.Cancellation),
		published("platform", "P1", "", 6, vigie.ContractNotice, deadlineOn(10)), // the first, without its identifier
	})
	if f.Outcome != vigie.Cancelled || f.Content.Title != "Voirie (boamp)" || f.Content.Description != "Rues du centre" {
		t.Errorf("outcome %q, title %q, description %q", f.Outcome, f.Content.Title, f.Content.Description)
	}
	if shown := f.Shown(); len(shown) != 2 {
		t.Errorf("%d notices are shown, want 2", len(shown))
	}
	if all := vigie.PublicationsOf(f.Notices); len(all) != 5 || all[1].Source != "ted" || all[1].SourceRef != "700-2026" {
		t.Errorf("publications %v", all)
	}
	if want := time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC); !f.UpdatedAt.Equal(want) {
		t.Errorf("updated %s, want %s", f.UpdatedAt, want)
	}
}

// What differs is not the same notice.
func TestNotTheSameElsewhere(t *testing.T) {
	first := published("boamp", "26-1", "a-01", 1, vigie.ContractNotice, deadlineOn(10))
	for name, second := range map[string]*vigie.Notice{
		"another version":            published("ted", "700-2026", "a-02", 2, vigie.ContractNotice, deadlineOn(10)),
		"another deadline":           published("ted", "700-2026", "", 2, vigie.ContractNotice, deadlineOn(11)),
		"another kind":               published("ted", "700-2026", "", 2, vigie.Correction, deadlineOn(10)),
		"a week later":               published("ted", "700-2026", "", 8, vigie.ContractNotice, deadlineOn(10)),
		"another procedure":          published("ted", "700-2026", "", 2, vigie.ContractNotice, deadlineOn(10), func(n *vigie.Notice) { n.Links = nil }),
		"the same source, once more": published("boamp", "26-2", "a-01", 2, vigie.ContractNotice, deadlineOn(10)),
	} {
		if shown := vigie.Fold([]*vigie.Notice{first, second}).Shown(); len(shown) != 2 {
			t.Errorf("%s: %d notices are shown, want 2", name, len(shown))
		}
	}
}

// Whatever the order in which sources are read, the tender is the same, and each notice is news once.
func TestSourcesInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		var notices []*vigie.Notice
		for i := range 1 + random.IntN(5) {
			day, kind := 1+random.IntN(20), []vigie.NoticeKind{vigie.ContractNotice, vigie.Correction, vigie.Cancellation, vigie.Award, vigie.Planning}[random.IntN(5)]
			identifier := fmt.Sprintf("n%d-01", i)
			for s, source := range []string{"boamp", "ted"} {
				if random.IntN(3) > 0 {
					notices = append(notices, published(source, fmt.Sprintf("%s-%d", source, i), identifier, day+s*random.IntN(4), kind, deadlineOn(1+random.IntN(3))))
				}
			}
		}
		want := vigie.Fold(notices)
		random.Shuffle(len(notices), func(i, j int) { notices[i], notices[j] = notices[j], notices[i] })
		for i, n := range notices {
			n.ID = int64(i + 1)
		}
		got := vigie.Fold(notices)
		if got.Outcome != want.Outcome || !got.Content.Equal(want.Content) || got.Source != want.Source || !slices.Equal(vigie.PublicationsOf(got.Notices), vigie.PublicationsOf(want.Notices)) {
			t.Fatalf("in another order %+v, want %+v", got, want)
		}
		news := make(map[string]int)
		for i, n := range notices {
			if !vigie.CopyOf(notices[:i], n) {
				news[n.Identifier]++
			}
		}
		for identifier, times := range news {
			if times != 1 {
				t.Fatalf("%s is news %d times", identifier, times)
			}
		}
	}
}
