package vigie

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Tender is a procedure that suppliers answer, in the sense of OCDS (eForms
// calls "tender" what is here a bid). It is the [Fold] of its notices.
type Tender struct {
	// ID is the number of the change that made it.
	ID     int64  `bun:"id,pk"`
	Source string // of its first notice, e.g. "boamp"
	// SourceRef is the source's number of its first notice, e.g. a BOAMP idweb.
	SourceRef string
	Content   `bun:"embed:"`
	BuyerID   int64
	// PublishedAt is when its first notice was published.
	PublishedAt time.Time
	Outcome     Outcome
	// Number is that of its last change.
	Number int64
	// MergedInto is the tender that this one turned out to be, else nil.
	MergedInto *int64
}

// Outcome is how a tender ended, if a notice said so.
type Outcome string

// The outcomes.
const (
	Undecided Outcome = ""
	// Planned is what only planning notices announce so far.
	Planned   Outcome = "PLANNED"
	Cancelled Outcome = "CANCELLED"
	Awarded   Outcome = "AWARDED"
	// Withdrawn is what was published by mistake: its publisher took all its
	// notices back, and it is listed nowhere. Where it is still spoken of, it is
	// cancelled.
	Withdrawn Outcome = "WITHDRAWN"
)

// TenderStatus reports whether a tender can be answered.
type TenderStatus string

// The statuses. A tender is online when it is neither planned, cancelled nor
// awarded and has not closed (see [Content.Closes]).
const (
	StatusOnline    TenderStatus = "ONLINE"
	StatusClosed    TenderStatus = "CLOSED"
	StatusCancelled TenderStatus = "CANCELLED"
	StatusAwarded   TenderStatus = "AWARDED"
	// StatusPlanned is a tender that was only announced: there is nothing to answer yet.
	StatusPlanned TenderStatus = "PLANNED"
)

// Status returns the tender's status at a moment. At its deadline a tender is
// still online: a bid may arrive on the minute. Databases and search engines are
// asked the same in their own languages: openAt in package store, status in
// package plan; tests hold them to this.
func (t *Tender) Status(now time.Time) TenderStatus {
	switch {
	case t.Outcome == Cancelled, t.Outcome == Withdrawn:
		return StatusCancelled
	case t.Outcome == Awarded:
		return StatusAwarded
	case t.Outcome == Planned:
		return StatusPlanned
	case t.Closes() != nil && t.Closes().Before(now):
		return StatusClosed
	}
	return StatusOnline
}

// GlobalID is the tender's name within the server.
func (t *Tender) GlobalID() string { return GlobalID(KindTender, t.ID) }

// Content is what one notice says about its tender, or all of them together.
// A zero field says nothing.
type Content struct {
	// Reference is the buyer's own number.
	Reference   string
	Title       string
	Description string
	// Departments are INSEE codes, sorted: the place of performance where it
	// is given, else where the notice is published. None: nationwide, or not
	// said.
	Departments []string
	Natures     []Nature
	Procedure   Procedure
	// CPVCodes are of 8 digits, without the check digit, sorted.
	CPVCodes []string
	// Labels are the source's own descriptive words, which are searched but
	// not shown.
	Labels []string
	Lots   []Lot
	// Deadline is the last moment for what DeadlineKind says.
	Deadline     *time.Time
	DeadlineKind DeadlineKind `json:",omitempty"`
	// DeadlineText is the deadline as the source wrote it, where its meaning
	// had to be worked out.
	DeadlineText string
	URL          string
	// OnlineUntil is when the source stops showing a notice without a deadline; of a tender without one, when it closes.
	OnlineUntil *time.Time `json:",omitempty"`
	// DeadlineUnclear is whether a correction changes the deadline in words that
	// could not be read: the former one is then no longer known to be right.
	DeadlineUnclear bool `json:",omitempty" bun:"-"`
	// Correction is what a correction says is to be read, in its own words.
	Correction string `json:",omitempty" bun:"-"`
	// DocumentsChanged reports whether a correction says that the procurement documents are others now.
	DocumentsChanged bool    `json:",omitempty" bun:"-"`
	Details          Details `json:",omitzero"`
}

// Closes is when a tender can no longer be answered: at its deadline, else when
// its source stops showing it; nil where neither is known.
func (c *Content) Closes() *time.Time {
	return cmp.Or(c.Deadline, c.OnlineUntil)
}

// DeadlineMoment says when the deadline is to a person, with its hour where the source gives one: of a source that gives
// the day alone, the deadline is that day's last minute. Both languages are empty where there is no deadline.
func (c *Content) DeadlineMoment() Text {
	switch {
	case c.Deadline == nil:
		return Text{}
	case c.deadlineIsDay():
		return LongDay(*c.Deadline)
	}
	return Moment(*c.Deadline)
}

func (c *Content) deadlineIsDay() bool {
	hour, minute, _ := c.Deadline.In(Paris()).Clock()
	return hour == 23 && minute == 59 && c.DeadlineText != "" && !givesHour.MatchString(c.DeadlineText)
}

// givesHour matches what a source wrote if it gives an hour: « 2026-11-09T17:00 ». Midnight stands for none.
var givesHour = regexp.MustCompile(`[0-9][T ](?:0[1-9]|1[0-9]|2[0-4]|00:0[1-9]|00:[1-5])`)

// DeadlineKind says what must arrive by the deadline.
type DeadlineKind string

// The kinds of deadline: for bids, which is also what a source means that does
// not say; for requests to participate, where bids are asked for later.
const (
	ForBids          DeadlineKind = ""
	ForParticipation DeadlineKind = "PARTICIPATION"
	// ForInterest is for expressions of interest, after which the buyer invites to bid (BT-630).
	ForInterest DeadlineKind = "INTEREST"
)

// DeadlineKinds returns the names of all of them.
func DeadlineKinds() []DeadlineKind {
	return []DeadlineKind{ForBids.Name(), ForParticipation, ForInterest}
}

// Name is the kind as criteria and the API have it, where that for bids has a name too: BIDS.
func (k DeadlineKind) Name() DeadlineKind { return cmp.Or(k, "BIDS") }

// Deadline names a deadline of the kind to a person.
func (k DeadlineKind) Deadline() Text {
	switch k {
	case ForParticipation:
		return Text{"Date limite de candidature", "Deadline for requests to participate"}
	case ForInterest:
		return Text{"Date limite de manifestation d’intérêt", "Deadline for expressions of interest"}
	}
	return Text{"Date limite de réponse", "Deadline"}
}

// Label names to a person what must arrive by the deadline.
func (k DeadlineKind) Label() Text {
	switch k {
	case ForBids, ForBids.Name():
		return Text{"Offres", "Bids"}
	case ForParticipation:
		return Text{"Candidatures", "Requests to participate"}
	case ForInterest:
		return Text{"Manifestations d’intérêt", "Expressions of interest"}
	}
	return Same(string(k))
}

// Over returns base with everything that c says put over it.
func (c Content) Over(base Content) Content {
	over(&base.Reference, c.Reference)
	if title := unmarked(c.Title); title == c.Title || !strings.EqualFold(title, base.Title) {
		over(&base.Title, c.Title)
	}
	over(&base.Description, c.Description)
	overList(&base.Departments, c.Departments)
	overList(&base.Natures, c.Natures)
	over(&base.Procedure, c.Procedure)
	overList(&base.CPVCodes, c.CPVCodes)
	overList(&base.Labels, c.Labels)
	overList(&base.Lots, c.Lots)
	if c.Deadline != nil || c.DeadlineUnclear {
		base.Deadline, base.DeadlineKind, base.DeadlineText = c.Deadline, c.DeadlineKind, c.DeadlineText
		base.DeadlineUnclear = c.DeadlineUnclear
	}
	over(&base.URL, c.URL)
	over(&base.OnlineUntil, c.OnlineUntil)
	over(&base.Correction, c.Correction)
	over(&base.DocumentsChanged, c.DocumentsChanged)
	base.Details = c.Details.over(base.Details)
	return base
}

// unmarked is a title without the mark of a correction, « (rectificatif) »,
// which changes nothing.
func unmarked(title string) string {
	const word = "rectificatif"
	for i := range len(title) - len(word) + 1 { // few titles have it, and the expression is slow
		if title[i]|0x20 == word[0] && strings.EqualFold(title[i:i+len(word)], word) {
			return correctionMark.ReplaceAllString(title, "")
		}
	}
	return title
}

var correctionMark = regexp.MustCompile(`(?i)^\s*\(?rectificatif\)?\s*[:–-]\s*|\s*[–-]?\s*\((?:avis\s+)?rectificatif(?:\s+n[°o]?\s*[0-9]+)?\)\s*\.?\s*$`)

// Equal reports whether c and d say the same.
func (c Content) Equal(d Content) bool {
	return c.Reference == d.Reference && c.Title == d.Title && c.Description == d.Description &&
		slices.Equal(c.Departments, d.Departments) && slices.Equal(c.Natures, d.Natures) &&
		c.Procedure == d.Procedure && slices.Equal(c.CPVCodes, d.CPVCodes) &&
		slices.Equal(c.Labels, d.Labels) && slices.EqualFunc(c.Lots, d.Lots, Lot.Equal) &&
		equalTime(c.Deadline, d.Deadline) && c.DeadlineKind == d.DeadlineKind && c.DeadlineUnclear == d.DeadlineUnclear &&
		c.URL == d.URL && equalTime(c.OnlineUntil, d.OnlineUntil) && c.Correction == d.Correction &&
		c.DocumentsChanged == d.DocumentsChanged && c.Details.Equal(d.Details)
}

func over[T comparable](base *T, said T) {
	var silent T
	if said != silent {
		*base = said
	}
}

func overList[T any](base *[]T, said []T) {
	if len(said) > 0 {
		*base = said
	}
}

func equalTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// Nature is what is bought.
type Nature string

// The natures.
const (
	Works    Nature = "WORKS"
	Supplies Nature = "SUPPLIES"
	Services Nature = "SERVICES"
)

// Natures returns all of them.
func Natures() []Nature { return []Nature{Works, Supplies, Services} }

// Label names the nature to a person.
func (n Nature) Label() Text {
	switch n {
	case Works:
		return Text{"Travaux", "Works"}
	case Supplies:
		return Text{"Fournitures", "Supplies"}
	case Services:
		return Text{"Services", "Services"}
	}
	return Same(string(n))
}

// Procedure is how the buyer chooses.
type Procedure string

// The procedures of the Code de la commande publique (L2124-1 to L2124-4 and
// L2123-1), as far as notices tell them apart.
const (
	OpenProcedure       Procedure = "OPEN"
	Restricted          Procedure = "RESTRICTED"
	Negotiated          Procedure = "NEGOTIATED"
	CompetitiveDialogue Procedure = "COMPETITIVE_DIALOGUE"
	// Adapted is the MAPA, whose rules the buyer sets.
	Adapted        Procedure = "ADAPTED"
	OtherProcedure Procedure = "OTHER"
)

// Procedures returns all of them.
func Procedures() []Procedure {
	return []Procedure{OpenProcedure, Restricted, Negotiated, CompetitiveDialogue, Adapted, OtherProcedure}
}

// Label names the procedure to a person.
func (p Procedure) Label() Text {
	switch p {
	case OpenProcedure:
		return Text{"Appel d’offres ouvert", "Open procedure"}
	case Restricted:
		return Text{"Appel d’offres restreint", "Restricted procedure"}
	case Negotiated:
		return Text{"Procédure avec négociation", "Negotiated procedure"}
	case CompetitiveDialogue:
		return Text{"Dialogue compétitif", "Competitive dialogue"}
	case Adapted:
		return Text{"Procédure adaptée", "Adapted procedure"}
	case OtherProcedure:
		return Text{"Autre procédure", "Other procedure"}
	}
	return Same(string(p))
}

// Statuses returns all statuses of a tender.
func Statuses() []TenderStatus {
	return []TenderStatus{StatusOnline, StatusClosed, StatusCancelled, StatusAwarded, StatusPlanned}
}

// Label names the status to a person.
func (s TenderStatus) Label() Text {
	switch s {
	case StatusOnline:
		return Text{"En ligne", "Online"}
	case StatusClosed:
		return Text{"Clos", "Closed"}
	case StatusCancelled:
		return Text{"Annulé", "Cancelled"}
	case StatusAwarded:
		return Text{"Attribué", "Awarded"}
	case StatusPlanned:
		return Text{"En projet", "Planned"}
	}
	return Same(string(s))
}
