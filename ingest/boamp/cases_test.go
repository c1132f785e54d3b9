package boamp_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vigie"
)

// TestCases reads inputs that were read wrong, where VIGIE_TEST_DATA has them;
// shapes.jsonl has the same kinds.
func TestCases(t *testing.T) {
	paris := func(s string) *time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, vigie.Paris())
		if err != nil {
			t.Fatal(err)
		}
		return &at
	}
	equal := func(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }
	departments := func(code string) func(*vigie.Notice) bool {
		return func(n *vigie.Notice) bool { return slices.Equal(n.Content.Departments, []string{code}) }
	}
	both := func(code string) func(*vigie.Notice) bool {
		return func(n *vigie.Notice) bool { return departments(code)(n) && n.Buyer.DepartmentCode == code }
	}
	kind := func(k vigie.NoticeKind) func(*vigie.Notice) bool {
		return func(n *vigie.Notice) bool { return n.Kind == k }
	}
	deadline := func(at *time.Time, k vigie.DeadlineKind) func(*vigie.Notice) bool {
		return func(n *vigie.Notice) bool { return equal(n.Content.Deadline, at) && n.Content.DeadlineKind == k }
	}
	corrected := func(k vigie.DeadlineKind) func(*vigie.Notice) bool {
		return func(n *vigie.Notice) bool {
			return deadline(paris("2026-12-14 12:00"), k)(n) && n.Content.Correction != "" && len(n.Links) == 1
		}
	}
	closed := func(n *vigie.Notice) bool {
		tender := vigie.Tender{Content: n.Content}
		return n.Content.Deadline == nil && tender.Status(*paris("2026-11-27 00:00")) == vigie.StatusClosed
	}
	for file, want := range map[string]map[string]func(*vigie.Notice) bool{
		"reunion-cedex.json":              {"26-900001": both("974"), "26-900002": both("974"), "26-900003": both("974"), "26-900004": both("978")},
		"no-deadline-forever-online.json": {"26-900010": closed, "15-900011": closed, "26-900012": closed},
		"kind-by-label.json": {
			"26-900040": kind(vigie.Award), "26-900041": kind(vigie.Award), "26-900042": kind(vigie.Correction), "26-900043": kind(vigie.Cancellation),
		},
		"short-idweb-link.json": {"26-900057": func(n *vigie.Notice) bool {
			return n.Kind == vigie.Cancellation && slices.Equal(n.Links, []string{"26-57"})
		}},
		"absurd-deadline.json": {
			"17-900020": deadline(nil, ""), "24-900021": deadline(nil, ""), "25-900022": deadline(nil, ""),
			"25-900023": deadline(paris("2040-09-01 12:00"), ""),
		},
		"national-correction-free-text.json": {
			"26-900102": corrected(""), "26-901102": corrected(""), "26-902102": corrected(""), "26-903102": corrected(""),
			"26-904102": corrected(vigie.ForParticipation),
		},
		"place-of-performance.json": {"15-900060": departments("73")},
	} {
		t.Run(file, func(t *testing.T) {
			dir := os.Getenv("VIGIE_TEST_DATA")
			if dir == "" {
				t.Skip("NOT RUN: set VIGIE_TEST_DATA to a folder with such inputs in cases/ to read them")
			}
			content, err := os.ReadFile(filepath.Join(dir, "cases", file))
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range notices(t, string(content)) {
				if right, ok := want[n.SourceRef]; ok && !right(n) {
					t.Errorf("%s: %s %+v of %+v, links %v", n.SourceRef, n.Kind, n.Content, n.Buyer, n.Links)
				}
				delete(want, n.SourceRef)
			}
			for ref := range want {
				t.Errorf("%s was not read", ref)
			}
		})
	}
}
