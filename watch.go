package vigie

import (
	"fmt"
	"strings"
	"time"
)

// Watch is a named, saved [Criteria] of one account, with the people it
// writes to.
type Watch struct {
	// ID is the number of the change that made it.
	ID        int64 `bun:"id,pk"`
	AccountID int64
	Name      string
	// NameKey is Name for comparing, lower case: unique among the account's
	// watches.
	NameKey  string
	Criteria Criteria `bun:"embed:"`
	// Active is whether its recipients are written to; a watch that is not is
	// paused.
	Active    bool
	Frequency Frequency
	CreatedAt time.Time
	UpdatedAt time.Time
	// DeletedAt is nil while the watch lives.
	DeletedAt *time.Time
	// Number is that of its last change.
	Number int64
	// Since is the number at which it was created or last switched on: only
	// what was published after it is mailed.
	Since int64
	// Paused is the number at which it was last switched off, or made if it was
	// off then; nil where it has nothing to catch up on: it was never off, or has
	// caught up since.
	Paused *int64
	// CatchUpFrom is the number from which on it catches up on what it missed, nil
	// where there is nothing to catch up on.
	CatchUpFrom *int64
	// FeedVersion is part of the addresses of its feed and its calendar: where it rises, the former ones end.
	FeedVersion int64
}

// CatchUp has the watch catch up on what came since it was last switched off, if anything; or on more, if it already has
// more to catch up on.
func (w *Watch) CatchUp() {
	if w.Paused != nil && (w.CatchUpFrom == nil || *w.Paused < *w.CatchUpFrom) {
		w.CatchUpFrom = w.Paused
	}
}

// NameKey is the name of a watch for comparing.
func NameKey(name string) string { return strings.ToLower(name) }

// NumberedName is the name of a watch with a number behind it, « Voirie (2) »,
// cut where that would be too long.
func NumberedName(name string, n int) string {
	number := fmt.Sprintf(" (%d)", n)
	runes := []rune(name)
	runes = runes[:min(len(runes), MaxNameLength-len(number))]
	return strings.TrimRight(string(runes), " ") + number
}

// GlobalID is the watch's name within the server.
func (w *Watch) GlobalID() string { return GlobalID(KindWatch, w.ID) }

// Criteria is what a supplier looks for. An empty list does not constrain; a
// watch with no criteria at all matches everything.
type Criteria struct {
	// Keywords are words, or several words for a phrase, as typed.
	Keywords         []string    `json:"keywords"`
	KeywordMode      KeywordMode `json:"keywordMode"`
	ExcludedKeywords []string    `json:"excludedKeywords"`
	// BuyerIDs and the lists below are each "any of"; package query declares them.
	BuyerIDs    []int64  `json:"-" bun:"-"`
	Departments []string `json:"departments"` // INSEE codes
	// IncludeNationwide lets tenders of no department pass Departments.
	IncludeNationwide bool        `json:"includeNationwide"`
	Natures           []Nature    `json:"natures"`
	Procedures        []Procedure `json:"procedures"`
	// CPVCodes are of 2 to 8 digits; each stands for all codes that start so.
	CPVCodes      []string       `json:"cpvCodes"`
	DeadlineKinds []DeadlineKind `json:"deadlineKinds"` // by their names
	Techniques    []Technique    `json:"techniques"`
	// MinValue and MaxValue bound the estimated value, both included: amounts in euros as [ParseAmount] returns them, ""
	// for no bound.
	MinValue string `json:"minValue"`
	MaxValue string `json:"maxValue"`
	// IncludeUnknownValue lets tenders that give no value in euros pass these bounds.
	IncludeUnknownValue bool `json:"includeUnknownValue"`
}

// KeywordMode is how several keywords combine.
type KeywordMode string

// The modes: every keyword must be found, or one of them.
const (
	AllKeywords KeywordMode = "ALL"
	AnyKeyword  KeywordMode = "ANY"
)

// KeywordModes returns all of them.
func KeywordModes() []KeywordMode { return []KeywordMode{AllKeywords, AnyKeyword} }

// Label names the mode to a person.
func (m KeywordMode) Label() Text {
	if m == AnyKeyword {
		return Text{"Rechercher n’importe lequel de ces termes", "Any of these terms"}
	}
	return Text{"Rechercher tous les termes", "All of these terms"}
}

// Frequency is how often a watch writes.
type Frequency string

// The frequencies.
const (
	Immediate Frequency = "IMMEDIATE"
	Daily     Frequency = "DAILY"
	Weekly    Frequency = "WEEKLY"
)

// Frequencies returns all of them.
func Frequencies() []Frequency { return []Frequency{Immediate, Daily, Weekly} }

// Label names the frequency to a person.
func (f Frequency) Label() Text {
	switch f {
	case Immediate:
		return Text{"Dès la publication", "As soon as published"}
	case Daily:
		return Text{"Chaque jour", "Every day"}
	case Weekly:
		return Text{"Chaque semaine", "Every week"}
	}
	return Same(string(f))
}

// Recipient is one address on one watch.
type Recipient struct {
	// ID names the pair of watch and address; naming the address again on the
	// same watch keeps it.
	ID      int64
	WatchID int64
	Email   string
	// Primary is whether it is the account's own address.
	Primary bool
	Status  RecipientStatus
	// StatusAt is when its owner agreed or left, or mail to it came back; nil where
	// nobody said, or the issuer vouches for it.
	StatusAt *time.Time
	// ResendableAt is from when on it may be asked again whether it agrees; nil for
	// never.
	ResendableAt *time.Time
	// RemovedAt is when it was taken from the watch; nil where it was not.
	RemovedAt *time.Time
}

// GlobalID is the recipient's name within the server.
func (r *Recipient) GlobalID() string { return GlobalID(KindRecipient, r.ID) }

// RecipientStatus is whether an address may be written to.
type RecipientStatus string

// The statuses: only a confirmed address is written to.
const (
	Pending      RecipientStatus = "PENDING"
	Confirmed    RecipientStatus = "CONFIRMED"
	Unsubscribed RecipientStatus = "UNSUBSCRIBED"
	Bounced      RecipientStatus = "BOUNCED"
)

// Consent is how the owner of an address agreed to be written to.
type Consent string

// The manners of consent.
const (
	// ByLink: by the link of a mail to the address.
	ByLink Consent = "LINK"
	// ByIssuer: the issuer of the account's tokens says that the address is
	// its own.
	ByIssuer Consent = "ISSUER"
	// ByImport: on the platform from which the watch was imported.
	ByImport Consent = "IMPORT"
)
