package search

import (
	"vigie/clip"
	"vigie/query"
)

// A passage of a long text is of about this many characters, some of them
// before its first hit.
const (
	passageLength = 200
	passageLead   = 60
)

// Highlights are the passages of a title and a description in which something
// was found.
func Highlights(title, description string, inTitle, inDescription []query.Span) []Highlight {
	var list []Highlight
	if parts := clip.Whole(title, inTitle); parts != nil {
		list = append(list, Highlight{Field: "title", Parts: parts})
	}
	if parts := clip.Passage(description, inDescription, passageLead, passageLength); parts != nil {
		list = append(list, Highlight{Field: "description", Parts: parts})
	}
	return list
}
