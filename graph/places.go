package graph

import (
	"context"

	"vigie/graph/gql"
	words "vigie/query"
	"vigie/search"
	"vigie/service"
)

func (watchMatchType) Places(ctx context.Context, m *service.WatchMatch) ([]*gql.KeywordPlace, error) {
	return keywordPlaces(ctx, m.Places()), nil
}

func keywordPlaces(ctx context.Context, list []words.Place) []*gql.KeywordPlace {
	places := make([]*gql.KeywordPlace, len(list))
	for i, p := range list {
		places[i] = &gql.KeywordPlace{
			Keyword: p.Keyword, Place: p.Kind, Lot: orNull(p.Lot), Code: orNull(p.Code), Label: say(ctx, p.Label()), Excerpt: []*search.Part{},
		}
		// Cut as a description is, whatever the text.
		for _, passage := range search.Highlights("", p.Text, nil, p.Spans) {
			places[i].Excerpt = pointers(passage.Parts)
		}
	}
	return places
}
