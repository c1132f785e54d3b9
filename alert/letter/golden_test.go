package letter_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/alert/letter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden writes a letter of each kind in each language.
func TestGolden(t *testing.T) {
	templates := load(t)
	for _, l := range []vigie.Locale{vigie.French, vigie.English} {
		language := strings.ToLower(string(l))
		check(t, "digest."+language)(templates.Digest(sampleDigest(l)))
		check(t, "correction."+language)(templates.Digest(sampleCorrection(l)))
		check(t, "many."+language)(templates.Digest(sampleMany(l)))
		check(t, "reminder."+language)(templates.Digest(sampleReminder(l)))
		check(t, "quiet."+language)(templates.Quiet(sampleQuiet(l)))
		check(t, "confirmation."+language)(templates.Confirmation(sampleConfirmation(l)))
		check(t, "webhook."+language)(templates.WebhookNote(letter.WebhookNote{Brand: brand(), Language: l, Webhooks: []letter.StoppedWebhook{
			{Watch: "TEST 01/09", Host: "hooks.platform.example"}, {Watch: "Ponts", Host: "chat.example", Ended: true},
		}}))
	}
}

// check compares a letter with its golden files.
func check(t *testing.T, name string) func(letter.Letter, error) {
	return func(l letter.Letter, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for ext, got := range map[string]string{".txt": "Subject: " + l.Subject + "\n\n" + l.Text, ".html": l.HTML} {
			golden := filepath.Join("testdata", name+ext)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s -want +got:\n%s", golden, diff)
			}
		}
	}
}

func load(t testing.TB) *letter.Templates {
	t.Helper()
	templates, err := letter.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func at(t time.Time) *time.Time { return &t }

func brand() letter.Brand {
	return letter.Brand{
		Name: "Marchés de Valombre",
		Footer: vigie.Text{
			FR: "Syndicat mixte de Valombre, 1 place de la Mairie, 01999 Valombre. Alertes gratuites : rien n’est vendu ni partagé.",
			EN: "Syndicat mixte de Valombre, 1 place de la Mairie, 01999 Valombre. Free alerts; nothing is sold or shared.",
		},
		Contact: "marches@valombre.example",
	}
}

func watch(name string, n int) letter.Watch {
	return letter.Watch{
		Name:     name,
		EditURL:  fmt.Sprintf("https://marches.valombre.example/veilles/%d", n),
		LeaveURL: fmt.Sprintf("https://marches.valombre.example/quitter/dGhpcyBpcyBub3QgYSByZWFsIHRva2Vu%d", n),
	}
}

const leaveAll = "https://marches.valombre.example/quitter/bm9yIGlzIHRoaXMgb25lIGEgcmVhbCB0b2tlbg"

// sampleDigest returns a digest with everything that it can have.
func sampleDigest(l vigie.Locale) letter.Digest {
	deadline := time.Date(2026, 11, 9, 16, 0, 0, 0, time.UTC)
	return letter.Digest{
		Brand: brand(), Language: l, LeaveURL: leaveAll,
		Watches: []letter.Watch{watch("TEST 01/09", 1), watch("Voirie dans l'Ain", 2)},
		New: letter.Section{Tenders: []letter.Tender{{
			Title: "Réfection de la voirie communale et reprise des enrobés : programme 2027", Buyer: "Mairie de Valombre",
			Reference: "2026-VOI-012", Departments: []string{"01"}, Deadline: &deadline,
			URL:     "https://marches.valombre.example/annonces/boamp/26-104512",
			Details: sampleDetails(deadline), Lots: sampleLots(52),
			Publications: []vigie.Publication{
				{Source: "boamp", SourceRef: "26-104512", URL: "https://www.boamp.fr/pages/avis/?q=idweb:26-104512"}, {Source: "ted", SourceRef: "712345-2026", URL: "https://ted.europa.eu/en/notice/-/detail/712345-2026"},
			},
			Reasons: []letter.Reason{
				{Watch: "TEST 01/09", Keywords: []string{"voirie"}, Places: found("objet", "lot 1", "lot 2", "lot 3", "lot 4")},
				{Watch: "Voirie dans l'Ain", Keywords: []string{"voirie", "enrobés"}, Places: found("objet", "CPV 90610000 (Services de voirie)")},
			},
		}, {
			Title: "Maîtrise d'œuvre pour l'extension du groupe scolaire « Les Tilleuls »", Buyer: "Communauté de communes des Trois Vallons",
			Departments: []string{"01", "07", "2A"}, URL: "https://marches.valombre.example/annonces/boamp/26-104977",
			Reasons: []letter.Reason{{Watch: "TEST 01/09"}},
		}, {
			Title: "Fourniture de sel de déneigement", Buyer: "Département de Valombre", Reference: "DEP 26/118",
			Deadline: at(deadline.AddDate(0, 0, 22)), DeadlineKind: vigie.ForParticipation, URL: "https://marches.valombre.example/annonces/boamp/26-105003",
			Abroad: true, Details: vigie.Details{Technique: vigie.OwnContract, Renewals: 1, Places: []vigie.Place{{Town: "Kehl", Country: "DE"}}}, Lots: sampleLots(2),
			Reasons: []letter.Reason{{Watch: "Voirie dans l'Ain", Keywords: []string{"sel de déneigement"}}},
		}}},
		Corrected: letter.Section{Tenders: []letter.Tender{{
			Title: "Entretien des espaces verts du parc de la Source", Buyer: "Ville de Bourg-Fictif",
			Reference: "EV-2026-4", Departments: []string{"01"}, Deadline: at(deadline.AddDate(0, 0, 7)),
			URL:     "https://marches.valombre.example/annonces/boamp/26-100233",
			Reasons: []letter.Reason{{Watch: "TEST 01/09", Keywords: []string{"espaces verts"}}},
			Changes: sampleChanges(deadline), Corrections: []string{"Au lieu de : « un an ».\nLire : « deux ans »."},
		}}},
		Cancelled: letter.Section{Tenders: []letter.Tender{{
			Title: "Location de bennes et traitement des déchets de chantier", Buyer: "Syndicat de la Haute-Combe",
			Reference: "SHC-77", Departments: []string{"07"}, Deadline: &deadline,
			URL:     "https://marches.valombre.example/annonces/boamp/26-099310",
			Reasons: []letter.Reason{{Watch: "Voirie dans l'Ain", Keywords: []string{"chantier"}}},
		}}},
		ClosingSoon: letter.Section{Tenders: []letter.Tender{{
			Title: "Signalisation horizontale des routes départementales", Buyer: "Département de Valombre",
			Reference: "DEP 26/090", Departments: []string{"01"}, Deadline: at(deadline.AddDate(0, 0, -8)),
			URL:     "https://marches.valombre.example/annonces/boamp/26-098001",
			Reasons: []letter.Reason{{Watch: "Voirie dans l'Ain", Keywords: []string{"routes"}}},
		}}},
	}
}

func sampleChanges(deadline time.Time) []vigie.Change {
	same := strings.Repeat("Tonte, taille et arrosage des pelouses et des massifs du parc. ", 6)
	return []vigie.Change{{
		Field: "deadline", Label: vigie.Text{FR: "Date limite de réponse", EN: "Deadline"},
		Before: vigie.Moment(deadline), After: vigie.Moment(deadline.AddDate(0, 0, 7)),
	}, {
		Field: "description", Label: vigie.Same("Description"),
		Before: vigie.Same(same + "Le marché dure un an."), After: vigie.Same(same + "Le marché dure deux ans."),
	}, {
		Field: "documents", Label: vigie.Text{FR: "Documents de la consultation", EN: "Procurement documents"}, After: vigie.Text{FR: "modifiés", EN: "changed"},
	}, {
		Field: "reference", Label: vigie.Text{FR: "Référence", EN: "Reference"}, After: vigie.Same("EV-2026-4"),
	}}
}

// sampleDetails are all that a letter tells.
func sampleDetails(deadline time.Time) vigie.Details {
	return vigie.Details{
		Value: vigie.Money{Amount: "480000", Currency: "EUR"}, Duration: vigie.Duration{Number: 48, Unit: vigie.Months}, Renewals: 3,
		Technique: vigie.FrameworkAgreement, Reserved: true, QuestionsUntil: at(deadline.AddDate(0, 0, -7)),
		Places: []vigie.Place{
			{Town: "Valombre", Postcode: "01999"}, {Department: "01"}, {Town: "Bourg-Fictif", Postcode: "01998"}, {Town: "Valombre", Postcode: "01999"},
			{Town: "Les Tilleuls"}, {Town: "La Source"}, {Town: "Haute-Combe"},
		},
	}
}

func sampleLots(n int) []vigie.Lot {
	lots := make([]vigie.Lot, n)
	for i := range lots {
		lots[i] = vigie.Lot{Number: fmt.Sprint(i + 1), Title: "Voirie du secteur " + fmt.Sprint(i+1), Description: strings.Repeat("enrobés ", 100)}
	}
	return lots
}

func found(places ...string) []vigie.Text {
	texts := make([]vigie.Text, len(places))
	for i, p := range places {
		texts[i] = vigie.Same(p)
	}
	return texts
}

// sampleCorrection returns a single correction, for a recipient that does not own the watch.
func sampleCorrection(l vigie.Locale) letter.Digest {
	d := sampleDigest(l)
	d.New, d.Cancelled, d.ClosingSoon = letter.Section{}, letter.Section{}, letter.Section{}
	d.Watches = d.Watches[:1]
	d.Watches[0].EditURL = ""
	return d
}

// sampleReminder returns the reminders of one morning, and what no watch led to.
func sampleReminder(l vigie.Locale) letter.Digest {
	d := sampleDigest(l)
	tenders := []letter.Tender{d.ClosingSoon.Tenders[0], d.New.Tenders[2]}
	for i := range tenders {
		tenders[i].Reasons = nil
	}
	return letter.Digest{Brand: brand(), Language: l, LeaveURL: leaveAll, Reminders: letter.Section{Tenders: tenders}}
}

// sampleMany returns a digest with more tenders than a letter shows.
func sampleMany(l vigie.Locale) letter.Digest {
	d := sampleDigest(l)
	d.Corrected, d.ClosingSoon = letter.Section{}, letter.Section{}
	d.MoreURL = "https://marches.valombre.example/veilles"
	for i := range 80 {
		tender := d.New.Tenders[i%3]
		tender.Title = fmt.Sprintf("%s (lot %d)", tender.Title, i+1)
		d.New.Tenders = append(d.New.Tenders, tender)
	}
	d.New.Tenders = d.New.Tenders[3:]
	d.New.Total = 1083
	return d
}

func sampleQuiet(l vigie.Locale) letter.Quiet {
	return letter.Quiet{Brand: brand(), Language: l, Watches: []letter.Watch{watch("TEST 01/09", 1)}, Days: 30, LeaveURL: leaveAll, Sources: []letter.Source{
		{Label: "BOAMP", WholeUntil: time.Date(2026, 11, 27, 13, 30, 0, 0, time.UTC)}, {Label: "TED", WholeUntil: time.Date(2026, 11, 27, 9, 5, 0, 0, time.UTC)},
	}}
}

func sampleConfirmation(l vigie.Locale) letter.Confirmation {
	return letter.Confirmation{
		Brand: brand(), Language: l,
		URL: "https://marches.valombre.example/confirmer/YW5kIHRoaXMgaXMgbm90IGEgcmVhbCB0b2tlbiBlaXRoZXI",
	}
}
