package letter_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/clip"
)

func TestSubject(t *testing.T) {
	templates := load(t)
	one, two := []letter.Watch{{Name: "TEST 01/09"}}, []letter.Watch{{Name: "TEST 01/09"}, {Name: "veille1"}}
	for _, test := range []struct {
		totals  [5]int // new, corrected, cancelled, closing soon, reminders
		watches []letter.Watch
		fr, en  string
	}{
		{[5]int{3}, one, "3 nouveaux marchés – veille TEST 01/09", "3 new tenders – watch TEST 01/09"},
		{[5]int{1}, one, "1 nouveau marché – veille TEST 01/09", "1 new tender – watch TEST 01/09"},
		{[5]int{3}, two, "3 nouveaux marchés – 2 veilles", "3 new tenders – 2 watches"},
		{[5]int{0, 1}, one, "1 marché rectifié – veille TEST 01/09", "1 corrected tender – watch TEST 01/09"},
		{[5]int{0, 2}, one, "2 marchés rectifiés – veille TEST 01/09", "2 corrected tenders – watch TEST 01/09"},
		{[5]int{0, 0, 1}, one, "1 marché annulé – veille TEST 01/09", "1 cancelled tender – watch TEST 01/09"},
		{[5]int{0, 0, 2}, two, "2 marchés annulés – 2 veilles", "2 cancelled tenders – 2 watches"},
		{[5]int{0, 0, 0, 1}, one, "1 marché bientôt clos – veille TEST 01/09", "1 tender closing soon – watch TEST 01/09"},
		{[5]int{0, 0, 0, 5}, nil, "5 marchés bientôt clos", "5 tenders closing soon"},
		{[5]int{1, 1, 2, 1}, one, "1 nouveau marché, 1 rectifié, 2 annulés, 1 bientôt clos – veille TEST 01/09",
			"1 new tender, 1 corrected, 2 cancelled, 1 closing soon – watch TEST 01/09"},
		{[5]int{0, 2, 1}, one, "2 marchés rectifiés, 1 annulé – veille TEST 01/09", "2 corrected tenders, 1 cancelled – watch TEST 01/09"},
		{[5]int{0, 0, 0, 0, 1}, nil, "1 date limite approche", "1 deadline approaching"},
		{[5]int{0, 0, 0, 0, 2}, nil, "2 dates limites approchent", "2 deadlines approaching"},
		{[5]int{0, 1, 1, 0, 2}, one, "2 dates limites approchent, 1 marché rectifié, 1 annulé – veille TEST 01/09",
			"2 deadlines approaching, 1 corrected tender, 1 cancelled – watch TEST 01/09"},
		{[5]int{1234567}, two, "1\u00a0234\u00a0567 nouveaux marchés – 2 veilles", "1,234,567 new tenders – 2 watches"},
	} {
		for l, want := range map[vigie.Locale]string{vigie.French: test.fr, vigie.English: test.en} {
			got, err := templates.Digest(letter.Digest{
				Language: l, Watches: test.watches,
				New: letter.Section{Total: test.totals[0]}, Corrected: letter.Section{Total: test.totals[1]},
				Cancelled: letter.Section{Total: test.totals[2]}, ClosingSoon: letter.Section{Total: test.totals[3]}, Reminders: letter.Section{Total: test.totals[4]},
			})
			if err != nil || got.Subject != want {
				t.Errorf("subject %q (error %v), want %q", got.Subject, err, want)
			}
		}
	}
}

// A subject names what happened, the tender and its buyer, in one line that mail programs show, cut between characters and,
// where that leaves most of the title, between words.
func TestSubjectNames(t *testing.T) {
	templates := load(t)
	deadline := time.Date(2026, 11, 9, 16, 0, 0, 0, time.UTC)
	tender := func(edit func(*letter.Tender)) letter.Tender {
		road := letter.Tender{Title: "Réfection de la voirie", Buyer: "Commune d'Exemple", Deadline: &deadline, At: written()}
		edit(&road)
		return road
	}
	plain := tender(func(*letter.Tender) {})
	moved := func(from time.Time) letter.Digest {
		return letter.Digest{Corrected: letter.Section{Tenders: []letter.Tender{tender(func(t *letter.Tender) { t.FormerDeadline = &from })}}}
	}
	one := func(t letter.Tender) letter.Section { return letter.Section{Tenders: []letter.Tender{t}} }
	titled := func(title, buyer string) letter.Digest {
		return letter.Digest{New: one(tender(func(t *letter.Tender) { t.Title, t.Buyer = title, buyer }))}
	}
	for _, test := range []struct {
		digest letter.Digest
		fr, en string
	}{
		{letter.Digest{New: one(plain)}, "Nouveau\u00a0: Réfection de la voirie (Commune d'Exemple)", "New: Réfection de la voirie (Commune d'Exemple)"},
		{moved(deadline.AddDate(0, 0, -7)), "Report au 9 nov.\u00a0: Réfection de la voirie (Commune d'Exemple)", "Moved to 9 Nov: Réfection de la voirie (Commune d'Exemple)"},
		{moved(deadline.AddDate(0, 0, 7)), "Avancé au 9 nov.\u00a0: Réfection de la voirie (Commune d'Exemple)", "Brought forward to 9 Nov: Réfection de la voirie (Commune d'Exemple)"},
		{moved(deadline.Add(-time.Hour)), "Report au 9 nov. à 17\u00a0h\u00a000\u00a0: Réfection de la voirie (Commune d'Exemple)", "Moved to 9 Nov, 17:00: Réfection de la voirie (Commune d'Exemple)"},
		{moved(deadline), "Rectifié\u00a0: Réfection de la voirie (Commune d'Exemple)", "Corrected: Réfection de la voirie (Commune d'Exemple)"},
		{letter.Digest{Corrected: one(plain)}, "Rectifié\u00a0: Réfection de la voirie (Commune d'Exemple)", "Corrected: Réfection de la voirie (Commune d'Exemple)"},
		{letter.Digest{Cancelled: one(plain)}, "Annulé\u00a0: Réfection de la voirie (Commune d'Exemple)", "Cancelled: Réfection de la voirie (Commune d'Exemple)"},
		{letter.Digest{ClosingSoon: one(plain)}, "Clôture le 9 nov.\u00a0: Réfection de la voirie (Commune d'Exemple)", "Closes on 9 Nov: Réfection de la voirie (Commune d'Exemple)"},
		{letter.Digest{ClosingSoon: one(tender(func(t *letter.Tender) { t.Deadline = at(deadline.AddDate(0, 2, -8)) }))},
			"Clôture le 1er janv. 2027\u00a0: Réfection de la voirie (Commune d'Exemple)", "Closes on 1 Jan 2027: Réfection de la voirie (Commune d'Exemple)"},
		{letter.Digest{New: one(plain), Cancelled: one(plain)}, "Nouveau\u00a0: Réfection de la voirie (Commune d'Exemple) et 1 autre", "New: Réfection de la voirie (Commune d'Exemple) and 1 other"},
		{letter.Digest{Cancelled: letter.Section{Tenders: []letter.Tender{plain}, Total: 1235}},
			"Annulé\u00a0: Réfection de la voirie (Commune d'Exemple) et 1\u00a0234 autres", "Cancelled: Réfection de la voirie (Commune d'Exemple) and 1,234 others"},
		{titled(strings.Repeat("très long ", 20), ""), "Nouveau\u00a0: " + strings.TrimSpace(strings.Repeat("très long ", 6)) + " très…", "New: " + strings.TrimSpace(strings.Repeat("très long ", 7)) + "…"},
		{titled(strings.Repeat("🇫🇷", 60), "Syndicat intercommunal d'assainissement de la vallée"),
			"Nouveau\u00a0: " + strings.Repeat("🇫🇷", 17) + "… (Syndicat intercommunal d'assa…)", "New: " + strings.Repeat("🇫🇷", 19) + "… (Syndicat intercommunal d'assa…)"},
		{titled("\r\nBcc: x@example.org", ""), "Nouveau\u00a0: Bcc: x@example.org", "New: Bcc: x@example.org"},
		{titled("", ""), "Nouveau\u00a0: Marché sans objet", "New: Tender without a title"},
	} {
		for l, want := range map[vigie.Locale]string{vigie.French: test.fr, vigie.English: test.en} {
			test.digest.Language = l
			got, err := templates.Digest(test.digest)
			if err != nil || got.Subject != want || utf8.RuneCountInString(got.Subject) > 78 {
				t.Errorf("subject %q of %d (error %v), want %q", got.Subject, utf8.RuneCountInString(got.Subject), err, want)
			}
		}
	}
}

// Excerpts are short, whole words around the keyword, which is bold.
func TestExcerpts(t *testing.T) {
	long := strings.Repeat("Un texte sans rapport avec la recherche. ", 50)
	for _, test := range []struct {
		text     string
		keywords []string
		want     string
	}{
		{"Réfection de la voirie", []string{"voirie"}, "Réfection de la *voirie*"},
		{"  Voirie,\n\tet   voirie ", []string{"Voirie"}, "*Voirie*, et voirie"},
		{"voirie et trottoirs", []string{"voirie", "voirie et", "trottoirs"}, "*voirie et* *trottoirs*"},
		{long + "La voirie communale. " + long, []string{"voirie"},
			"… la recherche. Un texte sans rapport avec la recherche. La *voirie* communale. Un texte sans rapport avec la recherche. Un texte sans rapport …"},
		{strings.Repeat("é", 500) + "voirie" + strings.Repeat("é", 500), []string{"voirie"}, "… " + strings.Repeat("é", 60) + "*voirie*" + strings.Repeat("é", 74) + " …"},
		{strings.Repeat("🇫🇷", 50) + "voirie", []string{"voirie"}, "… " + strings.Repeat("🇫🇷", 30) + "*voirie*"},
		{strings.Repeat("🇫🇷", 50) + "-voirie", []string{"voirie"}, "… " + strings.Repeat("🇫🇷", 30) + "-*voirie*"},
		{"voirie-" + strings.Repeat("🇫🇷", 80), []string{"voirie"}, "*voirie*-" + strings.Repeat("🇫🇷", 66) + " …"},
		{"\u202e\u200b", nil, ""},
	} {
		e := excerpt("objet", test.text, test.keywords...)
		got, err := load(t).Digest(letter.Digest{New: letter.Section{Tenders: []letter.Tender{{Title: "x", Excerpts: []letter.Excerpt{e}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if want := "Objet : " + test.want + " ---"; test.want != "" && !strings.Contains(unwrapped(got.Text), want) || test.want == "" && strings.Contains(got.Text, "Objet") {
			t.Errorf("%.40q: %s\nwant %s", test.text, unwrapped(got.Text), want)
		}
		html := regexp.MustCompile(`\*(.*?)\*`).ReplaceAllString(test.want, "<b>$1</b>")
		if !strings.Contains(got.HTML, html) {
			t.Errorf("%.40q: not %s in\n%s", test.text, html, got.HTML)
		}
	}
}

// unwrapped undoes the wrapping of plain text.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// A deadline says how long it is away when the mail is written, and no hour where its source gives the day alone.
func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		deadline time.Time
		text     string
		want     string
	}{
		{time.Date(2026, 11, 9, 16, 0, 0, 0, time.UTC), "2026-11-09T17:00:00+01:00", "lundi 9 novembre 2026 à 17 h 00 (heure de Paris), dans 20 jours"},
		{time.Date(2026, 11, 9, 22, 59, 0, 0, time.UTC), "2026-11-09", "lundi 9 novembre 2026, dans 20 jours"},
		{time.Date(2026, 11, 9, 22, 59, 0, 0, time.UTC), "2026-11-09T23:59:00", "lundi 9 novembre 2026 à 23 h 59 (heure de Paris), dans 20 jours"},
		{time.Date(2026, 10, 21, 6, 0, 0, 0, time.UTC), "", "mercredi 21 octobre 2026 à 8 h 00 (heure de Paris), demain"},
		{time.Date(2026, 10, 20, 21, 59, 0, 0, time.UTC), "2026-10-20+02:00", "mardi 20 octobre 2026, aujourd’hui"},
		{time.Date(2026, 10, 19, 7, 0, 0, 0, time.UTC), "", "lundi 19 octobre 2026 à 9 h 00 (heure de Paris)"},
	} {
		tender := letter.Tender{Title: "x", Deadline: &test.deadline, DeadlineText: test.text, At: written(), URL: "https://a.example/"}
		got, err := load(t).Digest(letter.Digest{New: letter.Section{Tenders: []letter.Tender{tender}}})
		if want := "Date limite de réponse : " + test.want + " https://a.example/"; err != nil || !strings.Contains(strings.ReplaceAll(unwrapped(got.Text), "\u00a0", " "), want) {
			t.Errorf("%v %q: not %q (error %v) in\n%s", test.deadline, test.text, want, err, got.Text)
		}
		said, err := load(t).Render(letter.Tender{Title: "x", Deadline: &test.deadline}, vigie.French, false)
		if err != nil || strings.Contains(said.Text, "dans") || strings.Contains(said.Text, "demain") {
			t.Errorf("a text that is read at any time says %q (error %v)", said.Text, err)
		}
	}
}

func TestNoEmptyDigest(t *testing.T) {
	if got, err := load(t).Digest(letter.Digest{Watches: []letter.Watch{{Name: "veille1"}}}); err == nil {
		t.Errorf("a digest of nothing became %q", got.Subject)
	}
}

// TestMany writes more tenders than a letter shows: it says how many are left out and where they are, and leaves none
// out of the short sections.
func TestMany(t *testing.T) {
	d := sampleDigest(vigie.French)
	d.MoreURL = "https://marches.valombre.example/veilles"
	for i := range 81 {
		d.New.Tenders = append(d.New.Tenders, letter.Tender{Title: fmt.Sprintf("Lot numéro %d.", i)})
	}
	got, err := load(t).Digest(d)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{"text": got.Text, "HTML": got.HTML} {
		// 50 less the three of the other sections, less the first three.
		if shown := strings.Count(text, "Lot numéro"); shown != 44 {
			t.Errorf("%s shows %d tenders, want 44", form, shown)
		}
		for _, want := range []string{"et 37 autres", d.MoreURL, d.Corrected.Tenders[0].Title, d.Cancelled.Tenders[0].Title, d.ClosingSoon.Tenders[0].Title} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not contain %q", form, want)
			}
		}
	}
	d.New = letter.Section{Tenders: make([]letter.Tender, 3), Total: 4}
	if got, err = load(t).Digest(d); err != nil || !strings.Contains(got.Text, "et 1 autre\u00a0:") {
		t.Errorf("a tender is left out (error %v):\n%s", err, got.Text)
	}
}

// TestSize keeps full letters below what Gmail shows whole: past 102 kB it hides the end, with the links to leave.
func TestSize(t *testing.T) {
	long := sampleDigest(vigie.French)
	corrected, all := long.Corrected.Tenders[0], long.New.Tenders[0]
	corrected.Title = strings.Repeat("Un objet assez long. ", 10)
	corrected.Reasons, corrected.Excerpts = all.Reasons, all.Excerpts
	for what, tender := range map[string]letter.Tender{"corrected": corrected, "new": all} {
		d := sampleDigest(vigie.French)
		d.New, d.Corrected = letter.Section{}, letter.Section{}
		section := &d.Corrected
		if what == "new" {
			section = &d.New
		}
		tender.DismissURL = "https://veille.marches.valombre.example/dismiss/" + strings.Repeat("x", link.TokenLength)
		for range letter.MaxTenders {
			section.Tenders = append(section.Tenders, tender)
		}
		got, err := load(t).Digest(d)
		if err != nil || len(got.HTML) > 102_000 {
			t.Errorf("%s: %d bytes (error %v)", what, len(got.HTML), err)
		}
	}
}

// TestConfirmationIsNobodysVoice checks that two confirmations differ in the brand, the link and the verified address only.
func TestConfirmationIsNobodysVoice(t *testing.T) {
	c := sampleConfirmation(vigie.French)
	got, err := load(t).Confirmation(c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(got.HTML, c.URL) != 1 || strings.Count(got.Text, c.URL) != 1 {
		t.Error("the link is not there once in each form")
	}
	if !strings.Contains(got.Text, "il suffit d’ignorer ce courriel") {
		t.Errorf("the text does not say that ignoring it is enough:\n%s", got.Text)
	}
}

func TestTypography(t *testing.T) {
	got, err := load(t).Digest(sampleDigest(vigie.French))
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{"text": got.Text, "HTML": visible(t, got.HTML)} {
		for _, want := range []string{"Date limite de réponse\u00a0: lundi 9 novembre 2026 à 17\u00a0h\u00a000 (heure de Paris)", "Une question\u00a0?", "gratuites\u00a0:"} {
			if !strings.Contains(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' }), " "), want) {
				t.Errorf("%s does not contain %q", form, want)
			}
		}
	}
}

// TestLinks checks that only web addresses become links.
func TestLinks(t *testing.T) {
	for given, want := range map[string]string{
		"https://a.example/b?c=d&e=f#g": "https://a.example/b?c=d&e=f#g",
		"http://a.example/é à":          "http://a.example/%C3%A9%20%C3%A0",
		"https://a.example/?q=\u202e é": "https://a.example/?q=%E2%80%AE%20%C3%A9",
		`https://a.example/?q="<b>`:     "https://a.example/?q=%22%3Cb%3E",
		"https://a.example/\r\nBcc: x":  "",
		"javascript:alert(1)":           "",
		"/veilles/1":                    "",
		"data:text/html,x":              "",
	} {
		got, err := load(t).Quiet(letter.Quiet{LeaveURL: given})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(got.Text) {
			if strings.Contains(line, "://") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		if strings.Join(lines, " ") != want {
			t.Errorf("%q is shown as %q, want %q", given, lines, want)
		}
	}
}

func TestLoad(t *testing.T) {
	files := func(name, content string) fstest.MapFS {
		return fstest.MapFS{name: {Data: []byte(content)}, "notes.md": {Data: []byte("{{")}}
	}
	templates, err := letter.Load(files("quiet.txt", `{{.In "Rien : rien." "Nothing."}} {{range .Watches}}{{.Name}}{{end}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := templates.Quiet(sampleQuiet(vigie.French))
	if err != nil || got.Text != "Rien\u00a0: rien. TEST 01/09\n" {
		t.Errorf("replaced: %q, error %v", got.Text, err)
	}
	builtIn, err := load(t).Quiet(sampleQuiet(vigie.French))
	if err != nil || got.HTML != builtIn.HTML {
		t.Error("a template that was not replaced differs from the built-in one")
	}
	for _, test := range []struct{ name, content, want string }{
		{"digets.html", "", "digets.html replaces no template"},
		{"quiet.html", "{{if}}", "quiet.html:1"},
		{"quiet.html", "<p>\n{{.Watch}}", "quiet.html:2"},
		{"digest.txt", `{{range .Sections}}{{range .Tenders}}{{.Nothing}}{{end}}{{end}}`, "Nothing"},
		{"confirmation.html", `<a href="{{.ConfirmURL}}`, "confirmation.html"},
		{"layout.html", "", "no such template"},
	} {
		_, err := letter.Load(files(test.name, test.content))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: error %v, want one that says %s", test.name, test.content, err, test.want)
		}
	}
}

// Words in both languages are escaped and printed alike wherever a template has them, whether or not they are the same in all
// letters.
func TestWordsOfTemplates(t *testing.T) {
	const words = `{{.In "l’un & l’autre : oui" "both & all"}}{{if .Watches}}{{else}}{{.In "sinon" "else"}}{{end}}` +
		`{{with .Brand}}<b title="{{$.In "un \"mot\"" "a \"word\""}}">{{$.In "avec" "with"}}</b>{{end}}{{range .Watches}}{{$.In "pour" "for"}}{{end}}{{upper (.In "haut" "up")}}`
	templates, err := letter.Load(fstest.MapFS{"quiet.html": {Data: []byte(words)}, "quiet.txt": {Data: []byte(`{{.In "l’un & l’autre : oui" "both & all"}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range map[vigie.Locale][2]string{
		vigie.French:  {"l’un &amp; l’autre\u00a0: oui<b title=\"un &#34;mot&#34;\">avec</b>pourHAUT", "l’un & l’autre\u00a0: oui\n"},
		vigie.English: {"both &amp; all<b title=\"a &#34;word&#34;\">with</b>forUP", "both & all\n"},
	} {
		got, err := templates.Quiet(sampleQuiet(l))
		if err != nil || got.HTML != want[0] || got.Text != want[1] {
			t.Errorf("%s: %q and %q, error %v", l, got.HTML, got.Text, err)
		}
	}
}

// FuzzLetter uses any texts of publishers and accounts: the markup is the same as for harmless words, the subject is
// one line, and nothing invisible gets through.
func FuzzLetter(f *testing.F) {
	for _, s := range []string{
		"", " ", "\r\nBcc: a@b.example\r\n\r\n<script>alert(1)</script>", "a\tb\x00\x1b[31m\x7f\u0085", "\u202eabc\u2066\u200b\ufeff\u00ad",
		`"><img src=x onerror=alert(1)>`, "</title></style><!--", "{{.Brand}}", "]]>", "&lt;b&gt;&#10;", "\xff\xfe\xc0", "\ufffe\uffff\U000e0001",
		strings.Repeat("très long ", 1000), strings.Repeat("é", 5000), "\u2028\u2029", "a\u00a0\u202f: b", "javascript:alert(1)", "https://a.example/\" onclick=\"x",
	} {
		f.Add(s, "other")
		f.Add("other", s)
	}
	templates := load(f)
	known := make(map[string]bool)
	for _, got := range write(f, templates, "x", "y") {
		for _, element := range elements(f, got.HTML) {
			known[element] = true
		}
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		for _, got := range write(t, templates, s, other) {
			for _, element := range elements(t, got.HTML) {
				if !known[element] {
					t.Errorf("words made the markup %s", element)
				}
			}
			checkLines(t, got)
		}
	})
}

// write writes letters of each kind in each language, with s and other in all places for texts of others.
func write(t testing.TB, templates *letter.Templates, s, other string) (letters []letter.Letter) {
	t.Helper()
	brand := letter.Brand{Name: other, Footer: vigie.Same(s), Contact: other}
	watches := []letter.Watch{{Name: s, EditURL: s, LeaveURL: "https://a.example/" + other}, {Name: other}}
	section := letter.Section{Total: 60, Tenders: []letter.Tender{{
		Title: s, Buyer: other, Reference: s, Departments: []string{other, s, "01"}, URL: "https://a.example/?" + s,
		PageURL: "https://b.example/" + other, DismissURL: "https://c.example/" + other, At: written(), Deadline: at(written()),
		Publications: []vigie.Publication{{Source: other, SourceRef: s, URL: "https://d.example/" + s}, {Source: s}},
		Reasons:      []letter.Reason{{Watch: s, WatchURL: "https://e.example/" + s, Keywords: []string{other, s}}, {Watch: other}},
		Excerpts: []letter.Excerpt{
			{Place: vigie.Same(s), Text: s + " word " + other, Spans: []clip.Span{{Start: len(s) + 1, End: len(s) + 5}}},
			{Place: vigie.Same(other), Text: other + s, Spans: []clip.Span{{Start: len(other) / 2, End: len(other)}, {Start: 0, End: len(other)}}},
		},
		Changes: []vigie.Change{
			{Label: vigie.Same(s), Before: vigie.Same(s), After: vigie.Same(other)},
			{Label: vigie.Same(other), Before: vigie.Same(s)},
			{Label: vigie.Same(other), After: vigie.Same("long " + s + s)},
		},
	}}}
	keep := func(l letter.Letter, err error) {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, l)
	}
	for _, l := range []vigie.Locale{vigie.French, vigie.English} {
		for _, some := range [][]letter.Watch{watches, watches[:1]} {
			keep(templates.Digest(letter.Digest{
				Brand: brand, Language: l, Watches: some, MoreURL: other, LeaveURL: "http://" + other, StopRemindersURL: other,
				Reminders: section, New: section, Corrected: section, Cancelled: section, ClosingSoon: section,
			}))
			keep(templates.Quiet(letter.Quiet{Brand: brand, Language: l, Watches: some, Days: 30, LeaveURL: s}))
		}
		keep(templates.Confirmation(letter.Confirmation{Brand: brand, Language: l, AskedBy: other, URL: "https://a.example/" + url.PathEscape(s)}))
	}
	return letters
}

func checkLines(t *testing.T, got letter.Letter) {
	t.Helper()
	if n := utf8.RuneCountInString(got.Subject); n > 120 || n == 0 {
		t.Errorf("the subject has %d characters", n)
	}
	if strings.ContainsFunc(got.Subject, unseen) {
		t.Errorf("subject %q", got.Subject)
	}
	for form, text := range map[string]string{"text": got.Text, "HTML": got.HTML} {
		if !utf8.ValidString(text) {
			t.Errorf("the %s is not UTF-8", form)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && unseen(r) }) {
			t.Errorf("invisible characters in the %s: %q", form, text)
		}
	}
	for line := range strings.Lines(got.Text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 72 && strings.Contains(strings.TrimLeft(line, " -"), " ") {
			t.Errorf("a line of %d characters: %q", n, line)
		}
	}
}

func unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point)
}

// elements returns a document's elements with their attributes, and the schemes of links. It fails unless the
// document is well formed, also as XML.
func elements(t testing.TB, html string) (list []string) {
	t.Helper()
	read(t, html, func(token xml.Token) {
		if start, ok := token.(xml.StartElement); ok {
			element := start.Name.Local
			for _, attribute := range start.Attr {
				value := attribute.Value
				if attribute.Name.Local == "href" {
					value, _, _ = strings.Cut(value, ":")
				}
				element += " " + attribute.Name.Local + "=" + value
			}
			list = append(list, element)
		}
	})
	return list
}

// visible returns a document's text, one element's text after the other.
func visible(t testing.TB, html string) string {
	t.Helper()
	var b strings.Builder
	read(t, html, func(token xml.Token) {
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	})
	return b.String()
}

func read(t testing.TB, html string, visit func(xml.Token)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well formed: %v\n%s", err, html)
		}
		visit(token)
	}
}

// A tender of 500 lots of 10 kB each takes a few lines, which say how much is not shown.
func TestLongTender(t *testing.T) {
	long := strings.Repeat("réfection ", 1000)
	tender := letter.Tender{
		Title: long, Buyer: long, Corrections: []string{long, long, long, long}, Reasons: []letter.Reason{{Watch: "Voirie", Keywords: []string{"voirie"}}},
	}
	for i := range 500 {
		tender.Lots = append(tender.Lots, vigie.Lot{Number: fmt.Sprint(i + 1), Title: long[:1000], Description: long})
		tender.Details.Places = append(tender.Details.Places, vigie.Place{Town: fmt.Sprintf("Ville %d %s", i, long[:900])})
		tender.Reasons[0].Places = append(tender.Reasons[0].Places, vigie.Same(fmt.Sprintf("lot %d", i+1)))
	}
	for range 50 {
		tender.Changes = append(tender.Changes, vigie.Change{Field: "lots", Label: vigie.Same("Lots"), Before: vigie.Same("a " + long), After: vigie.Same("b " + long)})
	}
	digest := sampleDigest(vigie.French)
	digest.New = letter.Section{Tenders: []letter.Tender{tender}}
	l, err := load(t).Digest(digest)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Text) > 50_000 || len(l.HTML) > 60_000 {
		t.Errorf("%d bytes of text, %d of HTML", len(l.Text), len(l.HTML))
	}
	for _, cut := range []string{"et 490 autres lots", "et 497 autres lieux", "lot 4, …)"} {
		if !strings.Contains(strings.Join(strings.Fields(l.Text), " "), cut) || !strings.Contains(l.HTML, cut) {
			t.Errorf("the letter does not say %q:\n%s", cut, l.Text)
		}
	}
}
