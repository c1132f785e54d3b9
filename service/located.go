package service

import (
	"slices"
	"sync"

	"vigie"
	"vigie/query"
)

// located is where a tender has the keywords of several watches, worked out at once when one of them is first asked.
type located struct {
	tender   *vigie.Tender
	keywords []string
	once     sync.Once
	places   []query.Place
}

// Locate returns matches of a tender that tell where their keywords are in it. Those given stay as they are, for others may
// read them.
func Locate(t *vigie.Tender, matches []*WatchMatch) []*WatchMatch {
	l := &located{tender: t}
	list := make([]*WatchMatch, len(matches))
	for i, m := range matches {
		l.keywords = append(l.keywords, m.Keywords...)
		match := *m
		match.located = l
		list[i] = &match
	}
	slices.Sort(l.keywords)
	l.keywords = slices.Compact(l.keywords)
	return list
}

// Places are where the tender, as it is now, has the keywords of the match.
func (m *WatchMatch) Places() []query.Place {
	if m.located == nil {
		return nil
	}
	l := m.located
	l.once.Do(func() { l.places = query.PlacesOfFound(l.tender, l.keywords) })
	var places []query.Place
	for _, keyword := range m.Keywords {
		for _, p := range l.places {
			if p.Keyword == keyword {
				places = append(places, p)
			}
		}
	}
	return places
}
