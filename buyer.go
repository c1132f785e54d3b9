package vigie

import (
	"strings"
	"time"
)

// Buyer is a public body that announces tenders. It is identified by its
// SIRET where that is known, else by its folded name and department.
type Buyer struct {
	// ID is the number of the change that made it.
	ID   int64  `bun:"id,pk"`
	Name string // as last published, at NamedAt
	// FoldedName is Name for comparing: no case, accents or punctuation.
	FoldedName string
	NamedAt    time.Time
	SIRET      *string // 14 digits
	City       string
	// DepartmentCode is where the buyer sits; "" where it is not known.
	DepartmentCode string
	// Number is that of its last change, NamesNumber that of the last one of its names, or of its merge.
	Number, NamesNumber int64
	// MergedInto is the buyer that this one turned out to be, else nil.
	MergedInto *int64
}

// GlobalID is the buyer's name within the server.
func (b *Buyer) GlobalID() string { return GlobalID(KindBuyer, b.ID) }

// BuyerName is how a notice names its buyer.
type BuyerName struct {
	Name           string
	SIRET          string `json:",omitempty"` // "" where not said or not valid
	Ref            string `json:",omitempty"` // the source's own reference of the buyer
	City           string `json:",omitempty"`
	DepartmentCode string `json:",omitempty"`
}

// BuyerRecord is what a platform's register says of a buyer.
type BuyerRecord struct {
	Source string
	BuyerName
	// FormerRefs are other references of the source that mean the same buyer.
	FormerRefs []string
	// FormerNames are other names that notices may call it by.
	FormerNames []string
}

// Over returns base with everything that n says put over it. What was said of
// a buyer of another name is not true of n's.
func (n BuyerName) Over(base BuyerName) BuyerName {
	if n.Name != "" && !strings.EqualFold(n.Name, base.Name) {
		return n
	}
	over(&base.Name, n.Name)
	over(&base.SIRET, n.SIRET)
	over(&base.Ref, n.Ref)
	over(&base.City, n.City)
	over(&base.DepartmentCode, n.DepartmentCode)
	return base
}

// elsewhere is the name without what only its source understands.
func (n BuyerName) elsewhere() BuyerName {
	n.Ref = ""
	return n
}

// ValidSIRET reports whether s is 14 digits of which the last is right by
// Luhn's algorithm (ISO/IEC 7812-1), or, for La Poste's establishments, whose
// digits add up to a multiple of 5 instead (INSEE).
func ValidSIRET(s string) bool {
	if len(s) != 14 {
		return false
	}
	luhn, plain := 0, 0
	for i := range len(s) {
		d := int(s[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		plain += d
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		luhn += d
	}
	const laPoste = "356000000"
	return luhn%10 == 0 || s[:9] == laPoste && plain%5 == 0
}
