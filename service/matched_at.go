package service

import (
	"slices"
	"time"

	"vigie"
)

// MatchedAt is when the first notice was published by which the tender matched
// one of the watches asked for; nil where none is known. The notices are all of
// the tender's, in the order of publication.
func (e *TenderEdge) MatchedAt(notices []*vigie.Notice) *time.Time {
	matches := e.MatchedBy()
	if len(notices) == 0 || len(matches) == 0 {
		return nil
	}
	asked := make(map[int64]bool, len(matches))
	for _, m := range matches {
		asked[m.Watch.ID] = true
	}
	for n := range notices[:len(notices)-1] {
		fold := vigie.Fold(notices[:n+1])
		then := e.watching.matches(&vigie.Tender{
			ID: e.Node.ID, Source: fold.Source, SourceRef: fold.SourceRef, Content: fold.Content, BuyerID: e.Node.BuyerID, PublishedAt: fold.PublishedAt,
		})
		if slices.ContainsFunc(then, func(m *WatchMatch) bool { return asked[m.Watch.ID] }) {
			return &notices[n].PublishedAt
		}
	}
	return &notices[len(notices)-1].PublishedAt // the tender as it is now matches
}
