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

// Locate has matches of a tender tell where their keywords are in it.
func Locate(t *vigie.Tender, matches []*WatchMatch) {
	l := &located{tender: t}
	for _, m := range matches {
		l.keywords = append(l.keywords, m.Keywords...)
		m.located = l
	}
	slices.Sort(l.keywords)
	l.keywords = slices.Compact(l.keywords)
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
