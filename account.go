package vigie

import "time"

// Account is a person, as an issuer of tokens knows it: (Issuer, Subject) is
// its identity; email, name and verification follow the token's claims.
type Account struct {
	// ID is the number of the change that made it.
	ID            int64 `bun:"id,pk"`
	Issuer        string
	Subject       string
	Email         string
	EmailVerified bool
	// EmailVerifiedAt is since when the issuer vouches for Email, nil where it
	// does not.
	EmailVerifiedAt *time.Time
	Name            string
	Locale          Locale
	// TimeZone is an IANA name; digests leave by it.
	TimeZone   string
	DigestHour int32 // 0 to 23
	DigestDay  Weekday
	// QuietNotes is whether a quiet watch says once in 30 days that it is alive.
	QuietNotes bool
	// CalendarAlarmDays is how many days before a deadline the account's calendars remind of it; 0 for not at all.
	CalendarAlarmDays int32
	// ReminderDays are how many days before its deadline it is reminded of a tender of interest; never nil.
	ReminderDays []int32
	// FeedVersion is part of the addresses of all feeds and calendars of the account: where it rises, the former ones end.
	FeedVersion int64
	// Imported is whether nobody has signed in yet: all that is known is what an
	// import said.
	Imported  bool
	CreatedAt time.Time
}

// GlobalID is the account's name within the server.
func (a *Account) GlobalID() string { return GlobalID(KindAccount, a.ID) }

// Weekday is a day of the week, as the API writes it.
type Weekday string

// The days of the week.
const (
	Monday    Weekday = "MONDAY"
	Tuesday   Weekday = "TUESDAY"
	Wednesday Weekday = "WEDNESDAY"
	Thursday  Weekday = "THURSDAY"
	Friday    Weekday = "FRIDAY"
	Saturday  Weekday = "SATURDAY"
	Sunday    Weekday = "SUNDAY"
)

// AccountUpdate is a change of an account's settings; nil fields stay.
type AccountUpdate struct {
	Locale     *Locale
	TimeZone   *string
	DigestHour *int32
	DigestDay  *Weekday
	QuietNotes *bool
	// CalendarAlarmDays is 0 to [MaxAlarmDays].
	CalendarAlarmDays *int32
	// ReminderDays are at most [MaxReminders] numbers from 1 to [MaxReminderDays].
	ReminderDays *[]int32
}

// NewAccount is an account as its issuer first shows it, with the settings
// that a French reader expects.
func NewAccount(issuer, subject string) Account {
	return Account{
		Issuer: issuer, Subject: subject,
		Locale: French, TimeZone: "Europe/Paris", DigestHour: 8, DigestDay: Monday, QuietNotes: true, CalendarAlarmDays: 2, ReminderDays: []int32{},
	}
}
