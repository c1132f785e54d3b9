package vigie

import (
	"slices"
	"strings"
)

const (
	// maxListed is how many lots, or places, of a change are named.
	maxListed = 10
	// maxQuoted is how many characters of a description are quoted where it differs, maxLotTitle those of a lot's title.
	maxQuoted, maxLotTitle = 80, 150
)

// lotChanges words what differs between the lots of two states, lot by lot, without those that stay the same: « 2 Peinture
// (80 000 €) » before, « 2 Peinture (95 000 €) » after. Where all that differs was not known before, was is empty. Those that
// have another number and are else the same are one change: « numérotés 1, 2 », « numérotés 2, 3 ».
func lotChanges(before, after []Lot) (was, is Text) {
	var then, now, formerly, newly texts
	differing := 0
	tell := func(b, a *Lot) {
		if b != nil && a != nil && b.Number != a.Number && b.Title != "" && b.numbered(a.Number).Equal(*a) {
			formerly.add(Same(b.Number))
			newly.add(Same(a.Number))
			return
		}
		old, new := lotDifference(b, a)
		if old == (Text{}) && new == (Text{}) {
			return
		}
		if differing++; differing <= maxListed {
			then.add(old)
			now.add(new)
		}
	}
	pairs, gone := pairLots(before, after)
	for i := range after {
		tell(pairs[i], &after[i])
	}
	for _, lot := range gone {
		tell(lot, nil)
	}
	if more := differing - maxListed; more > 0 {
		then.more(more)
		now.more(more)
	}
	numbered := Text{"numérotés %s", "numbered %s"}
	then.add(labelled(numbered, formerly.short()))
	now.add(labelled(numbered, newly.short()))
	return then.join(" · "), now.join(" · ")
}

// numbered is the lot with another number.
func (l *Lot) numbered(number string) Lot {
	other := *l
	other.Number = number
	return other
}

// pairLots finds for each lot after the one that it was before, by its title where no other has that, else by its number; nil
// for a new one. gone are those that are no more.
func pairLots(before, after []Lot) (pairs, gone []*Lot) {
	taken := make([]bool, len(before))
	pairs = make([]*Lot, len(after))
	find := func(same func(b, a Lot) bool) {
		for i, a := range after {
			for j := range before {
				if pairs[i] == nil && !taken[j] && same(before[j], a) {
					pairs[i], taken[j] = &before[j], true
				}
			}
		}
	}
	find(func(b, a Lot) bool { return b.Number == a.Number && b.Title == a.Title })
	find(func(b, a Lot) bool {
		return b.Title == a.Title && titled(before, b.Title) == 1 && titled(after, a.Title) == 1
	})
	find(func(b, a Lot) bool { return b.Number == a.Number && a.Number != "" })
	find(func(b, a Lot) bool { return b.Title == a.Title && (a.Number == "" || b.Number == "") })
	for j := range before {
		if !taken[j] {
			gone = append(gone, &before[j])
		}
	}
	return pairs, gone
}

// titled counts the lots of a title.
func titled(lots []Lot, title string) (n int) {
	for i := range lots {
		if lots[i].Title == title {
			n++
		}
	}
	return n
}

// lotDifference words a lot before and after, by what differs; an empty Text for a lot that is not there, or where
// nothing that differs was known.
func lotDifference(before, after *Lot) (was, is Text) {
	switch {
	case before == nil:
		return Text{}, after.name()
	case after == nil:
		return before.name(), Text{}
	case before.Equal(*after):
		return Text{}, Text{}
	}
	var then, now texts
	known := before.name() != after.name()
	facts, others := before.facts(), after.facts()
	for i, fact := range facts {
		if other := others[i]; fact != other {
			known = known || fact != Text{}
			then.add(fact)
			now.add(other)
		}
	}
	if b, a := before.Description, after.Description; b != a {
		known = known || b != ""
		b, a = differing(b, a)
		then.add(quoted(b))
		now.add(quoted(a))
	}
	is = after.name().and(now)
	if known {
		was = before.name().and(then)
	}
	return was, is
}

// name is a lot's number and title.
func (l *Lot) name() Text {
	return Same(strings.TrimSpace(l.Number + " " + shortened(l.Title, maxLotTitle)))
}

// facts words what a lot says beyond its title and description, always as many Texts, empty where it says nothing.
func (l *Lot) facts() []Text {
	return []Text{
		l.Value.Text(), l.Duration.Text(), placeList(l.Places), momentOrNone(l.Deadline), l.Nature.Label(),
		labelled(Text{"CPV %s", "CPV %s"}, Same(strings.Join(l.CPVCodes, ", "))), criterionList(l.AwardCriteria),
	}
}

// differing returns what differs of two texts, from a few words before to some words after.
func differing(before, after string) (was, is string) {
	b, a := []rune(before), []rune(after)
	at := 0
	for at < min(len(b), len(a)) && b[at] == a[at] {
		at++
	}
	from := at
	for from > 0 && (b[from-1] != ' ' || at-from < maxQuoted/4) {
		from--
	}
	lead := ""
	if from > 0 {
		lead = "…"
	}
	rest := func(text []rune) string {
		if len(text) == 0 {
			return ""
		}
		return lead + shortened(string(text[from:]), maxQuoted+at-from)
	}
	return rest(b), rest(a)
}

// shortened is a text on one line, cut to so many characters.
func shortened(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return strings.TrimSpace(string(runes[:most])) + "…"
	}
	return s
}

func quoted(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{"« " + s + " »", "“" + s + "”"}
}

// labelled fills a text where there is a value, and is empty else.
func labelled(text, value Text) Text {
	if value == (Text{}) {
		return Text{}
	}
	return text.With(value)
}

// texts are parts of a list.
type texts []Text

func (t *texts) add(part Text) {
	if part != (Text{}) {
		*t = append(*t, part)
	}
}

// more says how many lots are not named, at the end of a list that names some.
func (t *texts) more(n int) {
	if len(*t) > 0 {
		t.add(counted(n, Text{"et 1 autre lot", "and 1 other lot"}, Text{"et %d autres lots", "and %d other lots"}))
	}
}

func counted(n int, one, many Text) Text {
	if n == 1 {
		return one
	}
	return many.With(n)
}

func (t texts) join(separator string) Text {
	var fr, en []string
	for _, part := range t {
		fr, en = append(fr, part.FR), append(en, part.EN)
	}
	return Text{strings.Join(fr, separator), strings.Join(en, separator)}
}

// and adds parts to a text in brackets.
func (t Text) and(parts texts) Text {
	if len(parts) == 0 {
		return t
	}
	return Text{"%s (%s)", "%s (%s)"}.With(t, parts.join(", "))
}

// placeList words places, the first of very many.
func placeList(places []Place) Text {
	var list texts
	for _, p := range places {
		if text := p.Text(); !slices.Contains(list, text) {
			list.add(text)
		}
	}
	return list.short()
}

// short lists the first of very many.
func (t texts) short() Text {
	if more := len(t) - maxListed; more > 0 {
		t = append(t[:maxListed:maxListed], counted(more, Text{"et 1 autre", "and 1 other"}, Text{"et %d autres", "and %d others"}))
	}
	return t.join(", ")
}

func criterionList(criteria []AwardCriterion) Text {
	var list texts
	for _, c := range criteria {
		list.add(c.Text())
	}
	return list.join(", ")
}
