package letter_test

import (
	"fmt"
	"testing"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/clip"
)

// BenchmarkDigest writes the mail about one tender.
func BenchmarkDigest(b *testing.B) {
	templates := load(b)
	deadline := time.Date(2026, 12, 9, 16, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for i := range b.N {
		link := func(path string) string {
			return fmt.Sprintf("https://vigie.example/%s/0123456789abcdefghijklmnopqrstuv%08d", path, i)
		}
		_, err := templates.Digest(letter.Digest{
			Brand: letter.Brand{Name: "Vigie"}, Language: vigie.French, LeaveURL: link("leave"), StopRemindersURL: link("leave"),
			Watches: []letter.Watch{{Name: "Voirie", EditURL: link("watch"), LeaveURL: link("leave")}},
			New: letter.Section{Tenders: []letter.Tender{{
				Title: "Réfection de la voirie communale", Buyer: "Commune d'Exemple", Reference: "1", Departments: []string{"01"}, Deadline: &deadline, At: written(),
				DismissURL: link("dismiss"),
				Reasons:    []letter.Reason{{Watch: "Voirie", Keywords: []string{"voirie"}, Places: []vigie.Text{{FR: "objet", EN: "title"}}}},
				Excerpts:   []letter.Excerpt{{Place: vigie.Text{FR: "objet", EN: "title"}, Text: "Réfection de la voirie communale", Spans: []clip.Span{{Start: 17, End: 23}}}},
			}}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
