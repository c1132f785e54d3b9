package vigie

import "time"

// What an input may hold. Lengths of texts count characters as lexicon.Length
// does: after folding, where that makes more of them.
const (
	MinKeywordLength = 3
	MaxKeywordLength = 100
	// MaxKeywords bounds keywords and excluded keywords, each on its own.
	MaxKeywords   = 50
	MaxNameLength = 100
	MaxRecipients = 20
	MaxWatches    = 200
	// of webhooks, on a watch and of an account (or of the platform)
	MaxWebhooks        = 10
	MaxAccountWebhooks = 50
	// MaxURLChanges is how often the webhooks of an account get another URL in a day.
	MaxURLChanges = 50
	// MaxReplayed is how many messages to a webhook one call has sent again.
	MaxReplayed = 1000
	// MaxChoices bounds each list picked from: buyers, departments, CPV codes.
	MaxChoices      = 200
	MaxEmailLength  = 254 // RFC 5321 §4.5.3.1.3 less the angle brackets
	MaxSearchLength = 200
	MaxPageSize     = 100
	// RestorableFor is how long after it was deleted a watch can be restored.
	RestorableFor = 24 * time.Hour
	// MaxHold is how long a delivery is held before it is dropped.
	MaxHold = 30 * 24 * time.Hour
	// MaxAlarmDays is how many days before a deadline a calendar can remind of it.
	MaxAlarmDays = 30
	// MaxReminders is how often an account is reminded of a deadline, MaxReminderDays how many days before it at most.
	MaxReminders    = 3
	MaxReminderDays = 30
	// MaxMarked is how many tenders one call marks as seen.
	MaxMarked = 100
	// MaxDismissed is how many dismissed tenders a list of matches leaves out.
	MaxDismissed = 2000
	// MaxOffset is how many rows deep a numbered page or a list by relevance
	// can go.
	MaxOffset = 10_000
	// MaxExported is how many tenders a file has.
	MaxExported = 100_000
	// MaxBatch is how many notices one call or one transaction publishes, and how
	// many of anything else one statement is about.
	MaxBatch = 500
	// MaxLinks is how many other notices one notice names.
	MaxLinks = 200
	// BroadPerDay is how many tenders a day a watch may match before its
	// author is warned.
	BroadPerDay = 30
)
