package graph

import (
	"context"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
	"vigie/graph/gql"
	words "vigie/query"
	"vigie/search"
	"vigie/service"
)

func (q query) Tender(ctx context.Context, id string) (*vigie.Tender, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	key, l := q.keyOf(vigie.KindTender, id), load(ctx)
	if !selects(ctx, "notices") {
		return l.tenders.Load(ctx, key)
	}
	// Clients that ask for its notices mostly ask for its buyer too, as lists do not:
	// one statement reads all.
	d, err := q.service.Dossier(ctx, key, inHeads(selectedOfTender(ctx)))
	if err != nil {
		return nil, err
	}
	if d == nil {
		return l.tenders.Load(ctx, key) // it may stand under another id now
	}
	slices.SortFunc(d.Notices, (*vigie.Notice).Compare)
	if !slices.ContainsFunc(d.Notices, func(n *vigie.Notice) bool { return n.Revision > 1 || n.Source != d.Tender.Source }) {
		l.notices.Prime(key, d.Notices) // else what they say decides which of them are shown
	}
	if d.Buyer.MergedInto == nil {
		l.buyers.Prime(d.Buyer.ID, d.Buyer)
	}
	return d.Tender, nil
}

// selects reports whether the client selects a field of what a resolver returns.
func selects(ctx context.Context, name string) bool {
	selected := graphql.CollectFields(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections, nil)
	return slices.ContainsFunc(selected, func(f graphql.CollectedField) bool { return f.Name == name })
}

func (q query) TenderBySourceRef(ctx context.Context, source, sourceRef string) (*vigie.Tender, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	id, err := q.service.TenderOfRef(ctx, source, sourceRef)
	if err != nil || id == 0 {
		return nil, err
	}
	return load(ctx).tenders.Load(ctx, id)
}

func (q query) Tenders(ctx context.Context, text *string, complete *bool, filter map[string]any, orderBy *search.Order, first *int32, after *string, last *int32, before *string, page *int32) (*service.TenderPage, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	var account int64 // nobody in particular marked nothing
	if viewer.Account != nil {
		account = viewer.Account.ID
	}
	plan, err := q.tenderPlan(ctx, filter, service.TenderQuery{
		Account: account, Text: value(text), Complete: value(complete), Order: value(orderBy),
		Page: service.PageArgs{First: first, After: after, Last: last, Before: before, Page: page},
	})
	if err != nil {
		return nil, err
	}
	return q.tenderPage(ctx, plan)
}

func (q query) MatchingTenders(ctx context.Context, watchIDs []string, includeInactive *bool, text *string, complete *bool, filter map[string]any, orderBy *search.Order, first *int32, after *string, last *int32, before *string, page *int32) (*service.TenderPage, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := q.tenderPlan(ctx, filter, service.TenderQuery{
		Matching: true, Account: account.ID, Text: value(text), Complete: value(complete), Order: value(orderBy),
		Page: service.PageArgs{First: first, After: after, Last: last, Before: before, Page: page},
	})
	if err != nil {
		return nil, err
	}
	var ahead []*service.TenderPlan
	if alone(ctx) { // several lists read what an account marked once for all
		ahead = append(ahead, plan)
	}
	watches, err := load(ctx).watching.of(ctx, q.service, account, q.watchKeys(watchIDs), value(includeInactive), ahead...)
	if err != nil {
		return nil, err
	}
	counted, err := q.countedWatches(ctx, account, watches, value(includeInactive))
	if err != nil {
		return nil, err
	}
	plan.Of(watches, counted)
	return q.tenderPage(ctx, plan)
}

// tenderPage answers a plan, with all others of its operation at once. An export is
// given the plan instead.
func (r *resolver) tenderPage(ctx context.Context, plan *service.TenderPlan) (*service.TenderPage, error) {
	if asked, ok := ctx.Value(plannedKey{}).(*planned); ok {
		asked.plan = plan
		return nil, nil
	}
	answer := load(ctx).pages.Load
	if alone(ctx) {
		answer = r.service.Tenders
	}
	page, err := answer(ctx, plan)
	if err != nil {
		return nil, err
	}
	for id, buyer := range page.Buyers {
		load(ctx).buyers.Prime(id, buyer)
	}
	return page, nil
}

// alone reports whether a field is the only one of its operation. Then no other can be answered together with it: to wait
// for one takes longer than to answer.
func alone(ctx context.Context) bool {
	op := graphql.GetOperationContext(ctx)
	return len(graphql.GetPath(ctx)) == 1 && len(graphql.CollectFields(op, op.Operation.SelectionSet, nil)) == 1
}

// inHeads reports whether fields of tenders need nothing that [service.TenderQuery.HeadsOnly] leaves out.
func inHeads(fields []string) bool {
	heads := []string{
		"__typename", "id", "source", "sourceRef", "reference", "title", "buyer", "departments", "natures", "procedure", "cpvCodes", "cpvs",
		"publishedAt", "publishedOn", "updatedAt", "deadline", "deadlineKind", "onlineUntil", "status", "url", "notices", "publications",
		"seen", "dismissed", "interested", "reminders", "calendarUrl",
	}
	return !slices.ContainsFunc(fields, func(name string) bool { return !slices.Contains(heads, name) })
}

// selectedOfTender are the fields that may be selected of a tender.
func selectedOfTender(ctx context.Context) (names []string) {
	eachField(graphql.GetFieldContext(ctx).Field.Selections, func(f *ast.Field) { names = append(names, f.Name) })
	return names
}

// selectedOfTenders are the fields that may be selected of the tenders of a list, and of their edges.
func selectedOfTenders(ctx context.Context) (names []string) {
	eachField(graphql.GetFieldContext(ctx).Field.Selections, func(list *ast.Field) {
		eachField(list.SelectionSet, func(f *ast.Field) {
			switch {
			case list.Name == "nodes":
				names = append(names, f.Name)
			case list.Name == "edges" && f.Name == "node":
				eachField(f.SelectionSet, func(f *ast.Field) { names = append(names, f.Name) })
			case list.Name == "edges" && f.Name != "cursor" && f.Name != "__typename":
				names = append(names, "edge."+f.Name)
			}
		})
	})
	return names
}

// eachField calls do with the fields of a selection and of its fragments, also of those that a directive or a type leaves out.
func eachField(set ast.SelectionSet, do func(*ast.Field)) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			do(s)
		case *ast.InlineFragment:
			eachField(s.SelectionSet, do)
		case *ast.FragmentSpread:
			eachField(s.Definition.SelectionSet, do)
		}
	}
}

// watchKeys are the numbers in the ids of watches: none for [], which names
// none, and nil for nil, which means all.
func (r *resolver) watchKeys(ids []string) []int64 {
	if ids == nil {
		return nil
	}
	keys := []int64{}
	for _, id := range ids {
		keys = append(keys, r.keyOf(vigie.KindWatch, id))
	}
	return keys
}

// countedWatches are the watches that a list of matches is counted by: those
// that it is of, and all that it could be of; nil where nobody asks.
func (q query) countedWatches(ctx context.Context, account *vigie.Account, listed *service.Watching, inactive bool) (*service.Watching, error) {
	if !slices.Contains(selectedFacets(ctx), "watches") {
		return nil, nil
	}
	others, err := load(ctx).watching.of(ctx, q.service, account, nil, inactive)
	if err != nil {
		return nil, err
	}
	return service.CountedWatches(listed.Watches(), others.Watches())
}

// selectedFacets are the facets that the client selects of a list.
func selectedFacets(ctx context.Context) []string {
	op, selected := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections
	var names []string
	for _, field := range graphql.CollectFields(op, selected, nil) {
		if field.Name != "facets" {
			continue
		}
		for _, facet := range graphql.CollectFields(op, field.Selections, nil) {
			names = append(names, facet.Name)
		}
	}
	return names
}

// tenderPlan plans the query of a field, for no more than the client selected.
func (r *resolver) tenderPlan(ctx context.Context, filter map[string]any, q service.TenderQuery) (*service.TenderPlan, error) {
	q.Filter = tenderFilter(filter)
	q.MinValue, q.MaxValue = value(givenIn[*string](filter, "minValue")), value(givenIn[*string](filter, "maxValue"))
	marked := func(name string) service.MarkFilter { return value(givenIn[*service.MarkFilter](filter, name)) }
	q.Seen, q.Dismissed, q.Interested = marked("seen"), marked("dismissed"), marked("interested")
	if err := r.checkBuyers(ctx, q.Filter.Values[words.Buyer]); err != nil {
		return nil, err
	}
	q.CountOnly = !selects(ctx, "edges") && !selects(ctx, "nodes") && !selects(ctx, "pageInfo")
	selected := selectedOfTenders(ctx)
	q.HeadsOnly, q.WithBuyers = inHeads(selected), slices.Contains(selected, "buyer")
	for _, name := range selectedFacets(ctx) {
		if facet, ok := facetOf(name); ok && !slices.Contains(q.Facets, facet) {
			q.Facets = append(q.Facets, facet)
		}
		q.ByStatus = q.ByStatus || name == "statuses"
	}
	return r.service.Plan(q)
}

// checkBuyers refuses a filter that names a buyer that there is not.
func (r *resolver) checkBuyers(ctx context.Context, ids []string) error {
	if len(ids) == 0 || len(ids) > vigie.MaxChoices { // more are refused with the rest of the filter
		return nil
	}
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = r.keyOf(vigie.KindBuyer, id)
	}
	buyers, err := load(ctx).buyers.LoadAll(ctx, keys)
	if err == nil && slices.Contains(buyers, nil) {
		err = service.NoBuyer("filter.buyerIds")
	}
	return err
}

// facetOf returns the facet of a field of TenderFacets, which has the criterion's name.
func facetOf(name string) (facet words.Field, ok bool) {
	for _, criterion := range words.Filters() {
		if criterion.Facet && criterion.Name == name {
			return criterion.Field, true
		}
	}
	return 0, false
}

// tenderFilter is what a client gives of a filter, by the names of TenderFilter.
func tenderFilter(in map[string]any) search.Filter {
	return search.Filter{
		Statuses: givenIn[[]vigie.TenderStatus](in, "statuses"), Values: lists(in),
		PublishedFrom: givenIn[*time.Time](in, "publishedFrom"), PublishedTo: givenIn[*time.Time](in, "publishedTo"),
		UpdatedFrom:  givenIn[*time.Time](in, "updatedFrom"),
		DeadlineFrom: givenIn[*time.Time](in, "deadlineFrom"), DeadlineTo: givenIn[*time.Time](in, "deadlineTo"),
	}
}

func (q query) PreviewMatches(ctx context.Context, in map[string]any, first *int32) (*gql.MatchPreview, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	preview, err := q.service.Preview(ctx, account, criteriaInput(in), service.PageArgs{First: first})
	if err != nil {
		problems, err := userErrors(err, "criteria")
		return &gql.MatchPreview{Nodes: []*vigie.Tender{}, Examples: []*service.PreviewExample{}, UserErrors: problems, Warnings: []*vigie.Warning{}}, err
	}
	nodes := make([]*vigie.Tender, len(preview.Examples))
	for i, example := range preview.Examples {
		nodes[i] = example.Tender
	}
	return &gql.MatchPreview{
		OnlineCount: new(int32(preview.OnlineCount)), Last30Days: new(int32(preview.Last30Days)), Nodes: nodes, Examples: preview.Examples,
		UserErrors: []*vigie.Error{}, Warnings: pointers(preview.Warnings),
	}, nil
}

func (q query) ExplainMatch(ctx context.Context, watchID, tenderID string) (*gql.MatchExplanation, error) {
	watch := q.keyOf(vigie.KindWatch, watchID)
	account, err := q.watchOwner(ctx, "explainMatch", watch)
	if vigie.CodeOf(err) == vigie.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	explained, err := q.service.Explain(ctx, account, watch, q.keyOf(vigie.KindTender, tenderID))
	if vigie.CodeOf(err) == vigie.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return explanation(ctx, explained), nil
}

func explanation(ctx context.Context, e words.Explanation) *gql.MatchExplanation {
	out := &gql.MatchExplanation{Matches: e.Matches, Criteria: make([]*gql.CriterionResult, len(e.Criteria))}
	for i, c := range e.Criteria {
		out.Criteria[i] = &gql.CriterionResult{
			Criterion: c.Criterion, Label: say(ctx, c.Label), Satisfied: c.Satisfied,
			Wanted: sayAll(ctx, c.Wanted), Found: sayAll(ctx, c.Found), Places: keywordPlaces(ctx, c.Places),
		}
	}
	return out
}

func (tenderType) Reference(_ context.Context, t *vigie.Tender) (*string, error) {
	return orNull(t.Reference), nil
}

func (tenderType) DeadlineKind(_ context.Context, t *vigie.Tender) (*vigie.DeadlineKind, error) {
	if t.Deadline == nil {
		return nil, nil
	}
	return new(t.DeadlineKind.Name()), nil
}

func (tenderType) Description(ctx context.Context, t *vigie.Tender) (*string, error) {
	return orNull(t.Description), describe(ctx, len(t.Description))
}

func (tenderType) Buyer(ctx context.Context, t *vigie.Tender) (*vigie.Buyer, error) {
	return load(ctx).buyers.Load(ctx, t.BuyerID)
}

func (tenderType) Departments(_ context.Context, t *vigie.Tender) ([]*vigie.Department, error) {
	return departments(t.Departments), nil
}

func (tenderType) Procedure(_ context.Context, t *vigie.Tender) (*vigie.Procedure, error) {
	return orNull(t.Procedure), nil
}

func (r tenderType) Status(_ context.Context, t *vigie.Tender) (vigie.TenderStatus, error) {
	return t.Status(r.service.Now()), nil
}

func (tenderType) URL(_ context.Context, t *vigie.Tender) (*string, error) {
	return orNull(t.URL), nil
}

func (tenderType) Notices(ctx context.Context, t *vigie.Tender) ([]*vigie.Notice, error) {
	return load(ctx).notices.Load(ctx, t.ID)
}

func (tenderType) Publications(ctx context.Context, t *vigie.Tender) ([]*vigie.Publication, error) {
	list, err := load(ctx).publications.Load(ctx, t.ID)
	return pointers(list), err
}

func (publicationType) URL(_ context.Context, p *vigie.Publication) (*string, error) {
	return orNull(p.URL), nil
}

func (tenderType) MatchedBy(ctx context.Context, t *vigie.Tender) ([]*service.WatchMatch, error) {
	return load(ctx).matches.Load(ctx, t)
}

func (facetsType) Departments(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.Department), nil
}

func (r facetsType) Buyers(ctx context.Context, f *service.TenderFacets, first *int32) ([]*service.FacetCount, error) {
	most := 50
	if first != nil {
		most = int(*first)
	}
	if most < 1 || most > vigie.MaxPageSize {
		return nil, outOfRange()
	}
	ids := f.TopBuyers(most)
	buyers, err := load(ctx).buyers.LoadAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	top, names := make(map[string]int, len(ids)), make(map[string]string, len(ids))
	for i, b := range buyers {
		value := r.id(vigie.KindBuyer, ids[i])
		top[value] = f.Counts[words.Buyer][vigie.GlobalID(vigie.KindBuyer, ids[i])]
		if b != nil {
			names[value] = b.Name
		}
	}
	return service.SortedCounts(top, func(v string) string { return names[v] }), nil
}

func (facetsType) Natures(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.Nature), nil
}

func (facetsType) Procedures(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.Procedure), nil
}

func (facetsType) DeadlineKinds(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.DeadlineKind), nil
}

func (facetsType) Techniques(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.Technique), nil
}

func (facetsType) Sources(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	return facetCounts(ctx, f, words.Source), nil
}

// facetCounts are the counts of a facet; buyers, whose names are in the database, have their own.
func facetCounts(ctx context.Context, f *service.TenderFacets, facet words.Field) []*service.FacetCount {
	criterion, language := facet.Criterion(), locale(ctx)
	return service.SortedCounts(f.Counts[facet], func(v string) string { return criterion.Short(v, nil).In(language) })
}
