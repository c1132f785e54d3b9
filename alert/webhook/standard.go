package webhook

import (
	"fmt"
	"strings"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/clip"
	"vigie/query"
)

// version is that of the payload. Fields are added within a version; what changes its meaning, or goes, makes another.
const version = 1

// envelope is what every payload has, by Standard Webhooks.
type envelope struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

type challengeData struct {
	WebhookID string `json:"webhookId"`
	Challenge string `json:"challenge"`
}

type testData struct {
	WebhookID string `json:"webhookId"`
}

// alertData is an alert with the names and values of the API. What is not known is null, a list without elements [].
type alertData struct {
	Kind        vigie.DeliveryKind `json:"kind"`
	DeliveryIDs []string           `json:"deliveryIds"`
	Account     *string            `json:"account"`
	Watches     []watchData        `json:"watches"`
	URL         *string            `json:"url"`
	Tender      tenderData         `json:"tender"`
	Changes     []changeData       `json:"changes"`
	Corrections []string           `json:"corrections"`
	Language    vigie.Locale       `json:"language"`
	Truncated   bool               `json:"truncated"`
}

type watchData struct {
	ID         string      `json:"id"`
	ExternalID *string     `json:"externalId"`
	Name       string      `json:"name"`
	URL        *string     `json:"url"`
	Keywords   []string    `json:"keywords"`
	Places     []foundData `json:"places"`
}

type foundData struct {
	Keyword string          `json:"keyword"`
	Place   query.PlaceKind `json:"place"`
	Lot     *string         `json:"lot"`
	Code    *string         `json:"code"`
	Label   string          `json:"label"`
}

type tenderData struct {
	ID             string              `json:"id"`
	Source         string              `json:"source"`
	SourceRef      string              `json:"sourceRef"`
	Reference      *string             `json:"reference"`
	Title          string              `json:"title"`
	Description    *string             `json:"description"`
	Buyer          *buyerData          `json:"buyer"`
	Departments    []departmentData    `json:"departments"`
	Natures        []vigie.Nature      `json:"natures"`
	Procedure      *vigie.Procedure    `json:"procedure"`
	CPVCodes       []string            `json:"cpvCodes"`
	Lots           []lotData           `json:"lots"`
	Value          *moneyData          `json:"value"`
	Duration       *durationData       `json:"duration"`
	Renewals       *int                `json:"renewals"`
	Technique      *vigie.Technique    `json:"technique"`
	QuestionsUntil *time.Time          `json:"questionsUntil"`
	DocumentsURL   *string             `json:"documentsUrl"`
	SubmissionURL  *string             `json:"submissionUrl"`
	Places         []placeData         `json:"places"`
	Abroad         bool                `json:"abroad"`
	Reserved       bool                `json:"reserved"`
	Social         bool                `json:"social"`
	Environmental  bool                `json:"environmental"`
	AwardCriteria  []criterionData     `json:"awardCriteria"`
	Languages      []string            `json:"languages"`
	PublishedAt    time.Time           `json:"publishedAt"`
	Deadline       *time.Time          `json:"deadline"`
	DeadlineKind   *vigie.DeadlineKind `json:"deadlineKind"`
	OnlineUntil    *time.Time          `json:"onlineUntil"`
	Status         vigie.TenderStatus  `json:"status"`
	URL            *string             `json:"url"`
	Publications   []publicationData   `json:"publications"`
}

type buyerData struct {
	ID             string  `json:"id"`
	Name           string  `json:"name"`
	SIRET          *string `json:"siret"`
	City           *string `json:"city"`
	DepartmentCode *string `json:"departmentCode"`
}

type departmentData struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type lotData struct {
	Number        *string         `json:"number"`
	Title         string          `json:"title"`
	Description   *string         `json:"description"`
	Value         *moneyData      `json:"value"`
	CPVCodes      []string        `json:"cpvCodes"`
	Nature        *vigie.Nature   `json:"nature"`
	Places        []placeData     `json:"places"`
	Duration      *durationData   `json:"duration"`
	Deadline      *time.Time      `json:"deadline"`
	AwardCriteria []criterionData `json:"awardCriteria"`
}

type moneyData struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Label    string `json:"label"`
}

type durationData struct {
	Number *int                `json:"number"`
	Unit   *vigie.DurationUnit `json:"unit"`
	Start  *string             `json:"start"`
	End    *string             `json:"end"`
	Label  string              `json:"label"`
}

type placeData struct {
	Town       *string         `json:"town"`
	Postcode   *string         `json:"postcode"`
	Department *departmentData `json:"department"`
	NUTS       *string         `json:"nuts"`
	Country    *string         `json:"country"`
	Label      string          `json:"label"`
}

type criterionData struct {
	Kind   *vigie.AwardCriterionKind `json:"kind"`
	Name   *string                   `json:"name"`
	Weight *string                   `json:"weight"`
	Unit   *vigie.WeightUnit         `json:"unit"`
	Label  string                    `json:"label"`
}

type publicationData struct {
	Source      string    `json:"source"`
	SourceRef   string    `json:"sourceRef"`
	Label       string    `json:"label"`
	URL         *string   `json:"url"`
	PublishedAt time.Time `json:"publishedAt"`
}

type changeData struct {
	Field  string  `json:"field"`
	Label  string  `json:"label"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// eventType is the type of a message: tender.new.
func eventType(k vigie.DeliveryKind) string { return "tender." + strings.ToLower(string(k)) }

// standardBody writes the payload. One that would be too long has shorter texts and lists, and says so.
func standardBody(a Alert, l vigie.Locale) ([]byte, error) {
	const whole = 1 << 30
	for _, s := range []size{{whole, whole}, {2000, 200}, {500, 50}, {100, 10}, {50, 5}} {
		w := &writer{language: vigie.French, size: s}
		if l == vigie.English {
			w.language = l
		}
		data := w.alert(a)
		data.Truncated = w.cut
		body, err := encode(envelope{eventType(a.Kind), version, a.At.UTC(), data})
		if err != nil || len(body) <= MaxBody {
			return body, err
		}
	}
	return nil, fmt.Errorf("webhook: a payload of more than %d bytes", MaxBody)
}

// writer makes the payload's values of the domain's.
type writer struct {
	language vigie.Locale
	size     size
	// cut is whether something was left out.
	cut bool
}

// text cuts a text.
func (w *writer) text(s string) string {
	if len(s) <= w.size.text {
		return s
	}
	if length := clip.Length(s, w.size.text-1); length < len(s) {
		w.cut = true
		return s[:length] + "…"
	}
	return s
}

func (w *writer) say(t vigie.Text) string { return w.text(t.In(w.language)) }

// each makes a list of values, the first ones if there are very many.
func each[T, U any](w *writer, list []T, value func(T) U) []U {
	if len(list) > w.size.list {
		list, w.cut = list[:w.size.list], true
	}
	values := make([]U, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	return values
}

// link is an address that clients can offer as a link, nil for none.
func (w *writer) link(address string) *string {
	address = letter.Link(address)
	if len(address) > maxLink {
		address, w.cut = "", true
	}
	return orNull(address)
}

// maxLink is how long the address of a link is at most: browsers and chats take no longer ones.
const maxLink = 2000

func same[T any](v T) T { return v }

// orNull is nil for what says nothing.
func orNull[T comparable](v T) *T {
	var nothing T
	if v == nothing {
		return nil
	}
	return &v
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return orNull(t.UTC())
}

func (w *writer) alert(a Alert) alertData {
	return alertData{
		Kind: a.Kind, DeliveryIDs: append([]string{}, a.DeliveryIDs...), Account: orNull(w.text(a.Account)), URL: w.link(a.URL),
		Watches: each(w, a.Watches, w.watch), Tender: w.tender(a),
		Changes: each(w, a.Changes, w.change), Corrections: each(w, a.Corrections, w.text), Language: w.language,
	}
}

func (w *writer) watch(v Watch) watchData {
	return watchData{
		ID: v.ID, ExternalID: orNull(w.text(v.ExternalID)), Name: w.text(v.Name), URL: w.link(v.URL),
		Keywords: each(w, v.Keywords, w.text), Places: each(w, v.Places, w.found),
	}
}

func (w *writer) found(p query.Place) foundData {
	return foundData{Keyword: w.text(p.Keyword), Place: p.Kind, Lot: orNull(w.text(p.Lot)), Code: orNull(p.Code), Label: w.say(p.Label())}
}

func (w *writer) change(c vigie.Change) changeData {
	return changeData{Field: c.Field, Label: w.say(c.Label), Before: orNull(w.say(c.Before)), After: orNull(w.say(c.After))}
}

func (w *writer) tender(a Alert) tenderData {
	t := a.Tender
	data := tenderData{
		ID: a.TenderID, Source: t.Source, SourceRef: w.text(t.SourceRef), Reference: orNull(w.text(t.Reference)), Title: w.text(t.Title), Description: orNull(w.text(t.Description)),
		Departments: each(w, t.Departments, department), Natures: each(w, t.Natures, same), Procedure: orNull(t.Procedure),
		CPVCodes: each(w, t.CPVCodes, same), Lots: each(w, t.Lots, w.lot), Value: w.money(t.Details.Value), Duration: w.duration(t.Details.Duration),
		Renewals: orNull(t.Details.Renewals), Technique: orNull(t.Details.Technique), QuestionsUntil: utc(t.Details.QuestionsUntil),
		DocumentsURL: w.link(t.Details.DocumentsURL), SubmissionURL: w.link(t.Details.SubmissionURL),
		Places: each(w, t.Details.Places, w.place), Abroad: t.Abroad(), Reserved: t.Details.Reserved, Social: t.Details.Social, Environmental: t.Details.Environmental,
		AwardCriteria: each(w, t.Details.AwardCriteria, w.criterion), Languages: each(w, t.Details.Languages, same),
		PublishedAt: t.PublishedAt.UTC(), Deadline: utc(t.Deadline), OnlineUntil: utc(t.OnlineUntil), Status: a.Status, URL: w.link(t.URL),
		Publications: each(w, a.Publications, w.publication),
	}
	if t.Deadline != nil {
		data.DeadlineKind = orNull(t.DeadlineKind.Name())
	}
	if b := a.Buyer; b != nil {
		data.Buyer = &buyerData{ID: a.BuyerID, Name: w.text(b.Name), SIRET: b.SIRET, City: orNull(w.text(b.City)), DepartmentCode: orNull(b.DepartmentCode)}
	}
	return data
}

func department(code string) departmentData {
	if d, ok := vigie.DepartmentByCode(code); ok {
		return departmentData{d.Code, d.Name}
	}
	return departmentData{code, code}
}

func (w *writer) lot(l vigie.Lot) lotData {
	return lotData{
		Number: orNull(w.text(l.Number)), Title: w.text(l.Title), Description: orNull(w.text(l.Description)), Value: w.money(l.Value),
		CPVCodes: each(w, l.CPVCodes, same), Nature: orNull(l.Nature), Places: each(w, l.Places, w.place), Duration: w.duration(l.Duration),
		Deadline: utc(l.Deadline), AwardCriteria: each(w, l.AwardCriteria, w.criterion),
	}
}

func (w *writer) money(m vigie.Money) *moneyData {
	if m == (vigie.Money{}) {
		return nil
	}
	return &moneyData{m.Amount, m.Currency, w.say(m.Text())}
}

func (w *writer) duration(d vigie.Duration) *durationData {
	if d == (vigie.Duration{}) {
		return nil
	}
	return &durationData{orNull(d.Number), orNull(d.Unit), orNull(d.Start), orNull(d.End), w.say(d.Text())}
}

func (w *writer) place(p vigie.Place) placeData {
	data := placeData{Town: orNull(w.text(p.Town)), Postcode: orNull(p.Postcode), NUTS: orNull(p.NUTS), Country: orNull(p.Country), Label: w.say(p.Text())}
	if p.Department != "" {
		data.Department = orNull(department(p.Department))
	}
	return data
}

func (w *writer) criterion(c vigie.AwardCriterion) criterionData {
	data := criterionData{Kind: orNull(c.Kind), Name: orNull(w.text(c.Name)), Weight: orNull(w.text(c.Weight)), Label: w.say(c.Text())}
	if c.Weight != "" {
		data.Unit = orNull(c.WeightUnit())
	}
	return data
}

func (w *writer) publication(p vigie.Publication) publicationData {
	return publicationData{p.Source, w.text(p.SourceRef), w.text(p.Label()), w.link(p.URL), p.PublishedAt.UTC()}
}
