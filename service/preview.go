package service

import (
	"cmp"
	"context"
	"slices"

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
	// Examples are the newest that are online.
	Examples []*PreviewExample
	Warnings []vigie.Warning
}

// PreviewExample is a tender that a draft would match.
type PreviewExample struct {
	Tender   *vigie.Tender
	keywords []string
}

// Highlights are the passages of title and description that have one of the
// draft's keywords.
func (e *PreviewExample) Highlights() []search.Highlight {
	return highlights(e.Tender, e.keywords, nil)
}

const previewDays = 30

// Preview says what a draft of criteria would match, without what the account
// dismissed, as for a watch. Mistakes come back as [vigie.Problems].
func (s *Service) Preview(ctx context.Context, account *vigie.Account, in query.Patch, args PageArgs) (*Preview, error) {
	w, err := args.window(10)
	if err != nil {
		return nil, err
	}
	var f form
	change, err := f.criteria(ctx, s, in, []string{"criteria"}, inputName)
	if err != nil {
		return nil, err
	}
	if err := f.problems.Err(); err != nil {
		return nil, err
	}
	c := change.Over(newCriteria())
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
		Warnings: slices.Concat(f.warnings, contradictions(c, []string{"criteria"}), measured(c, results, []string{"criteria"})),
	}
	for _, hit := range results[0].Hits {
		if t := tenderOf(hit, tenders); t != nil {
			preview.Examples = append(preview.Examples, &PreviewExample{t, c.Keywords})
		}
	}
	return preview, nil
}

// doubts warns of criteria just saved. The watch is saved whether or not the
// search engine answers.
func (s *Service) doubts(ctx context.Context, c vigie.Criteria, path []string) []vigie.Warning {
	warnings := contradictions(c, path)
	results, err := s.search(ctx, s.measures(c, 0))
	if err != nil {
		return warnings
	}
	return append(warnings, measured(c, results, path)...)
}

// measures are the questions that a draft raises: what matches and is online,
// what matched lately, and how many tenders do not say what criteria ask for.
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
	for _, u := range unknowns(c) {
		known := online
		known.Values[u.Field] = u.All()
		queries = append(queries, count(u.without, online), count(u.without, known))
	}
	return queries
}

// unknown is a criterion of which tenders may have no value, with the warning about those; and the criteria
// without it.
type unknown struct {
	query.Criterion
	code    vigie.WarningCode
	text    vigie.Text
	without vigie.Criteria
}

func unknowns(c vigie.Criteria) []unknown {
	var list []unknown
	for _, criterion := range query.Criteria() {
		u := unknown{Criterion: criterion, code: vigie.UnknownLeftOut, text: criterion.LeftOut, without: c}
		if criterion.LetsUnknown(&c) {
			u.code, u.text = vigie.UnknownLetThrough, criterion.LetThrough
		}
		if len(criterion.Values(&c)) == 0 || u.text == (vigie.Text{}) {
			continue
		}
		criterion.Set(&u.without, nil)
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
			warnings = append(warnings, vigie.Warning{Field: at(path, cmp.Or(u.Unknown, u.Input)), Code: u.code, Text: u.text.With(n)})
		}
	}
	return warnings
}
