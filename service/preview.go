package service

import (
	"context"
	"fmt"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// Preview is what a draft would match.
type Preview struct {
	OnlineCount int
	// Last30Days counts what was published in the last 30 days, whatever
	// became of it.
	Last30Days int
	Nodes      []*vigie.Tender
	Warnings   []vigie.Warning
}

const previewDays = 30

// Preview tells what a draft of criteria would match, without what the account
// dismissed, as for a watch. Mistakes come back as [vigie.Problems].
func (s *Service) Preview(ctx context.Context, account *vigie.Account, in CriteriaInput, args PageArgs) (*Preview, error) {
	w, err := args.window(10)
	if err != nil {
		return nil, err
	}
	var f form
	change, err := f.criteria(ctx, s, in, []string{"criteria"})
	if err != nil {
		return nil, err
	}
	if err := f.problems.Err(); err != nil {
		return nil, err
	}
	c := change.over(newCriteria())
	queries, reader := s.measures(c, w.size), s.marks()
	for i := range queries {
		if err := reader.apply(ctx, &queries[i], markFilters{account: account.ID, dismissed: HideMarked}); err != nil {
			return nil, err
		}
	}
	results, err := s.search(ctx, queries)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(results[0].Hits))
	for i, hit := range results[0].Hits {
		ids[i] = hit.ID
	}
	tenders, err := s.Store.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	preview := &Preview{
		OnlineCount: results[0].Total, Last30Days: results[1].Total,
		Warnings: append(f.warnings, measured(c, results, []string{"criteria"})...),
	}
	for _, hit := range results[0].Hits {
		if t := tenderOf(hit, tenders); t != nil {
			preview.Nodes = append(preview.Nodes, t)
		}
	}
	return preview, nil
}

// breadth warns of criteria just saved. The watch is saved whether or not the
// search engine answers.
func (s *Service) breadth(ctx context.Context, c vigie.Criteria, path []string) []vigie.Warning {
	results, err := s.search(ctx, s.measures(c, 0))
	if err != nil {
		return nil
	}
	return measured(c, results, path)
}

// measures are the questions that a draft raises: what matches and is online,
// what matched lately, and what the filters on nature and CPV leave out
// because it does not say.
func (s *Service) measures(c vigie.Criteria, limit int) []search.Query {
	now := s.now()
	monthAgo := now.AddDate(0, 0, -previewDays)
	online := search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}}
	count := func(c vigie.Criteria, filter search.Filter) search.Query {
		return search.Query{Any: []query.Formula{query.Compile(c)}, Filter: filter, Now: now, Order: search.PublishedDesc}
	}
	first := count(c, online)
	first.Limit = limit
	queries := []search.Query{first, count(c, search.Filter{PublishedFrom: &monthAgo, PublishedTo: &now})}
	for _, known := range unknowns(c) {
		queries = append(queries, count(known.without, online), count(known.any, online))
	}
	return queries
}

// unknown is a filter that leaves out tenders which do not say: the criteria
// without it, and with every value there can be.
type unknown struct {
	field        string
	without, any vigie.Criteria
	text         vigie.Text
}

func unknowns(c vigie.Criteria) []unknown {
	var list []unknown
	if len(c.Natures) > 0 {
		u := unknown{field: "natures", without: c, any: c, text: vigie.Text{
			FR: "Marchés en ligne écartés, car leur nature n’est pas indiquée : %d.",
			EN: "Tenders online left out because their nature is not given: %d.",
		}}
		u.without.Natures, u.any.Natures = nil, vigie.Natures()
		list = append(list, u)
	}
	if len(c.CPVCodes) > 0 {
		u := unknown{field: "cpvCodes", without: c, any: c, text: vigie.Text{
			FR: "Marchés en ligne écartés, car leur code CPV n’est pas indiqué : %d.",
			EN: "Tenders online left out because they have no CPV code: %d.",
		}}
		u.without.CPVCodes, u.any.CPVCodes = nil, nil
		for division := range 100 {
			u.any.CPVCodes = append(u.any.CPVCodes, fmt.Sprintf("%02d", division))
		}
		list = append(list, u)
	}
	return list
}

// measured words the warnings that the answers to measures give rise to.
func measured(c vigie.Criteria, results []search.Result, path []string) []vigie.Warning {
	var warnings []vigie.Warning
	switch lately := results[1].Total; {
	case len(query.Compile(c).Clauses) == 0 && len(c.ExcludedKeywords) == 0:
		warnings = append(warnings, vigie.Warning{Field: path, Code: vigie.TooBroad, Text: vigie.Text{
			FR: "Cette veille n’a pas de critère : tous les marchés lui correspondent. Ajoutez-en un pour recevoir moins d’alertes.",
			EN: "This watch has no criteria: every tender matches it. Add one to get fewer alerts.",
		}})
	case lately > previewDays*vigie.BroadPerDay:
		warnings = append(warnings, vigie.Warning{Field: path, Code: vigie.TooBroad, Text: vigie.Text{
			FR: "%d marchés ont correspondu à cette veille ces %d derniers jours. Précisez-la pour recevoir moins d’alertes.",
			EN: "%d tenders matched this watch in the last %d days. Narrow it to get fewer alerts.",
		}.With(lately, previewDays)})
	}
	for i, u := range unknowns(c) {
		if n := results[2+2*i].Total - results[3+2*i].Total; n > 0 {
			warnings = append(warnings, vigie.Warning{Field: at(path, u.field), Code: vigie.UnknownLeftOut, Text: u.text.With(n)})
		}
	}
	return warnings
}
