package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest/watches"
	"vigie/lexicon"
	"vigie/store"
)

const (
	maxSubjectLength    = 255 // OpenID Connect Core 1.0 §2
	maxExternalIDLength = 255
)

// ImportWatches brings watches that another system had here, at most
// [vigie.MaxBatch], for accounts of an issuer; began is when the import began
// that they are part of. What a person could not type is refused: the result
// has an outcome for each, and why it was refused. Nobody is written to.
func (s *Service) ImportWatches(ctx context.Context, issuer string, began time.Time, lines []*watches.Watch) ([]store.Imported, error) {
	results := make([]store.Imported, len(lines))
	var accepted []*store.ImportedWatch
	var places []int
	for i, line := range lines {
		var f form
		w, err := f.importedWatch(ctx, s, line)
		if err != nil {
			return nil, err
		}
		if err := f.problems.Err(); err != nil {
			results[i] = store.Imported{Outcome: store.ImportRefused, Err: err}
			continue
		}
		accepted, places = append(accepted, w), append(places, i)
	}
	imported, err := s.Store.ImportWatches(ctx, issuer, began, accepted)
	if err != nil {
		return nil, err
	}
	for i, result := range imported {
		results[places[i]] = result
	}
	return results, nil
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
	criteria, err := f.criteria(ctx, s, CriteriaInput{
		Keywords: in.Keywords, KeywordsText: in.KeywordsText, KeywordMode: new(oneOf(f, in.Mode, vigie.AllKeywords, vigie.KeywordModes(), "mode")),
		ExcludedKeywords: in.ExcludedKeywords, Departments: in.Departments, IncludeNationwide: in.IncludeNationwide, CPVCodes: in.CPVCodes,
		Natures: f.importedNatures(in.Natures),
	}, nil)
	if err != nil {
		return nil, err
	}
	for _, problem := range f.problems {
		if problem.Field[0] == "departmentCodes" { // as the API calls them
			problem.Field[0] = "departments"
		}
	}
	w.Watch.Criteria = criteria.over(newCriteria())
	w.Buyers = f.importedBuyers(in.Buyers)
	w.Recipients = f.importedRecipients(in.Recipients, w.Email, now)
	w.Digest, err = digest(in)
	return w, err
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
	value := cmp.Or(T(strings.ToUpper(s)), otherwise)
	if !slices.Contains(values, value) {
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = string(v)
		}
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "« %s » n’est pas une valeur possible. Valeurs possibles : %s",
			EN: "“%s” is not one of: %s",
		}.With(s, strings.Join(names, ", ")), field...)
	}
	return value
}

func (f *form) importedNatures(in []string) *[]vigie.Nature {
	natures := make([]vigie.Nature, len(in))
	for i, nature := range in {
		natures[i] = oneOf(f, nature, "", vigie.Natures(), "natures", strconv.Itoa(i))
	}
	return &natures
}

// past checks a time, which is not to come.
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

func (f *form) importedRecipients(in *[]watches.Recipient, own string, now time.Time) []store.ImportedRecipient {
	if in == nil {
		return []store.ImportedRecipient{{Email: own}}
	}
	path, others := []string{"recipients"}, 0
	recipients := make([]store.ImportedRecipient, len(*in))
	for i, r := range *in {
		here := at(path, strconv.Itoa(i))
		recipients[i] = store.ImportedRecipient{Email: f.address(r.Email, here), ConfirmedAt: f.past(r.ConfirmedAt, now, at(here, "confirmedAt")...)}
		if !strings.EqualFold(recipients[i].Email, own) {
			others++
		}
	}
	f.atMost(others, vigie.MaxRecipients, path)
	return recipients
}
