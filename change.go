package vigie

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Change is one thing that a notice changed in its tender.
type Change struct {
	// Field is the tender's field in the API, e.g. "deadline".
	Field string
	Label Text
	// Before and After are the values as a person reads them; both languages
	// empty where there was, or is, none.
	Before, After Text
}

// Changes lists what differs between two states of a tender, in the order in
// which a supplier cares; awards are news of their own, and no change. Each notice has a page of its own: another link is a
// change only where a notice is published again.
func Changes(before, after Folded) []Change {
	var list []Change
	add := func(field string, label, was, is Text) {
		if was != is {
			list = append(list, Change{field, label, was, is})
		}
	}
	b, a := before.Content, after.Content
	if before.Outcome != after.Outcome {
		add("status", Text{"Statut", "Status"}, before.status(after.UpdatedAt), after.status(after.UpdatedAt))
	}
	if b.Deadline != nil && a.Deadline != nil {
		add("deadlineKind", Text{"Objet de la date limite", "What the deadline is for"}, b.DeadlineKind.Label(), a.DeadlineKind.Label())
	}
	if !equalTime(b.Deadline, a.Deadline) {
		add("deadline", a.DeadlineKind.Deadline(), b.DeadlineMoment(), a.DeadlineMoment())
	}
	add("questionsUntil", Text{"Date limite des questions", "Questions until"}, momentOrNone(b.Details.QuestionsUntil), momentOrNone(a.Details.QuestionsUntil))
	if a.DocumentsChanged {
		add("documents", Text{"Documents de la consultation", "Procurement documents"}, Text{}, Text{"modifiés", "changed"})
	}
	add("title", Text{"Objet", "Title"}, Same(b.Title), Same(a.Title))
	add("description", Text{"Description", "Description"}, Same(b.Description), Same(a.Description))
	lotsBefore, lotsAfter := lotChanges(b.Lots, a.Lots)
	add("lots", Text{"Lots", "Lots"}, lotsBefore, lotsAfter)
	add("value", Text{"Valeur estimée", "Estimated value"}, b.Details.Value.Text(), a.Details.Value.Text())
	add("duration", Text{"Durée", "Duration"}, b.Details.Duration.Text(), a.Details.Duration.Text())
	add("renewals", Text{"Reconductions", "Renewals"}, numberOrNone(b.Details.Renewals), numberOrNone(a.Details.Renewals))
	add("technique", Text{"Technique d’achat", "Purchasing technique"}, b.Details.Technique.Label(), a.Details.Technique.Label())
	add("documentsUrl", Text{"Adresse des documents", "Address of the documents"}, Same(b.Details.DocumentsURL), Same(a.Details.DocumentsURL))
	add("submissionUrl", Text{"Adresse de dépôt", "Address for bids"}, Same(b.Details.SubmissionURL), Same(a.Details.SubmissionURL))
	add("places", Text{"Lieux d’exécution", "Places of performance"}, placeList(b.Details.Places), placeList(a.Details.Places))
	add("awardCriteria", Text{"Critères d’attribution", "Award criteria"}, criterionList(b.Details.AwardCriteria), criterionList(a.Details.AwardCriteria))
	add("reserved", Text{"Marché réservé", "Reserved"}, yesOrNone(b.Details.Reserved), yesOrNone(a.Details.Reserved))
	add("social", Text{"Clauses sociales", "Social conditions"}, yesOrNone(b.Details.Social), yesOrNone(a.Details.Social))
	add("environmental", Text{"Clauses environnementales", "Environmental conditions"}, yesOrNone(b.Details.Environmental), yesOrNone(a.Details.Environmental))
	add("languages", Text{"Langues", "Languages"}, Same(strings.Join(b.Details.Languages, ", ")), Same(strings.Join(a.Details.Languages, ", ")))
	add("reference", Text{"Référence", "Reference"}, Same(b.Reference), Same(a.Reference))
	add("buyer", Text{"Organisme", "Buyer"}, Same(before.Buyer.Name), Same(after.Buyer.Name))
	add("departments", Text{"Départements", "Departments"}, DepartmentList(b.Departments), DepartmentList(a.Departments))
	add("natures", Text{"Nature", "Nature"}, labelList(b.Natures), labelList(a.Natures))
	add("procedure", Text{"Procédure", "Procedure"}, b.Procedure.Label(), a.Procedure.Label())
	add("cpvCodes", Text{"Codes CPV", "CPV codes"}, Same(strings.Join(b.CPVCodes, ", ")), Same(strings.Join(a.CPVCodes, ", ")))
	if after.revised {
		add("url", Text{"Lien", "Link"}, Same(b.URL), Same(a.URL))
	}
	return list
}

// status names the status of what was folded, as it was at a moment.
func (f Folded) status(at time.Time) Text {
	t := Tender{Content: f.Content, Outcome: f.Outcome}
	return t.Status(at).Label()
}

func momentOrNone(t *time.Time) Text {
	if t == nil {
		return Text{}
	}
	return Moment(*t)
}

func numberOrNone(n int) Text {
	if n == 0 {
		return Text{}
	}
	return Same(strconv.Itoa(n))
}

func yesOrNone(yes bool) Text {
	if !yes {
		return Text{}
	}
	return Text{"oui", "yes"}
}

// DepartmentList names departments by their codes: "Ain, Ardèche".
func DepartmentList(codes []string) Text {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code
		if d, ok := DepartmentByCode(code); ok {
			names[i] = d.Name
		}
	}
	return Same(strings.Join(names, ", "))
}

func labelList[T interface{ Label() Text }](values []T) Text {
	var fr, en []string
	for _, v := range values {
		fr, en = append(fr, v.Label().FR), append(en, v.Label().EN)
	}
	return Text{strings.Join(fr, ", "), strings.Join(en, ", ")}
}

// Sorted returns the distinct values of a list in order, nil for none.
func Sorted[T ~string](list []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
