package letter

import (
	"strings"

	"vigie"
)

// happening is something that can happen to tenders, in the words of a letter.
type happening struct {
	// kind is what templates know it by.
	kind string
	// title is the heading of the section.
	title vigie.Text
	// one and many count tenders; oneMore and manyMore follow another count, which said what is counted.
	one, many, oneMore, manyMore vigie.Text
}

// happenings are those of the sections of a digest, in the same order.
func happenings() [5]happening {
	return [5]happening{{
		kind:  "reminder",
		title: vigie.Text{FR: "Dates limites qui approchent", EN: "Deadlines approaching"},
		one:   vigie.Text{FR: "%s date limite approche", EN: "%s deadline approaching"},
		many:  vigie.Text{FR: "%s dates limites approchent", EN: "%s deadlines approaching"},
		// These are always the first count, and do not say that tenders are counted.
	}, {
		kind:  "new",
		title: vigie.Text{FR: "Nouveaux", EN: "New"},
		one:   vigie.Text{FR: "%s nouveau marché", EN: "%s new tender"},
		many:  vigie.Text{FR: "%s nouveaux marchés", EN: "%s new tenders"},
		// New ones are always the first count of tenders.
	}, {
		kind:     "corrected",
		title:    vigie.Text{FR: "Rectifiés", EN: "Corrected"},
		one:      vigie.Text{FR: "%s marché rectifié", EN: "%s corrected tender"},
		many:     vigie.Text{FR: "%s marchés rectifiés", EN: "%s corrected tenders"},
		oneMore:  vigie.Text{FR: "%s rectifié", EN: "%s corrected"},
		manyMore: vigie.Text{FR: "%s rectifiés", EN: "%s corrected"},
	}, {
		kind:     "cancelled",
		title:    vigie.Text{FR: "Annulés", EN: "Cancelled"},
		one:      vigie.Text{FR: "%s marché annulé", EN: "%s cancelled tender"},
		many:     vigie.Text{FR: "%s marchés annulés", EN: "%s cancelled tenders"},
		oneMore:  vigie.Text{FR: "%s annulé", EN: "%s cancelled"},
		manyMore: vigie.Text{FR: "%s annulés", EN: "%s cancelled"},
	}, {
		kind:     "soon",
		title:    vigie.Text{FR: "Bientôt clos", EN: "Closing soon"},
		one:      vigie.Text{FR: "%s marché bientôt clos", EN: "%s tender closing soon"},
		many:     vigie.Text{FR: "%s marchés bientôt clos", EN: "%s tenders closing soon"},
		oneMore:  vigie.Text{FR: "%s bientôt clos", EN: "%s closing soon"},
		manyMore: vigie.Text{FR: "%s bientôt clos", EN: "%s closing soon"},
	}}
}

// counts returns how many tenders there are: « 3 nouveaux marchés, 1 rectifié ». It is empty where there are none.
func counts(totals [5]int, l vigie.Locale) string {
	var said []string
	named := false // whether it is said that tenders are counted
	for i, h := range happenings() {
		text := h.many
		switch n := totals[i]; {
		case n == 0:
			continue
		case !named && n == 1:
			text = h.one
		case named && n == 1:
			text = h.oneMore
		case named:
			text = h.manyMore
		}
		named = named || i > 0
		said = append(said, text.With(number(totals[i], l)).In(l))
	}
	return strings.Join(said, ", ")
}

// about returns what a letter is about: « veille TEST 01/09 », « 2 veilles »; "" where there are no watches.
func about(watches []Watch, l vigie.Locale) string {
	switch len(watches) {
	case 0:
		return ""
	case 1:
		return vigie.Text{FR: "veille %s", EN: "watch %s"}.With(watches[0].Name).In(l)
	}
	return vigie.Text{FR: "%s veilles", EN: "%s watches"}.With(number(len(watches), l)).In(l)
}

// departments returns the departments of codes: « Ain (01), Ardèche (07) ».
func departments(codes []string, l vigie.Locale) string {
	var names []string
	for i, code := range codes {
		if i == maxDepartments && len(codes) > maxDepartments+1 {
			more := number(len(codes)-maxDepartments, l)
			return strings.Join(names, ", ") + vigie.Text{FR: " et %s autres", EN: " and %s others"}.With(more).In(l)
		}
		name := Line(code, maxName)
		if d, ok := vigie.DepartmentByCode(code); ok {
			name = d.Name + " (" + d.Code + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
