package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/lexicon"
)

// buyerBook finds the buyer that a notice or a register means, among those in the database and those of the batch.
//
// The SIRET decides first, then the source's own reference for the buyer. A name without either means the only buyer
// ever published with that name in that department; if there are none or several, a buyer that is known by its name
// alone. When a SIRET turns out to belong to such a name, the buyer of the name becomes, or joins, the buyer of the
// SIRET. A buyer that so far only imported watches name is the one that is first published with that name.
type buyerBook struct {
	bySIRET map[string]*bookedBuyer
	byRef   map[sourceRef]*bookedBuyer
	byName  map[nameKey][]*bookedBuyer
	all     []*bookedBuyer
	// changes counts the new facts about the buyer.
	changes int
}

type nameKey struct{ folded, department string }

// keyOf is the key of a name.
func keyOf(name, department string) nameKey { return nameKey{lexicon.Fold(name), department} }

// bookedBuyer is a buyer with the changes that the batch makes to it.
type bookedBuyer struct {
	*vigie.Buyer
	added, altered, renamed bool
	// foldedBefore is its folded name in the database.
	foldedBefore string
	refs         []sourceRef
	newRefs      []sourceRef
	newNames     []nameKey
	// into is the buyer that this one was merged into.
	into *bookedBuyer
}

// current returns the buyer itself, or the one that it was merged into.
func (b *bookedBuyer) current() *bookedBuyer {
	for b.into != nil {
		b = b.into
	}
	return b
}

// nameOnly reports whether the buyer is known by its names alone.
func (b *bookedBuyer) nameOnly() bool { return b.SIRET == nil && len(b.refs) == 0 }

// knownTo reports whether a source has a reference of its own for the buyer.
func (b *bookedBuyer) knownTo(source string) bool {
	return slices.ContainsFunc(b.refs, func(ref sourceRef) bool { return ref.source == source })
}

// resolve finds or creates the buyer that a source's notice names; at is the time of publication.
func (book *buyerBook) resolve(source string, name vigie.BuyerName, at time.Time) *bookedBuyer {
	key := keyOf(name.Name, name.DepartmentCode)
	buyer := book.find(sourceRef{source, name.Ref}, name.SIRET, key)
	if buyer == nil {
		if buyer = book.unpublished(key.folded); buyer == nil {
			buyer = book.add()
		}
		if name.SIRET != "" {
			book.identify(buyer, name.SIRET)
		}
	}
	if name.Name != "" {
		book.addName(buyer, key)
	}
	if name.Ref != "" {
		book.addRef(buyer, sourceRef{source, name.Ref})
	}
	buyer.describe(name, at)
	return buyer
}

// find returns the buyer that a notice names, nil where that is a new one.
func (book *buyerBook) find(ref sourceRef, siret string, key nameKey) *bookedBuyer {
	referred := book.byRef[ref]
	switch {
	case referred != nil && (siret == "" || referred.SIRET == nil || *referred.SIRET == siret):
		return book.identify(referred, siret)
	case siret != "":
		return book.identified(siret, key)
	}
	buyer := book.named(key)
	if buyer != nil && ref.ref != "" && buyer.knownTo(ref.source) {
		return nil // the source has another reference for it
	}
	return buyer
}

// register finds or creates the buyer of a register's record; at is the time of the record.
func (book *buyerBook) register(r *vigie.BuyerRecord, at time.Time) *bookedBuyer {
	key := keyOf(r.Name, r.DepartmentCode)
	buyer := book.byRef[sourceRef{r.Source, r.Ref}]
	for _, former := range r.FormerRefs {
		if other := book.byRef[sourceRef{r.Source, former}]; other != nil && other != buyer {
			buyer = book.unite(buyer, other)
		}
	}
	if buyer == nil {
		buyer = book.find(sourceRef{r.Source, r.Ref}, r.SIRET, key)
	}
	if buyer == nil {
		buyer = book.add()
	}
	if r.SIRET != "" {
		buyer = book.identify(buyer, r.SIRET)
	}
	for _, ref := range append([]string{r.Ref}, r.FormerRefs...) {
		book.addRef(buyer, sourceRef{r.Source, ref})
	}
	// The notices of platforms do not say where the buyer sits.
	for _, name := range append([]string{r.Name}, r.FormerNames...) {
		for _, department := range vigie.Sorted([]string{"", r.DepartmentCode}) {
			book.claimName(buyer, keyOf(name, department))
		}
	}
	was := *buyer.Buyer
	if was.Name != r.Name || r.City != "" && was.City != r.City || r.DepartmentCode != "" && was.DepartmentCode != r.DepartmentCode {
		buyer.describe(r.BuyerName, at)
	}
	if *buyer.Buyer != was {
		book.changes++
		buyer.renamed = !buyer.added && (buyer.Name != was.Name || buyer.City != was.City)
	}
	return buyer
}

// add adds a new buyer.
func (book *buyerBook) add() *bookedBuyer {
	buyer := &bookedBuyer{added: true, Buyer: new(vigie.Buyer)}
	book.all = append(book.all, buyer)
	book.changes++
	return buyer
}

// unpublished returns the buyer of this name that only watches name, and no notice so far; nil if there is none.
func (book *buyerBook) unpublished(folded string) *bookedBuyer {
	for _, buyer := range book.byName[nameKey{folded: folded}] {
		if buyer.NamedAt.IsZero() && buyer.SIRET == nil {
			return buyer
		}
	}
	return nil
}

// namedInWatch finds the buyers that a person means by a name in a watch: all that ever had the name, where the
// person does not say which one. It does not change them. If there is none, it creates one, which later notices of
// that name will join.
func (book *buyerBook) namedInWatch(name vigie.BuyerName) []*bookedBuyer {
	key := nameKey{lexicon.Fold(name.Name), name.DepartmentCode}
	var found []*bookedBuyer
	switch {
	case name.SIRET != "":
		buyer := book.bySIRET[name.SIRET]
		if buyer == nil {
			buyer = book.identified(name.SIRET, key)
		}
		if buyer != nil {
			found = append(found, buyer)
		}
	case name.DepartmentCode != "":
		if buyer := book.named(key); buyer != nil {
			found = append(found, buyer)
		}
	default:
		found = book.withName(key.folded)
	}
	if len(found) > 0 {
		return found
	}
	buyer := book.add()
	if name.SIRET != "" {
		book.identify(buyer, name.SIRET)
	}
	buyer.Name, buyer.FoldedName, buyer.DepartmentCode = name.Name, key.folded, name.DepartmentCode
	book.addName(buyer, key)
	return []*bookedBuyer{buyer}
}

// withName returns the buyers that ever had a name, in any department.
func (book *buyerBook) withName(folded string) []*bookedBuyer {
	var found []*bookedBuyer
	for key, buyers := range book.byName {
		if key.folded != folded {
			continue
		}
		for _, buyer := range buyers {
			if !slices.Contains(found, buyer) {
				found = append(found, buyer)
			}
		}
	}
	slices.SortFunc(found, func(a, b *bookedBuyer) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), strings.Compare(a.DepartmentCode, b.DepartmentCode))
	})
	return found
}

// describe gives the buyer the latest of its names. Of two names of the same day it takes the longer one, which is
// more often spelt out, so that the order of arrival decides nothing. If the latest notice does not say where the
// buyer sits, an earlier one does.
func (b *bookedBuyer) describe(name vigie.BuyerName, at time.Time) {
	before := *b.Buyer
	if name.Name == "" { // as sources of awards alone have it: the SIRET stands for the name
		if b.Name == "" {
			b.Name, b.FoldedName = name.SIRET, name.SIRET
		}
		name.Name, at = b.Name, b.NamedAt
	}
	newer := cmp.Or(at.Compare(b.NamedAt), cmp.Compare(len(name.Name), len(b.Name)), strings.Compare(name.Name, b.Name)) >= 0
	if newer {
		b.Name, b.FoldedName, b.NamedAt = name.Name, lexicon.Fold(name.Name), at
	}
	if name.City != "" && (newer || b.City == "") {
		b.City = name.City
	}
	if name.DepartmentCode != "" && (newer || b.DepartmentCode == "") {
		b.DepartmentCode = name.DepartmentCode
	}
	b.altered = b.altered || *b.Buyer != before
}

// identified returns the buyer of a SIRET. A buyer without SIRET that is known by this name is the same buyer, unless
// others share the name.
func (book *buyerBook) identified(siret string, key nameKey) *bookedBuyer {
	buyer := book.bySIRET[siret]
	var unidentified *bookedBuyer
	shared := false
	for _, other := range book.byName[key] {
		switch {
		case other == buyer:
		case other.SIRET == nil && unidentified == nil:
			unidentified = other
		default:
			shared = true
		}
	}
	if unidentified == nil || shared {
		return buyer
	}
	return book.identify(unidentified, siret)
}

// identify gives a buyer the SIRET, if there is one: the buyer joins the one that has it already.
func (book *buyerBook) identify(buyer *bookedBuyer, siret string) *bookedBuyer {
	other := book.bySIRET[siret]
	switch {
	case siret == "" || other == buyer:
		return buyer
	case other != nil:
		book.join(buyer, other)
		return other
	}
	if buyer.SIRET != nil {
		delete(book.bySIRET, *buyer.SIRET)
	}
	buyer.SIRET, buyer.altered = &siret, true
	book.changes++
	book.bySIRET[siret] = buyer
	return buyer
}

// named returns the buyer that a name alone means, nil where that is a new one.
func (book *buyerBook) named(key nameKey) *bookedBuyer {
	candidates := book.byName[key]
	if len(candidates) == 1 {
		return candidates[0]
	}
	for _, buyer := range candidates {
		if buyer.nameOnly() {
			return buyer
		}
	}
	return nil
}

// addName adds a name to a buyer.
func (book *buyerBook) addName(buyer *bookedBuyer, key nameKey) {
	if !slices.Contains(book.byName[key], buyer) {
		book.byName[key] = append(book.byName[key], buyer)
		buyer.newNames = append(buyer.newNames, key)
		buyer.altered = true
		book.changes++
	}
}

// claimName adds a name to a buyer. If the only other buyer of that name is known by its name alone, the two are the same
// buyer and are merged.
func (book *buyerBook) claimName(buyer *bookedBuyer, key nameKey) {
	others := slices.DeleteFunc(slices.Clone(book.byName[key]), func(b *bookedBuyer) bool { return b == buyer })
	if len(others) == 1 && others[0].nameOnly() {
		book.join(others[0], buyer)
	}
	book.addName(buyer, key)
}

// addRef adds a source's reference to a buyer, unless it belongs to another buyer.
func (book *buyerBook) addRef(buyer *bookedBuyer, ref sourceRef) {
	if book.byRef[ref] == nil {
		book.byRef[ref] = buyer
		buyer.refs, buyer.newRefs = append(buyer.refs, ref), append(buyer.newRefs, ref)
		book.changes++
	}
}

// unite merges two buyers, of which the first may be nil: the one with a SIRET stays, or else the older one.
func (book *buyerBook) unite(a, b *bookedBuyer) *bookedBuyer {
	if a == nil {
		return b
	}
	older := !a.added && (b.added || a.ID < b.ID)
	if (a.SIRET != nil) == (b.SIRET != nil) && !older || a.SIRET == nil && b.SIRET != nil {
		a, b = b, a
	}
	book.join(b, a)
	return a
}

// join merges the buyer old into another.
func (book *buyerBook) join(old, into *bookedBuyer) {
	old.into = into
	book.changes++
	for key, buyers := range book.byName {
		if i := slices.Index(buyers, old); i >= 0 {
			book.byName[key] = slices.Delete(slices.Clone(buyers), i, i+1)
			book.addName(into, key)
		}
	}
	if old.SIRET != nil {
		book.bySIRET[*old.SIRET] = into
	}
	for _, ref := range old.refs {
		book.byRef[ref] = into
	}
	into.refs = append(into.refs, old.refs...)
	into.newRefs = append(into.newRefs, old.newRefs...)
	old.refs, old.newRefs = nil, nil
}
