package boamp

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// A correction in a national form says what to read in place of what: in
// fields, as a table would have it, or in prose.

// correction is what such a correction says.
type correction struct {
	// text is all of it, in its own words.
	text string
	// deadline is the new one, "" where none could be read, and kind what it is for.
	deadline string
	kind     vigie.DeadlineKind
	// unclear is whether it changes the deadline in a way that could not be read.
	unclear bool
}

// readCorrection reads « infosRectif ».
func readCorrection(infos tree.Nodes) correction {
	var c correction
	var said []string
	for _, text := range infos.Texts() {
		said = append(said, tree.CleanLines(text))
	}
	infos.Walk(func(change tree.Nodes) {
		kind, isDeadline := deadlineRubrics[change.At("rubDelais").Raw()]
		read := change.At("lireDate").Raw()
		if _, ok := ingest.ParseClock(read); ok && isDeadline && (c.deadline == "" || kind == vigie.ForBids) {
			c.deadline, c.kind = read, kind
		}
		if text := changeText(change); text != "" {
			said = append(said, text)
		}
	})
	c.text = strings.Join(said, "\n")
	if c.deadline == "" {
		c.deadline, c.kind, c.unclear = deadlineInProse(c.text)
	}
	return c
}

// deadlineRubrics are the names of the deadlines in « rubDelais ».
var deadlineRubrics = map[string]vigie.DeadlineKind{
	"ReceptionOffres":       vigie.ForBids,
	"ReceptionCandidatures": vigie.ForParticipation,
}

var rubricNames = map[string]string{
	"ReceptionOffres":       "Date limite de réception des offres",
	"ReceptionCandidatures": "Date limite de réception des candidatures",
}

// changeText writes a change given in fields as a sentence.
func changeText(change tree.Nodes) string {
	rubric := change.At("rubDelais").Raw()
	where := cmp.Or(change.Among("rubTexte", "rubrique").Text(), rubricNames[rubric], rubric)
	before := cmp.Or(change.At("auLieuDe").Text(), clockText(change.At("auLieuDeDate").Raw()))
	after := cmp.Or(change.At("lire").Text(), clockText(change.At("lireDate").Raw()))
	switch {
	case after == "" && before == "":
		return where
	case where != "":
		where += " : "
	}
	if before == "" {
		return where + "lire " + after + "."
	}
	return where + "au lieu de " + before + ", lire " + after + "."
}

// clockText writes a date and time for people.
func clockText(s string) string {
	c, ok := ingest.ParseClock(s)
	switch {
	case !ok:
		return s
	case !c.Timed:
		return c.At.Format("02/01/2006")
	}
	return c.At.Format("02/01/2006 à 15h04")
}

// deadlineInProse finds the new deadline in a text: a date with its year and
// time, after a verb that announces it, or alone, near what names the deadline.
// Everything else is unclear, and not guessed: several dates, the local time of
// an island, a date without a time.
func deadlineInProse(text string) (clock string, kind vigie.DeadlineKind, unclear bool) {
	subjects := deadlineSubjects(text)
	if len(subjects) == 0 {
		return "", vigie.ForBids, false
	}
	found := announcedDates(text, subjects)
	if len(found) == 0 {
		found = onlyDate(text, subjects)
	}
	for _, f := range found {
		switch {
		case clock != "" && kind == f.kind && clock != f.clock:
			return "", vigie.ForBids, true
		case clock == "" || f.clock < clock:
			clock, kind = f.clock, f.kind
		}
	}
	return clock, kind, clock == ""
}

// subject is a place that names the deadline.
type subject struct {
	at, end int
	kind    vigie.DeadlineKind
}

// deadlineSubjects finds what names the deadline, other than to say that it
// stays, or that of visits and questions.
func deadlineSubjects(text string) []subject {
	var list []subject
	for _, at := range namesDeadline.FindAllStringIndex(text, -1) {
		around := text[at[0]:min(len(text), at[1]+80)]
		sentence, _, _ := strings.Cut(around, ".")
		if stays.MatchString(sentence) || ofOthers.MatchString(sentence) && !ofBids.MatchString(sentence) {
			continue
		}
		s := subject{at[0], at[1], vigie.ForBids}
		if forParticipation.MatchString(sentence) && !ofBids.MatchString(sentence) {
			s.kind = vigie.ForParticipation
		}
		list = append(list, s)
	}
	return list
}

type foundDate struct {
	clock string
	kind  vigie.DeadlineKind
}

// announcedDates are those after a verb that announces them, shortly after what
// names the deadline.
func announcedDates(text string, subjects []subject) []foundDate {
	var list []foundDate
	for _, m := range announced.FindAllStringSubmatchIndex(text, -1) {
		if before := text[max(0, m[0]-25):m[0]]; former.MatchString(before) {
			continue
		}
		about := subjectBefore(subjects, m[0])
		if about == nil || m[0]-about.end > 250 || ofOthers.MatchString(text[about.end:max(about.end, m[0])]) {
			continue
		}
		if clock, ok := clockOf(text, m[len(m)-2*dateGroups:]); ok {
			list = append(list, foundDate{clock, about.kind})
		}
	}
	return list
}

func subjectBefore(subjects []subject, at int) *subject {
	var last *subject
	for i := range subjects {
		if subjects[i].at <= at {
			last = &subjects[i]
		}
	}
	return last
}

// onlyDate is the date of a text that has just one and no verb, right after
// what names the deadline.
func onlyDate(text string, subjects []subject) []foundDate {
	dates := datePattern.FindAllStringSubmatchIndex(text, -1)
	if len(dates) != 1 || changes.MatchString(text) {
		return nil
	}
	about := subjectBefore(subjects, dates[0][0])
	clock, ok := clockOf(text, dates[0][2:])
	if about == nil || dates[0][0]-about.end > 60 || !ok {
		return nil
	}
	return []foundDate{{clock, about.kind}}
}

// clockOf is the date and time at the places of a match's groups. It fails where
// the time is missing.
func clockOf(text string, at []int) (string, bool) {
	group := func(i int) string {
		if at[2*i] < 0 {
			return ""
		}
		return text[at[2*i]:at[2*i+1]]
	}
	day, month, year := group(0), group(1), group(2)
	hour, minute := group(3), cmp.Or(group(4), "00")
	if group(5) != "" {
		hour = "12" // midi
	}
	end := at[5]
	for i := range dateGroups {
		end = max(end, at[2*i+1])
	}
	if hour == "" || localTime.MatchString(text[end:min(len(text), end+40)]) {
		return "", false
	}
	if n, ok := months[ingest.Letters(month)]; ok {
		month = strconv.Itoa(n)
	}
	if len(year) == 2 {
		year = "20" + year
	}
	clock, err := time.Parse("2006-1-2T15:4", fmt.Sprintf("%s-%s-%sT%s:%s", year, month, strings.TrimLeft(day, "0"), hour, minute))
	if err != nil {
		return "", false
	}
	return clock.Format("2006-01-02T15:04"), true
}

var months = map[string]int{
	"janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6,
	"juillet": 7, "aout": 8, "septembre": 9, "octobre": 10, "novembre": 11, "decembre": 12,
}

const (
	// dateGroups are the groups of dateTime: day, month, year, hour, minute, noon.
	dateGroups = 6
	monthNames = `janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[ée]cembre`
	weekday    = `(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche),?\s+)?`
	dateTime   = weekday + `(\d{1,2})(?:er)?\s*[/.\s-]\s*(\d{1,2}|` + monthNames + `)\s*[/.\s-]\s*(\d{4}|\d{2})\b` +
		`(?:[\s,]*(?:à|a|-|–|avant|jusqu['’]à)?\s*(?:(\d{1,2})\s*(?:heures?|h|:)\s*(\d{2})?|(midi)))?`
	oldDate = weekday + `\d{1,2}(?:er)?\s*[/.\s-]\s*(?:\d{1,2}|` + monthNames + `)\s*[/.\s-]\s*\d{2,4}` +
		`(?:[\s,]*(?:à|a|-|–|avant)?\s*\d{1,2}\s*(?:heures?|h|:)\s*(?:\d{2})?)?\s*`
)

var (
	datePattern   = regexp.MustCompile(`(?i)` + dateTime)
	namesDeadline = regexp.MustCompile(`(?i)\blimites?\b|\b(?:remise|r[ée]ception|d[ée]p[ôo]t|envoi) (?:des?|d['’]) ?(?:offres?|plis?|candidatures?|propositions?|dossiers?|demandes de participation)\b`)
	// announced is what announces a date, and the date. « Reportée du 1er au 14 »
	// has the former one first.
	announced = regexp.MustCompile(`(?i)\b(?:lire|report[ée]e?s?|repouss[ée]e?s?|prolong[ée]e?s?|prorog[ée]e?s?|d[ée]cal[ée]e?s?|avanc[ée]e?s?|port[ée]e?s?|modifi[ée]e?s?|remplac[ée]e?s?|fix[ée]e?s?|d[ée]sormais|nouvelles?\s+dates?[^:.;]{0,60}?(?::|est|sera))` +
		`(?:du ` + oldDate + `)?` +
		`(?:[\s:"«»“”,]|au\b|le\b|par\b|jusqu['’]au\b|[àa] la date du\b|fix[ée]e\b|du ` + oldDate + `)*` + dateTime)
	former           = regexp.MustCompile(`(?i)(?:au lieu de|initialement|pr[ée]c[ée]demment|auparavant|[ée]tait)\W*$`)
	stays            = regexp.MustCompile(`(?i)inchang[ée]|sans changement|reste(?:nt)? (?:les? m[êe]me|identique)|maintenue?`)
	ofOthers         = regexp.MustCompile(`(?i)visites?\b|questions?\b|compl[ée]mentaires?\b|renseignements?\b|validit[ée]|ex[ée]cution|livraison`)
	ofBids           = regexp.MustCompile(`(?i)\b(?:offres?|plis?|propositions?)\b`)
	forParticipation = regexp.MustCompile(`(?i)\b(?:candidatures?|participation)\b`)
	localTime        = regexp.MustCompile(`(?i)\blocales?\b|r[ée]union|martinique|guadeloupe|guyane|mayotte|antilles`)
	changes          = regexp.MustCompile(`(?i)report|repouss|prolong|prorog|d[ée]cal|avanc|modifi|annul|suspen|au lieu|initial`)
)
