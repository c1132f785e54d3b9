package eforms

import (
	"slices"
	"strings"

	"vigie"
	"vigie/ingest"
)

// kind tells what a notice does, by its subtype, else by the list that its type is of, and by why it changes another.
// A result stays an award when it is corrected or withdrawn: that does not open the tender to bids again. A contract
// that was changed or performed was awarded before.
func kind(subtype, form string, changes []string) vigie.NoticeKind {
	if known, ok := forms[subtype]; ok {
		form = known
	}
	switch {
	case form == "result" || form == "dir-awa-pre" || form == "cont-modif" || form == "completion":
		return vigie.Award
	case slices.Contains(changes, "cancel"):
		return vigie.Cancellation
	case form == "planning" || form == "consultation":
		return vigie.Planning
	case len(changes) > 0 || form == "change":
		return vigie.Correction
	}
	return vigie.ContractNotice
}

// forms are the subtypes (OPP-070) with what they are for, as the code list « form-type » names it; X01 and X02 are of
// no procurement.
var forms = func() map[string]string {
	byForm := map[string]string{
		"planning":     "1 2 3 4 5 6 7 8 9 E2 T01",
		"competition":  "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 CEI E3",
		"dir-awa-pre":  "25 26 27 28",
		"result":       "29 30 31 32 33 34 35 36 37 E4 T02",
		"cont-modif":   "38 39 40 E6",
		"consultation": "E1",
		"completion":   "E5",
	}
	forms := make(map[string]string)
	for form, subtypes := range byForm {
		for subtype := range strings.FieldsSeq(subtypes) {
			forms[subtype] = form
		}
	}
	return forms
}()

// changeReasons are the codes of why the notice changes another, "" for one without; none where it changes none.
func (r *reader) changeReasons() []string {
	changes := r.extension.At("Changes")
	if len(changes) == 0 {
		return nil
	}
	return append([]string{""}, changes.At("ChangeReason.ReasonCode").Texts()...)
}

// correction is what a correction says of itself.
func (r *reader) correction() string {
	changes := r.extension.At("Changes")
	var said []string
	known := map[string]bool{"": true}
	add := func(text string) {
		if letters := ingest.Letters(text); !known[letters] && len(said) < maxChanges {
			said, known[letters] = append(said, text), true
		}
	}
	for _, reason := range changes.At("ChangeReason").Each() {
		add(r.lines(reason.At("ReasonDescription")))
	}
	for _, change := range changes.At("Change").Each() {
		add(r.lines(change.At("ChangeDescription")))
	}
	return ingest.Shorten(strings.Join(said, "\n"), ingest.MaxDescription)
}

// maxChanges is how many changes are named.
const maxChanges = 100

// documentsChanged reports whether the notice says that the procurement documents are others now.
func (r *reader) documentsChanged(correction string) bool {
	said := r.extension.At("Changes.Change.ProcurementDocumentsChangeIndicator").Texts()
	return slices.ContainsFunc(said, func(s string) bool { return strings.TrimSpace(s) == "true" }) || ingest.DocumentsChanged(correction)
}
