package plan

import (
	"vigie/freetext"
	"vigie/query"
	"vigie/search"
)

// The fields of free-text search, which are those of [freetext.Facts].
const (
	Words   = "words"
	Title   = "titleWords"
	BuyerIs = "buyerWords"
	Written = "written"
	Spelled = "spelled"
	Codes   = "codes"
)

// TextFields are all of them.
func TextFields() []string { return []string{Words, Title, BuyerIs, Written, Spelled, Codes} }

// Begins is true of rows with a value of the field that begins so.
type Begins struct{ Field, With string }

func (Begins) expr() {}

// texts are the texts of a query that say something, as they are understood.
func texts(q search.Query) []freetext.Search {
	var list []freetext.Search
	for i, text := range []string{q.Text, q.Corrected} {
		if s := freetext.Parse(text, q.Complete && i == 0); !s.Empty() {
			list = append(list, s)
		}
	}
	return list
}

// Text is the condition of a query's texts, of which one must be true; not simplified. Without texts it is true.
func Text(q search.Query) Expr {
	var any Or
	for _, s := range texts(q) {
		any = append(any, asked(s))
	}
	if len(any) == 0 {
		return And{}
	}
	return any
}

// Tiers are the conditions that tell the better rows of a query's texts from the others, the best first. Rows of which
// none is true come last. They are simplified, and none is [None].
func Tiers(q search.Query) []Expr {
	var tiers []Expr
	all := texts(q)
	for i, s := range all {
		if len(s.Words) == 0 {
			continue
		}
		list := []Expr{whole(s), each(s, asWritten), each(s, inTitle), each(s, inBuyer)}
		if i < len(all)-1 || begins(s) { // else all rows that are left have the words somewhere
			list = append(list, each(s, anywhere))
		}
		if begins(s) {
			list = append(list, each(s, titleBegun))
		}
		for _, tier := range list {
			if tier = Simplify(tier); !None(tier) {
				tiers = append(tiers, tier)
			}
		}
	}
	return tiers
}

// begins reports whether the last word may be the beginning of one.
func begins(s freetext.Search) bool { return s.Words[len(s.Words)-1].Begin != "" }

// asked is what a text finds.
func asked(s freetext.Search) Expr {
	found := And{}
	if len(s.Words) > 0 || s.Code != "" {
		found = And{Or{each(s, begun), whole(s)}}
	}
	for _, w := range s.Excluded {
		found = append(found, Not{anywhere(w)})
	}
	return found
}

// whole is that the text is a code, or a buyer's name.
func whole(s freetext.Search) Expr {
	return Or{In{Codes, said([]string{s.Code})}, In{BuyerIs, said([]string{s.Name})}}
}

// each is that each word is found somewhere.
func each(s freetext.Search, where func(freetext.Word) Expr) Expr {
	if len(s.Words) == 0 {
		return Or{}
	}
	found := And{}
	for _, w := range s.Words {
		found = append(found, where(w))
	}
	return found
}

// among is that a word's terms are in a field, or that the rest of what it may mean is true.
func among(field string, w freetext.Word) Expr {
	terms := And{}
	for _, term := range w.Terms {
		terms = append(terms, In{field, []string{term}})
	}
	found := Or{terms, In{Codes, said([]string{w.Code})}, In{query.CPV.String(), said([]string{w.CPV})}}
	if w.Place != nil {
		found = append(found, In{query.Department.String(), w.Place.Departments})
	}
	return found
}

func anywhere(w freetext.Word) Expr { return among(Words, w) }

func inTitle(w freetext.Word) Expr { return among(Title, w) }

func inBuyer(w freetext.Word) Expr { return among(BuyerIs, w) }

// asWritten is that a word is in the title just as it was typed.
func asWritten(w freetext.Word) Expr {
	found := And{inTitle(w)}
	for _, written := range w.Written {
		found = append(found, In{Title, []string{freetext.AsWritten(written)}})
	}
	return found
}

// titleBegun is that a word is in the title, also as the beginning of another.
func titleBegun(w freetext.Word) Expr {
	if w.Begin == "" {
		return inTitle(w)
	}
	return Or{inTitle(w), Begins{Title, freetext.AsWritten(w.Begin)}}
}

// begun is that a word is anywhere, also as the beginning of another.
func begun(w freetext.Word) Expr {
	if w.Begin == "" {
		return anywhere(w)
	}
	return Or{anywhere(w), Begins{Written, w.Begin}}
}
