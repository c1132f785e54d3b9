package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest/watches"
	"vigie/ledger"
	"vigie/lexicon"
	"vigie/query"
	"vigie/store"
)

const (
	maxSubjectLength    = 255 // OpenID Connect Core 1.0 §2
	maxExternalIDLength = 255
)

// ImportWatches brings watches that another system had here, at most
// [vigie.MaxBatch], for accounts of an issuer; began is when the import began
// that they are part of. What a person could not type is refused: the result
// has an outcome for each, why it was refused, and what of it may not do what
// its author expects. Nobody is written to.
func (s *Service) ImportWatches(ctx context.Context, issuer string, began time.Time, lines []*watches.Watch) ([]ImportedWatch, error) {
	results := make([]ImportedWatch, len(lines))
	var accepted []*store.ImportedWatch
	var places []int
	for i, line := range lines {
		f := form{dropShort: true}
		w, err := f.importedWatch(ctx, s, line)
		if err != nil {
			return nil, err
		}
		if err := f.problems.Err(); err != nil {
			results[i].Imported = store.Imported{Outcome: store.ImportRefused, Err: err}
			continue
		}
		results[i].Warnings = append(f.warnings, contradictions(w.Watch.Criteria, nil)...)
		accepted, places = append(accepted, w), append(places, i)
	}
	imported, err := s.Store.ImportWatches(ctx, issuer, began, accepted)
	if err != nil {
		return nil, err
	}
	for i, result := range imported {
		results[places[i]].Imported = result
	}
	return results, nil
}

// ImportedWatch is what became of a line.
type ImportedWatch struct {
	store.Imported
	Warnings []vigie.Warning
}

// importedWatch checks a line and gives it the form that is stored.
func (f *form) importedWatch(ctx context.Context, s *Service, in *watches.Watch) (*store.ImportedWatch, error) {
	now := s.Now()
	w := &store.ImportedWatch{
		ExternalID: f.ref(string(in.ExternalID), maxExternalIDLength, "externalId"),
		Subject:    f.ref(string(in.Subject), maxSubjectLength, "subject"),
		Email:      f.address(in.Email, []string{"email"}),
	}
	w.Watch.Name = f.name(in.Name, []string{"name"})
	w.Watch.Active = in.Active == nil || *in.Active
	w.Watch.Frequency = oneOf(f, in.Frequency, vigie.Daily, vigie.Frequencies(), "frequency")
	w.Watch.CreatedAt = now.UTC().Truncate(time.Microsecond)
	if t := f.past(in.CreatedAt, now, "createdAt"); t != nil {
		w.Watch.CreatedAt = *t
	}
	criteria, err := f.criteria(ctx, s, f.importedCriteria(in), nil, lineName)
	if err != nil {
		return nil, err
	}
	w.Watch.Criteria = criteria.Over(newCriteria())
	w.Buyers = f.importedBuyers(in.Buyers)
	w.Recipients = f.importedRecipients(in.Recipients, w.Email, now)
	w.Digest, err = digest(in)
	return w, err
}

// importedCriteria returns the criteria of a line. Buyers are not among them: the store finds them by name.
func (f *form) importedCriteria(in *watches.Watch) query.Patch {
	p := query.Patch{
		Keywords: in.Keywords, KeywordsText: in.KeywordsText, KeywordMode: new(oneOf(f, in.Mode, vigie.AllKeywords, vigie.KeywordModes(), "mode")),
		ExcludedKeywords: in.ExcludedKeywords, IncludeNationwide: in.IncludeNationwide,
		MinValue: (*string)(in.MinValue), MaxValue: (*string)(in.MaxValue), IncludeUnknownValue: in.IncludeUnknownValue,
	}
	lists := in.Lists()
	for _, criterion := range query.Criteria() {
		p.Lists[criterion.Field] = lists[criterion.Name]
	}
	return p
}

// digest changes with all that a line says, and not with how it is written.
func digest(in *watches.Watch) (string, error) {
	text, err := json.Marshal(in)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// ref checks what another system calls something, which stays as it is.
func (f *form) ref(s string, most int, field ...string) string {
	switch {
	case strings.TrimSpace(s) == "":
		f.problems.Add(vigie.Blank, unfilled(), field...)
	case lexicon.Length(s) > most:
		f.problems.Add(vigie.TooLong, tooLong(lexicon.Length(s), most), field...)
	case clean(s) != s:
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Ce champ contient des espaces en trop ou des caractères invisibles. Retirez-les.",
			EN: "This field has extra spaces or invisible characters. Remove them.",
		}, field...)
	}
	return s
}

// oneOf reads one of some values, or what stands for nothing said.
func oneOf[T ~string](f *form, s string, otherwise T, values []T, field ...string) T {
	if s == "" {
		return otherwise
	}
	value, mistake := query.ParseOneOf(s, values)
	if mistake != nil {
		f.problems.Add(mistake.Code, mistake.Text, field...)
	}
	return value
}

// past checks a time, which must not be in the future.
func (f *form) past(t *watches.Time, now time.Time, field ...string) *time.Time {
	if t == nil || t.IsZero() {
		return nil
	}
	if t.After(now) {
		f.problems.Add(vigie.Invalid, vigie.Text{FR: "Cette date est dans le futur. Indiquez une date passée.", EN: "This date is in the future. Give a date in the past."}, field...)
	}
	return &t.Time
}

func (f *form) importedBuyers(in []watches.Buyer) []vigie.BuyerName {
	path := []string{"buyers"}
	if !f.atMost(len(in), vigie.MaxChoices, path) {
		return nil
	}
	buyers := make([]vigie.BuyerName, len(in))
	for i, b := range in {
		here := at(path, strconv.Itoa(i))
		name := vigie.BuyerName{SIRET: f.siret(b.SIRET, at(here, "siret"))}
		// One of which only the SIRET is known goes by it until a notice names it.
		name.Name = cmp.Or(f.text(b.Name, maxTitleLength, name.SIRET == "", at(here, "name")), name.SIRET)
		if b.Department != "" {
			if codes := f.departments([]string{b.Department}, at(here, "department")); len(codes) > 0 {
				name.DepartmentCode = codes[0]
			}
		}
		buyers[i] = name
	}
	return buyers
}

func (f *form) importedRecipients(in *[]watches.Recipient, own string, now time.Time) []ledger.ImportedRecipient {
	if in == nil {
		return []ledger.ImportedRecipient{{Email: own}}
	}
	path, others := []string{"recipients"}, 0
	recipients := make([]ledger.ImportedRecipient, len(*in))
	for i, r := range *in {
		here := at(path, strconv.Itoa(i))
		recipients[i] = ledger.ImportedRecipient{Email: f.address(r.Email, here), ConfirmedAt: f.past(r.ConfirmedAt, now, at(here, "confirmedAt")...)}
		if !strings.EqualFold(recipients[i].Email, own) {
			others++
		}
	}
	f.atMost(others, vigie.MaxRecipients, path)
	return recipients
}
