package service

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/lexicon"
	"vigie/query"
	"vigie/store"
)

// Notice is what a publisher gives of a notice; zero fields say nothing.
type Notice struct {
	Source, SourceRef, PreviousRef string
	// ProcedureID and Identifier are numbers that all sources share.
	ProcedureID, Identifier       string
	Kind                          vigie.NoticeKind
	Reference, Title, Description string
	BuyerName, BuyerSIRET         string
	BuyerRef                      string
	Departments                   []string
	Natures                       []vigie.Nature
	Procedure                     vigie.Procedure
	CPVCodes                      []string
	Lots                          []vigie.Lot
	PublishedAt                   time.Time
	Deadline                      *time.Time
	DeadlineKind                  vigie.DeadlineKind
	URL                           string
	Details                       vigie.Details
	Correction                    string
	DocumentsChanged              bool
}

const (
	maxRefLength         = 100
	maxTitleLength       = 1000
	maxDescriptionLength = 10_000
	maxLots              = 500
	maxPlaces            = 100
	maxAwardCriteria     = 50
	maxLanguages         = 30
	maxAwards            = 1000
	maxWinners           = 100
)

// Publish stores notices of the sources that a publisher may publish for. Each
// stands alone: there is a result for each, and the problems of those refused.
func (s *Service) Publish(ctx context.Context, sources []string, in []Notice) ([]store.Published, vigie.Problems, error) {
	var f form
	if !f.atMost(len(in), vigie.MaxBatch, []string{"input"}) {
		return nil, f.problems, nil
	}
	results := make([]store.Published, len(in))
	var accepted []*vigie.Notice
	var places []int
	for i, n := range in {
		before := len(f.problems)
		notice := f.notice(n, sources, s.Now(), []string{"input", strconv.Itoa(i)})
		if len(f.problems) > before {
			results[i] = store.Published{Outcome: store.Refused}
			continue
		}
		accepted, places = append(accepted, notice), append(places, i)
	}
	published, err := s.Store.PublishEach(ctx, accepted)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range published {
		results[places[i]] = p
		if p.Err != nil {
			s.Log.WarnContext(ctx, "a notice could not be stored", "component", "service", "action", "publish", "source", accepted[i].Source, "sourceRef", accepted[i].SourceRef, "error", p.Err)
			f.problems = append(f.problems, &vigie.Error{
				Code: vigie.Invalid, Field: []string{"input", strconv.Itoa(places[i])}, Text: unstorable(), Err: p.Err,
			})
		}
	}
	return results, f.problems, nil
}

// Withdraw takes back what was published of a tender by mistake, and returns
// it. Mistakes come back as a [vigie.Error] or [vigie.Problems].
func (s *Service) Withdraw(ctx context.Context, sources []string, source, ref string) (*vigie.Tender, error) {
	var f form
	f.source(source, sources, []string{"source"})
	if err := f.problems.Err(); err != nil {
		return nil, err
	}
	t, err := s.Store.Withdraw(ctx, source, ingest.Clean(ref))
	if vigie.CodeOf(err) == vigie.NotFound {
		err = &vigie.Error{Code: vigie.NotFound, Field: []string{"sourceRef"}, Text: noTender()}
	}
	return t, err
}

// RegisterBuyers brings the buyers in step with the register of a publisher,
// as [Service.Publish] does notices.
func (s *Service) RegisterBuyers(ctx context.Context, sources []string, in []vigie.BuyerRecord) ([]store.Registered, vigie.Problems, error) {
	var f form
	if !f.atMost(len(in), vigie.MaxBatch, []string{"input"}) {
		return nil, f.problems, nil
	}
	results := make([]store.Registered, len(in))
	var accepted []*vigie.BuyerRecord
	var places []int
	for i, r := range in {
		before := len(f.problems)
		record := f.buyerRecord(r, sources, []string{"input", strconv.Itoa(i)})
		if len(f.problems) > before {
			results[i].Outcome = store.Refused
			continue
		}
		accepted, places = append(accepted, record), append(places, i)
	}
	registered, err := s.Store.RegisterBuyers(ctx, accepted)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range registered {
		results[places[i]] = r
	}
	return results, f.problems, nil
}

// buyerRecord checks a record of a buyer and gives it the form that is stored.
func (f *form) buyerRecord(in vigie.BuyerRecord, sources []string, path []string) *vigie.BuyerRecord {
	r := &vigie.BuyerRecord{Source: in.Source}
	f.source(in.Source, sources, at(path, "source"))
	r.Ref = f.text(in.Ref, maxRefLength, true, at(path, "ref"))
	r.Name = f.text(in.Name, maxTitleLength, true, at(path, "name"))
	r.SIRET = f.siret(in.SIRET, at(path, "siret"))
	r.City = f.text(in.City, maxTitleLength, false, at(path, "city"))
	if in.DepartmentCode != "" {
		for _, code := range f.departments([]string{in.DepartmentCode}, at(path, "departmentCode")) {
			r.DepartmentCode = code
		}
	}
	r.FormerRefs = f.texts(in.FormerRefs, maxRefLength, at(path, "formerRefs"))
	r.FormerNames = f.texts(in.FormerNames, maxTitleLength, at(path, "formerNames"))
	return r
}

// source checks that a publisher may speak for a source.
func (f *form) source(source string, sources []string, path []string) {
	if !slices.Contains(sources, source) {
		f.problems.Add(vigie.NotAllowed, vigie.Text{
			FR: "Votre jeton ne permet pas de publier pour la source « %s ». Utilisez le jeton de cette source.",
			EN: "Your token does not allow publishing for the source “%s”. Use that source's token.",
		}.With(source), path...)
	}
}

// siret checks a SIRET, which may be written with spaces, or not at all.
func (f *form) siret(s string, path []string) string {
	s = withoutSpaces(s)
	if s != "" && !vigie.ValidSIRET(s) {
		f.problems.Add(vigie.Invalid, vigie.InvalidSIRET(), path...)
	}
	return s
}

func withoutSpaces(s string) string { return strings.ReplaceAll(s, " ", "") }

// texts checks a list of texts, none of them empty.
func (f *form) texts(list []string, most int, path []string) []string {
	if !f.atMost(len(list), vigie.MaxChoices, path) {
		return nil
	}
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = f.text(s, most, true, at(path, strconv.Itoa(i)))
	}
	return clean
}

// notice checks a notice and gives it the form that is stored.
func (f *form) notice(in Notice, sources []string, now time.Time, path []string) *vigie.Notice {
	n := &vigie.Notice{
		Source: in.Source, Kind: in.Kind,
		PublishedAt: in.PublishedAt.UTC().Truncate(time.Second),
		Content:     vigie.Content{Natures: vigie.Sorted(in.Natures), Procedure: in.Procedure, URL: strings.TrimSpace(in.URL)},
	}
	f.source(in.Source, sources, at(path, "source"))
	n.SourceRef = f.text(in.SourceRef, maxRefLength, true, at(path, "sourceRef"))
	if previous := f.text(in.PreviousRef, maxRefLength, false, at(path, "previousRef")); previous != "" {
		n.Links = []string{previous}
	}
	if in.ProcedureID != "" {
		n.Links = append(n.Links, vigie.ProcedureLink(f.matching(in.ProcedureID, uuidForm, at(path, "procedureId"))))
	}
	if in.Identifier != "" {
		n.Identifier = f.matching(in.Identifier, identifierForm, at(path, "identifier"))
	}
	n.Content.Title = f.text(in.Title, maxTitleLength, true, at(path, "title"))
	n.Content.Description = f.cleaned(ingest.CleanLines(in.Description), maxDescriptionLength, false, at(path, "description"))
	n.Content.Reference = f.text(in.Reference, maxRefLength, false, at(path, "reference"))
	n.Buyer.Name = f.text(in.BuyerName, maxTitleLength, true, at(path, "buyerName"))
	n.Buyer.SIRET = withoutSpaces(in.BuyerSIRET)
	n.Buyer.Ref = f.text(in.BuyerRef, maxRefLength, false, at(path, "buyerRef"))
	n.Content.Departments = f.departments(in.Departments, at(path, "departmentCodes"))
	n.Content.CPVCodes = f.fullCPVCodes(in.CPVCodes, at(path, "cpvCodes"))
	n.Content.Lots = f.lots(in.Lots, at(path, "lots"))
	if n.Content.Deadline = moment(in.Deadline); n.Content.Deadline != nil {
		n.Content.DeadlineKind = in.DeadlineKind
	}
	n.Content.Details = f.details(in.Details, path)
	n.Content.Correction = f.cleaned(ingest.CleanLines(in.Correction), maxDescriptionLength, false, at(path, "correction"))
	n.Content.DocumentsChanged = in.DocumentsChanged
	for _, wrong := range n.Validate(now) {
		f.problems.Add(wrong.Code, wrong.Text, at(path, inputPath(wrong.Field)...)...)
	}
	n.Content.Locate()
	return n
}

// The forms of numbers that all sources share.
var (
	uuidForm       = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	identifierForm = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{2}$`)
)

// matching checks a number, and returns it in lower case.
func (f *form) matching(s string, form *regexp.Regexp, path []string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if !form.MatchString(s) {
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Ce numéro n’est pas valable : c’est un UUID, suivi de la version pour un avis (« -01 »).",
			EN: "This number is not valid: it is a UUID, followed by the version for a notice (“-01”).",
		}, path...)
	}
	return s
}

// fullCPVCodes checks CPV codes of 8 digits, as notices have them.
func (f *form) fullCPVCodes(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxChoices, path) {
		return nil
	}
	codes := make([]string, len(list))
	for i, code := range list {
		codes[i], _, _ = strings.Cut(strings.TrimSpace(code), "-")
		if _, mistake := query.CPV.Criterion().Parse(code); mistake != nil || len(codes[i]) != 8 {
			f.problems.Add(vigie.Invalid, vigie.Text{
				FR: "« %s » n’est pas un code CPV de 8 chiffres.",
				EN: "“%s” is not a CPV code of 8 digits.",
			}.With(code), at(path, strconv.Itoa(i))...)
		}
	}
	return vigie.Sorted(codes)
}

func (f *form) lots(list []vigie.Lot, path []string) []vigie.Lot {
	if !f.atMost(len(list), maxLots, path) {
		return nil
	}
	var lots []vigie.Lot
	for i, lot := range list {
		here := at(path, strconv.Itoa(i))
		lots = append(lots, vigie.Lot{
			Number:      f.text(lot.Number, maxRefLength, false, at(here, "number")),
			Title:       f.text(lot.Title, maxTitleLength, true, at(here, "title")),
			Description: f.cleaned(ingest.CleanLines(lot.Description), maxDescriptionLength, false, at(here, "description")),
			Value:       amount(lot.Value), CPVCodes: f.fullCPVCodes(lot.CPVCodes, at(here, "cpvCodes")), Nature: lot.Nature,
			Places: f.places(lot.Places, at(here, "places")), Duration: lot.Duration, Deadline: moment(lot.Deadline),
			AwardCriteria: f.awardCriteria(lot.AwardCriteria, at(here, "awardCriteria")),
		})
	}
	return lots
}

// text checks a text that a publisher gives, without its markup.
func (f *form) text(s string, most int, needed bool, path []string) string {
	return f.cleaned(ingest.Clean(s), most, needed, path)
}

// cleaned checks a text without markup.
func (f *form) cleaned(s string, most int, needed bool, path []string) string {
	switch n := lexicon.Length(s); {
	case n == 0 && needed:
		f.problems.Add(vigie.Blank, unfilled(), path...)
	case n > most:
		f.problems.Add(vigie.TooLong, tooLong(n, most), path...)
	}
	return s
}

func unstorable() vigie.Text {
	return vigie.Text{
		FR: "Cet avis n’a pas pu être enregistré. L’exploitant du service peut en voir la cause.",
		EN: "This notice could not be stored. Those who run the service can see why.",
	}
}

func unfilled() vigie.Text {
	return vigie.Text{FR: "Remplissez ce champ.", EN: "Fill in this field."}
}

func tooLong(n, most int) vigie.Text {
	return vigie.Text{FR: "%[2]d caractères au plus : ce texte en compte %[1]d.", EN: "%[2]d characters at most: this text has %[1]d."}.With(n, most)
}
