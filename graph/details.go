package graph

import (
	"context"
	"time"

	"vigie"
	"vigie/graph/gql"
)

func (tenderType) Lots(ctx context.Context, t *vigie.Tender) ([]*gql.Lot, error) {
	if err := describeLots(ctx, t.Lots); err != nil {
		return nil, err
	}
	awards := make(map[string]*vigie.LotAward)
	for i, award := range t.Details.Awards {
		if award.Lot != "" {
			awards[award.Lot] = &t.Details.Awards[i]
		}
	}
	lots := make([]*gql.Lot, len(t.Lots))
	for i, l := range t.Lots {
		lots[i] = &gql.Lot{
			Number: orNull(l.Number), Title: l.Title, Description: orNull(l.Description), Value: money(ctx, l.Value),
			CpvCodes: orEmpty(l.CPVCodes), Cpvs: cpvs(l.CPVCodes), Nature: orNull(l.Nature), Places: places(ctx, l.Places),
			Duration: duration(ctx, l.Duration), Deadline: l.Deadline, AwardCriteria: awardCriteria(ctx, l.AwardCriteria),
		}
		if award := awards[l.Number]; award != nil {
			lots[i].Award = lotAward(ctx, *award)
		}
	}
	return lots, nil
}

func (tenderType) Value(ctx context.Context, t *vigie.Tender) (*gql.Money, error) {
	return money(ctx, t.Details.Value), nil
}

func (tenderType) Duration(ctx context.Context, t *vigie.Tender) (*gql.Duration, error) {
	return duration(ctx, t.Details.Duration), nil
}

func (tenderType) Renewals(_ context.Context, t *vigie.Tender) (*int32, error) {
	return counted(t.Details.Renewals), nil
}

func (tenderType) Technique(_ context.Context, t *vigie.Tender) (*vigie.Technique, error) {
	return orNull(t.Details.Technique), nil
}

func (tenderType) QuestionsUntil(_ context.Context, t *vigie.Tender) (*time.Time, error) {
	return t.Details.QuestionsUntil, nil
}

func (tenderType) DocumentsURL(_ context.Context, t *vigie.Tender) (*string, error) {
	return orNull(t.Details.DocumentsURL), nil
}

func (tenderType) SubmissionURL(_ context.Context, t *vigie.Tender) (*string, error) {
	return orNull(t.Details.SubmissionURL), nil
}

func (tenderType) Places(ctx context.Context, t *vigie.Tender) ([]*gql.Place, error) {
	return places(ctx, t.Details.Places), nil
}

func (tenderType) Reserved(_ context.Context, t *vigie.Tender) (bool, error) {
	return t.Details.Reserved, nil
}

func (tenderType) Social(_ context.Context, t *vigie.Tender) (bool, error) {
	return t.Details.Social, nil
}

func (tenderType) Environmental(_ context.Context, t *vigie.Tender) (bool, error) {
	return t.Details.Environmental, nil
}

func (tenderType) AwardCriteria(ctx context.Context, t *vigie.Tender) ([]*gql.AwardCriterion, error) {
	return awardCriteria(ctx, t.Details.AwardCriteria), nil
}

func (tenderType) Languages(_ context.Context, t *vigie.Tender) ([]string, error) {
	return orEmpty(t.Details.Languages), nil
}

func (tenderType) Awards(ctx context.Context, t *vigie.Tender) ([]*gql.LotAward, error) {
	awards := make([]*gql.LotAward, len(t.Details.Awards))
	for i, award := range t.Details.Awards {
		awards[i] = lotAward(ctx, award)
	}
	return awards, nil
}

func money(ctx context.Context, m vigie.Money) *gql.Money {
	if m == (vigie.Money{}) {
		return nil
	}
	return &gql.Money{Amount: m.Amount, Currency: m.Currency, Label: say(ctx, m.Text())}
}

func duration(ctx context.Context, d vigie.Duration) *gql.Duration {
	if d == (vigie.Duration{}) {
		return nil
	}
	return &gql.Duration{
		Number: counted(d.Number), Unit: orNull(d.Unit), Start: orNull(d.Start), End: orNull(d.End), Label: say(ctx, d.Text()),
	}
}

func places(ctx context.Context, list []vigie.Place) []*gql.Place {
	places := make([]*gql.Place, len(list))
	for i, p := range list {
		places[i] = &gql.Place{
			Town: orNull(p.Town), Postcode: orNull(p.Postcode), Nuts: orNull(p.NUTS), Country: orNull(p.Country), Label: say(ctx, p.Text()),
		}
		if d, ok := vigie.DepartmentByCode(p.Department); ok {
			places[i].Department = &d
		}
	}
	return places
}

func awardCriteria(ctx context.Context, list []vigie.AwardCriterion) []*gql.AwardCriterion {
	criteria := make([]*gql.AwardCriterion, len(list))
	for i, c := range list {
		criteria[i] = &gql.AwardCriterion{Kind: orNull(c.Kind), Name: orNull(c.Name), Weight: orNull(c.Weight), Label: say(ctx, c.Text())}
		if c.Weight != "" {
			criteria[i].Unit = new(c.WeightUnit())
		}
	}
	return criteria
}

func lotAward(ctx context.Context, a vigie.LotAward) *gql.LotAward {
	award := &gql.LotAward{
		Lot: orNull(a.Lot), Outcome: a.Outcome, Reason: orNull(a.Reason), Winners: make([]*gql.Winner, len(a.Winners)),
		Amount: money(ctx, a.Amount), Day: orNull(a.Day),
	}
	if a.Bids != nil {
		award.Bids = new(int32(*a.Bids))
	}
	for i, w := range a.Winners {
		award.Winners[i] = &gql.Winner{Name: w.Label(), Siret: orNull(w.SIRET), Town: orNull(w.Town), Country: orNull(w.Country)}
	}
	return award
}

// counted is a number, or null where it is 0, which says nothing.
func counted(n int) *int32 {
	if n == 0 {
		return nil
	}
	return new(int32(n))
}

// orEmpty is a list, which is empty where there is none.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func detailsInput(in *gql.NoticeInput) vigie.Details {
	d := vigie.Details{
		Value: moneyInput(in.Value), Duration: durationInput(in.Duration), Renewals: int(value(in.Renewals)), Technique: value(in.Technique),
		QuestionsUntil: in.QuestionsUntil, DocumentsURL: value(in.DocumentsURL), SubmissionURL: value(in.SubmissionURL), Places: placesInput(in.Places),
		Reserved: value(in.Reserved), Social: value(in.Social), Environmental: value(in.Environmental),
		AwardCriteria: awardCriteriaInput(in.AwardCriteria), Languages: in.Languages,
	}
	for _, a := range in.Awards {
		award := vigie.LotAward{Lot: value(a.Lot), Outcome: a.Outcome, Reason: value(a.Reason), Amount: moneyInput(a.Amount), Day: value(a.Day)}
		if a.Bids != nil {
			award.Bids = new(int(*a.Bids))
		}
		for _, w := range a.Winners {
			award.Winners = append(award.Winners, vigie.Winner{Name: w.Name, SIRET: value(w.Siret), Town: value(w.Town), Country: value(w.Country)})
		}
		d.Awards = append(d.Awards, award)
	}
	return d
}

func lotInput(in *gql.LotInput) vigie.Lot {
	return vigie.Lot{
		Number: value(in.Number), Title: in.Title, Description: value(in.Description), Value: moneyInput(in.Value), CPVCodes: in.CpvCodes,
		Nature: value(in.Nature), Places: placesInput(in.Places), Duration: durationInput(in.Duration), Deadline: in.Deadline,
		AwardCriteria: awardCriteriaInput(in.AwardCriteria),
	}
}

// deadlineKind is what a publisher calls a kind of deadline; the domain has no word for bids, which most are for.
func deadlineKind(kind *vigie.DeadlineKind) vigie.DeadlineKind {
	if kind == nil || *kind == vigie.ForBids.Name() {
		return vigie.ForBids
	}
	return *kind
}

func moneyInput(in *gql.MoneyInput) vigie.Money {
	if in == nil {
		return vigie.Money{}
	}
	return vigie.Money{Amount: in.Amount, Currency: valueOr(in.Currency, vigie.Euro)}
}

func durationInput(in *gql.DurationInput) vigie.Duration {
	if in == nil {
		return vigie.Duration{}
	}
	return vigie.Duration{Number: int(value(in.Number)), Unit: value(in.Unit), Start: value(in.Start), End: value(in.End)}
}

func placesInput(in []*gql.PlaceInput) []vigie.Place {
	var places []vigie.Place
	for _, p := range in {
		places = append(places, vigie.Place{
			Town: value(p.Town), Postcode: value(p.Postcode), Department: value(p.DepartmentCode), NUTS: value(p.Nuts), Country: value(p.Country),
		})
	}
	return places
}

func awardCriteriaInput(in []*gql.AwardCriterionInput) []vigie.AwardCriterion {
	var criteria []vigie.AwardCriterion
	for _, c := range in {
		criteria = append(criteria, vigie.AwardCriterion{Kind: value(c.Kind), Name: value(c.Name), Weight: value(c.Weight), Unit: value(c.Unit)})
	}
	return criteria
}
