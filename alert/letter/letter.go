// Package letter writes the text of mails: the digest of what happened to the tenders that a person watches, the
// quiet note that a watch still works, the request to confirm an address, the note that a webhook gets nothing any more. It takes plain values and returns plain
// texts; other packages decide who gets them, when and how.
//
// Texts of publishers and accounts come out on one line, without invisible characters, escaped, and cut where they
// are far too long.
package letter

import (
	"time"

	"vigie"
	"vigie/clip"
)

// Letter is the content of a mail.
type Letter struct {
	// Subject is one line of at most 120 characters; one that names a tender has at most 78.
	Subject string
	// Text is the plain text, in lines of at most 72 characters unless a link is longer, each ended by "\n".
	Text string
	// HTML is a whole document with the same content. It loads nothing from the network.
	HTML string
}

// Brand is the name that a letter is sent under.
type Brand struct {
	Name string
	// Footer ends every letter: the sender and the sender's address. May be empty.
	Footer vigie.Text
	// Contact is the address for questions, usually the one that replies go to. May be empty.
	Contact string
}

// Watch is a watch with what the recipient can do about it. Links are absolute, http or https; an empty one is left
// out, as the link to edit is for recipients that do not own the watch.
type Watch struct {
	Name     string
	EditURL  string
	LeaveURL string
}

// Digest says what happened to tenders. Each tender is in one section only, and has one entry there whatever the
// number of its reasons.
type Digest struct {
	Brand    Brand
	Language vigie.Locale
	// Watches are the watches that the letter is about, in the order in which its end lists them.
	Watches []Watch

	// Reminders are tenders of interest whose deadline is near: they are said first.
	Reminders   Section
	New         Section
	Corrected   Section
	Cancelled   Section
	ClosingSoon Section

	// MoreURL leads to the list of all the tenders, if the letter has no room for them.
	MoreURL string
	// LeaveURL leads to the page that leaves all watches.
	LeaveURL string
	// StopRemindersURL leads to the page that stops reminders.
	StopRemindersURL string
}

// Section holds the tenders to which the same happened.
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
	// Deadline is nil where it is not known; DeadlineKind says what it is for, DeadlineText what its source wrote.
	Deadline     *time.Time
	DeadlineKind vigie.DeadlineKind
	DeadlineText string
	// FormerDeadline is what the deadline was before the corrections that the letter is about; nil where they did not move it.
	FormerDeadline *time.Time
	// At is when the letter is written: it says how many days are left from then. Zero for a text that is read for longer,
	// as in a feed.
	At        time.Time
	Natures   []vigie.Nature
	Procedure vigie.Procedure
	// URL is where the title leads. PageURL is the tender's page on the platform, and DismissURL the page that dismisses it;
	// "" for none.
	URL, PageURL, DismissURL string
	// Details and Lots are what the tender says beside; a letter tells the most important of it in a few lines.
	Details vigie.Details
	Lots    []vigie.Lot
	// Abroad is whether it is performed outside of France alone.
	Abroad bool
	// Publications are where its notices were published.
	Publications []vigie.Publication
	// Reasons are the watches that matched, Excerpts the texts by which they did.
	Reasons  []Reason
	Excerpts []Excerpt
	// Changes are what a correction changed, Corrections what corrections ask to read, in their own words.
	Changes     []vigie.Change
	Corrections []string
}

// Reason is why a tender is in a letter.
type Reason struct {
	// Watch is the name of the watch that matched, WatchURL its page, "" for none.
	Watch, WatchURL string
	// Keywords are those of its keywords that were found, as typed.
	Keywords []string
	// Places are where these are in the tender, each named once: « objet », « lot 3 ».
	Places []vigie.Text
}

// Excerpt is a text of a tender in which keywords are.
type Excerpt struct {
	// Place names it: « objet », « lot 3 ».
	Place vigie.Text
	// Text is the whole of it, Spans which parts of it, in bytes, are keywords.
	Text  string
	Spans []clip.Span
}

// Quiet says that nothing has matched for a while, and that the watches still work.
type Quiet struct {
	Brand    Brand
	Language vigie.Locale
	Watches  []Watch
	// Days is for how many days nothing has matched.
	Days int
	// Sources are the public sources that are followed, so that silence is known to be quiet.
	Sources []Source
	// LeaveURL leads to the page that leaves all watches.
	LeaveURL string
}

// Source is a public source of notices.
type Source struct {
	// Label names it: BOAMP.
	Label string
	// WholeUntil is up to when it is known whole.
	WholeUntil time.Time
}

// Confirmation asks the owner of an address to confirm it. It contains no text of the account that asked for it but its
// address, where that is verified, so that nobody can send their own words to strangers with it.
type Confirmation struct {
	Brand    Brand
	Language vigie.Locale
	// AskedBy is the verified address of who asked; "" where it is not verified, or the one that is to confirm.
	AskedBy string
	// URL leads to the page that confirms.
	URL string
}

// WebhookNote says that nothing is sent to some of an account's webhooks any more.
type WebhookNote struct {
	Brand    Brand
	Language vigie.Locale
	Webhooks []StoppedWebhook
}

// StoppedWebhook is a webhook to which nothing is sent.
type StoppedWebhook struct {
	// Watch is the name of its watch, Host that of the endpoint.
	Watch, Host string
	// Ended is whether the endpoint wants no more messages. Else it has accepted none for days, and they wait.
	Ended bool
}

// MaxTenders is how many tenders a letter shows.
const MaxTenders = 50

// The most characters that are shown of texts of others.
const (
	maxSubject = 120
	// of subjects that name a tender, which mail programs show in one line, and of the buyer in them
	maxNaming, maxNamedBuyer = 78, 30
	maxName                  = 100 // of watches, brands, keywords, references
	maxTitle                 = 300 // of tenders and buyers
	maxValue                 = 240 // of each value of a change
	maxFooter                = 1000
	// of titles of lots, of places and labels, and of what corrections say
	maxLot, maxPlace, maxCorrection = 60, 80, 500

	maxDepartments = 6
	maxKeywords    = 12
	maxLots        = 10
	// of places of performance, of places of keywords, of corrections
	maxTowns, maxFound, maxCorrections = 3, 4, 3
	// of publications
	maxPublications = 6
	// of excerpts, where a letter has few tenders and where it has more, and of characters in one and before its first keyword
	maxExcerpts, maxExcerptsOfMany, maxExcerpt, beforeKeyword = 3, 1, 140, 60
	// fewTenders is up to how many tenders a letter quotes all excerpts of.
	fewTenders = 10
)
