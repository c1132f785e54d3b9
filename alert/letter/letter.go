// Package letter says what a mail says: the digest of what happened to the
// tenders that a person watches, the note that a quiet watch is alive, the
// request to confirm an address. It takes plain values and returns plain
// texts; who gets them, when and how is decided elsewhere.
//
// Whatever a publisher or an account wrote comes out on one line, without
// characters that cannot be seen, escaped, and cut where it is absurdly long.
package letter

import (
	"time"

	"vigie"
)

// Letter is a mail as its reader sees it.
type Letter struct {
	// Subject is one line of at most 120 characters.
	Subject string
	// Text is the plain text, in lines of at most 72 characters where no link
	// is longer, each ended by "\n".
	Text string
	// HTML is a whole document that says the same. It needs nothing from the
	// network.
	HTML string
}

// Brand is in whose name a letter is written.
type Brand struct {
	Name string
	// Footer ends every letter: who sends it, at which address. May be empty.
	Footer vigie.Text
	// Contact is the address that answers questions, usually the one that
	// replies go to. May be empty.
	Contact string
}

// Watch is a watch, and what the reader of a letter can do about it. Links are
// absolute, http or https; one that is empty is left out, as the link to edit
// is for those who do not own the watch.
type Watch struct {
	Name     string
	EditURL  string
	LeaveURL string
}

// Digest tells one person what happened to tenders. Each tender is in one
// section only, and has one entry there whatever the number of its reasons.
type Digest struct {
	Brand    Brand
	Language vigie.Locale
	// Watches are those of which the letter tells, in the order in which its
	// end lists them.
	Watches []Watch

	New         Section
	Corrected   Section
	Cancelled   Section
	ClosingSoon Section

	// MoreURL leads to the list of all the tenders, if the letter does not
	// have room for them.
	MoreURL string
	// LeaveURL leads to leaving everything.
	LeaveURL string
}

// Section is the tenders to which the same happened.
type Section struct {
	Tenders []Tender
	// Total is how many there are, if Tenders are only the first of them.
	Total int
}

func (s Section) total() int { return max(s.Total, len(s.Tenders)) }

// Tender is one tender of a digest.
type Tender struct {
	Title     string
	Buyer     string
	Reference string
	// Departments are INSEE codes.
	Departments []string
	// Deadline is nil where it is not known.
	Deadline *time.Time
	URL      string
	// Reasons are the watches that matched.
	Reasons []Reason
	// Changes are what a correction changed.
	Changes []vigie.Change
}

// Reason is why a tender is in a letter.
type Reason struct {
	// Watch is the name of the watch that matched.
	Watch string
	// Keywords are those of its keywords that were found, as typed.
	Keywords []string
}

// Quiet tells that nothing matched for a while, and that the watches are
// alive.
type Quiet struct {
	Brand    Brand
	Language vigie.Locale
	Watches  []Watch
	// Days is for how long nothing matched.
	Days int
	// LeaveURL leads to leaving everything.
	LeaveURL string
}

// Confirmation asks the owner of an address whether it may be written to. It
// holds no text of those who asked for it, so that nobody can send their own
// words to strangers with it.
type Confirmation struct {
	Brand    Brand
	Language vigie.Locale
	// URL leads to confirming.
	URL string
}

// MaxTenders is how many tenders a letter shows.
const MaxTenders = 50

// How many characters are shown of what others wrote.
const (
	maxSubject = 120
	maxName    = 100 // of watches, brands, keywords, references
	maxTitle   = 300 // of tenders and buyers
	maxValue   = 240 // of each value of a change
	maxFooter  = 1000

	maxDepartments = 6
	maxKeywords    = 12
)
