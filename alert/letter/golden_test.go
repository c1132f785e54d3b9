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
	"vigie/clip"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden writes a letter of each kind in each language.
func TestGolden(t *testing.T) {
	templates := load(t)
	for _, l := range []vigie.Locale{vigie.French, vigie.English} {
		language := strings.ToLower(string(l))
		check(t, "digest."+language)(templates.Digest(sampleDigest(l)))
		check(t, "correction."+language)(templates.Digest(sampleCorrection(l)))
		check(t, "new."+language)(templates.Digest(sampleOne(l, 0)))
		check(t, "cancellation."+language)(templates.Digest(sampleOne(l, 2)))
		check(t, "closing."+language)(templates.Digest(sampleOne(l, 3)))
		check(t, "many."+language)(templates.Digest(sampleMany(l)))
		check(t, "reminder."+language)(templates.Digest(sampleReminder(l)))
		check(t, "quiet."+language)(templates.Quiet(sampleQuiet(l)))
		check(t, "confirmation."+language)(templates.Confirmation(sampleConfirmation(l)))
		unverified := sampleConfirmation(l)
		unverified.AskedBy = ""
		check(t, "confirmation-own."+language)(templates.Confirmation(unverified))
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

const stopReminders = "https://marches.valombre.example/quitter/dGhlIHJlbWluZGVycyBhbG9uZQ"

const leaveAll = "https://marches.valombre.example/quitter/bm9yIGlzIHRoaXMgb25lIGEgcmVhbCB0b2tlbg"

// written is when the letters are: Tuesday 20 October 2026, 9 h in Paris.
func written() time.Time { return time.Date(2026, 10, 20, 7, 0, 0, 0, time.UTC) }

// sampleTender returns a tender with the pages of an account.
func sampleTender(ref, title, buyer string) letter.Tender {
	return letter.Tender{
		Title: title, Buyer: buyer, At: written(),
		URL: "https://marches.valombre.example/annonces/boamp/" + ref, PageURL: "https://marches.valombre.example/annonces/boamp/" + ref,
		DismissURL:   "https://marches.valombre.example/ecarter/dGhpcyBpcyBub3QgYSByZWFsIHRva2Vu" + ref[3:],
		Publications: []vigie.Publication{{Source: "boamp", SourceRef: ref, URL: "https://www.boamp.fr/pages/avis/?q=idweb:" + ref}},
	}
}

// excerpt quotes a text in which a keyword is, or several.
func excerpt(place, text string, keywords ...string) letter.Excerpt {
	e := letter.Excerpt{Place: vigie.Same(place), Text: text}
	for _, keyword := range keywords {
		at := strings.Index(text, keyword)
		e.Spans = append(e.Spans, clip.Span{Start: at, End: at + len(keyword)})
	}
	return e
}

// sampleDigest returns a digest with everything that it can have.
func sampleDigest(l vigie.Locale) letter.Digest {
	deadline := time.Date(2026, 11, 9, 16, 0, 0, 0, time.UTC)
	road := sampleTender("26-104512", "Réfection de la voirie communale et reprise des enrobés : programme 2027", "Mairie de Valombre")
	road.Reference, road.Departments, road.Deadline = "2026-VOI-012", []string{"01"}, &deadline
	road.Natures, road.Procedure, road.Details, road.Lots = []vigie.Nature{vigie.Works}, vigie.Adapted, sampleDetails(deadline), sampleLots(52)
	road.Publications = append(road.Publications, vigie.Publication{Source: "ted", SourceRef: "712345-2026", URL: "https://ted.europa.eu/en/notice/-/detail/712345-2026"})
	road.Reasons = []letter.Reason{
		{Watch: "TEST 01/09", WatchURL: watch("", 1).EditURL, Keywords: []string{"voirie"}, Places: found("objet", "lot 1", "lot 2", "lot 3", "lot 4")},
		{Watch: "Voirie dans l'Ain", WatchURL: watch("", 2).EditURL, Keywords: []string{"voirie", "enrobés"}, Places: found("objet", "CPV 90610000 (Services de voirie)")},
	}
	road.Excerpts = []letter.Excerpt{
		excerpt("objet", road.Title, "voirie", "enrobés"),
		excerpt("description", "Le marché porte sur l'entretien courant.\nLa réfection de la voirie communale comprend le rabotage, la reprise des "+
			"enrobés et le marquage au sol dans les cinq hameaux.", "voirie", "enrobés"),
	}
	school := sampleTender("26-104977", "Maîtrise d'œuvre pour l'extension du groupe scolaire « Les Tilleuls »", "Communauté de communes des Trois Vallons")
	school.Departments, school.Natures, school.Procedure = []string{"01", "07", "2A"}, []vigie.Nature{vigie.Services}, vigie.OpenProcedure
	school.Reasons = []letter.Reason{{Watch: "TEST 01/09", WatchURL: watch("", 1).EditURL}}
	salt := sampleTender("26-105003", "Fourniture de sel de déneigement", "Département de Valombre")
	salt.Reference, salt.Deadline, salt.DeadlineKind, salt.Abroad = "DEP 26/118", at(deadline.AddDate(0, 0, 22)), vigie.ForParticipation, true
	salt.Natures, salt.Procedure, salt.Lots = []vigie.Nature{vigie.Supplies}, vigie.Restricted, sampleLots(2)
	salt.Details = vigie.Details{Technique: vigie.OwnContract, Renewals: 1, Places: []vigie.Place{{Town: "Kehl", Country: "DE"}}}
	salt.Reasons = []letter.Reason{{Watch: "Voirie dans l'Ain", WatchURL: watch("", 2).EditURL, Keywords: []string{"sel de déneigement"}, Places: found("objet")}}
	salt.Excerpts = []letter.Excerpt{excerpt("objet", salt.Title, "sel de déneigement")}
	park := sampleTender("26-100233", "Entretien des espaces verts du parc de la Source", "Ville de Bourg-Fictif")
	park.Reference, park.Departments, park.Deadline, park.FormerDeadline = "EV-2026-4", []string{"01"}, at(deadline.AddDate(0, 0, 7)), &deadline
	park.Reasons = []letter.Reason{{Watch: "TEST 01/09", WatchURL: watch("", 1).EditURL, Keywords: []string{"espaces verts"}, Places: found("objet")}}
	park.Changes, park.Corrections = sampleChanges(deadline), []string{"Au lieu de : « un an ».\nLire : « deux ans »."}
	bins := sampleTender("26-099310", "Location de bennes et traitement des déchets de chantier", "Syndicat de la Haute-Combe")
	bins.Reference, bins.Departments, bins.Deadline, bins.DismissURL = "SHC-77", []string{"07"}, &deadline, ""
	bins.Reasons = []letter.Reason{{Watch: "Voirie dans l'Ain", WatchURL: watch("", 2).EditURL, Keywords: []string{"chantier"}, Places: found("objet")}}
	bins.Excerpts = []letter.Excerpt{excerpt("objet", bins.Title, "chantier")}
	signs := sampleTender("26-098001", "Signalisation horizontale des routes départementales", "Département de Valombre")
	signs.Reference, signs.Departments, signs.Deadline, signs.DeadlineText = "DEP 26/090", []string{"01"}, at(time.Date(2026, 10, 23, 21, 59, 0, 0, time.UTC)), "2026-10-23"
	signs.Reasons = []letter.Reason{{Watch: "Voirie dans l'Ain", WatchURL: watch("", 2).EditURL, Keywords: []string{"routes"}, Places: found("objet")}}
	signs.Excerpts = []letter.Excerpt{excerpt("objet", signs.Title, "routes")}
	return letter.Digest{
		Brand: brand(), Language: l, LeaveURL: leaveAll,
		Watches:     []letter.Watch{watch("TEST 01/09", 1), watch("Voirie dans l'Ain", 2)},
		New:         letter.Section{Tenders: []letter.Tender{road, school, salt}},
		Corrected:   letter.Section{Tenders: []letter.Tender{park}},
		Cancelled:   letter.Section{Tenders: []letter.Tender{bins}},
		ClosingSoon: letter.Section{Tenders: []letter.Tender{signs}},
	}
}

// sampleOne returns a letter about the first tender of a section alone, to the account.
func sampleOne(l vigie.Locale, section int) letter.Digest {
	d := sampleDigest(l)
	d.New.Tenders = d.New.Tenders[:1]
	for i, s := range []*letter.Section{&d.New, &d.Corrected, &d.Cancelled, &d.ClosingSoon} {
		if i != section {
			*s = letter.Section{}
		}
	}
	d.Watches = d.Watches[1:]
	return d
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
	park := &d.Corrected.Tenders[0]
	park.URL, park.DismissURL, park.Reasons[0].WatchURL = park.Publications[0].URL, "", ""
	return d
}

// sampleReminder returns the reminders of one morning, and what no watch led to.
func sampleReminder(l vigie.Locale) letter.Digest {
	d := sampleDigest(l)
	tenders := []letter.Tender{d.ClosingSoon.Tenders[0], d.New.Tenders[2]}
	for i := range tenders {
		tenders[i].Reasons = nil
	}
	return letter.Digest{Brand: brand(), Language: l, LeaveURL: leaveAll, StopRemindersURL: stopReminders, Reminders: letter.Section{Tenders: tenders}}
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
		Brand: brand(), Language: l, AskedBy: "ana@bourg-fictif.example",
		URL: "https://marches.valombre.example/confirmer/YW5kIHRoaXMgaXMgbm90IGEgcmVhbCB0b2tlbiBlaXRoZXI",
	}
}
