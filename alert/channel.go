package alert

import (
	"cmp"
	"context"
	"time"

	"vigie"
	"vigie/ledger"
)

// Channel is a way to deliver alerts: it writes messages, and sends them. Everything else is the same for all channels: the
// ledger knows what each recipient is owed, and has the claims, leases, attempts and outcomes; a [Sender] passes messages
// between the two. TestChannels holds each channel to what is said here.
type Channel interface {
	// Terms returns how messages are sent; it is always the same.
	Terms() Terms
	// Prepare reads what messages to some recipients need. What it returns is used for a moment only.
	Prepare(ctx context.Context, recipients map[int64]*ledger.RecipientState, now time.Time) (Compose, error)
}

// Compose writes a message with that content, according to its recipient's present settings. An error is a fault on our
// side.
type Compose func(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (Message, error)

// Message is a message that is ready to be sent. Sent twice, it is the same twice.
type Message interface {
	// Send hands the message over. It returns nil once it was accepted, else a *[Failure], or another error if nothing can
	// be sent at all. When ctx ends, the attempt ends.
	Send(ctx context.Context) error
}

// Terms say how a channel sends messages.
type Terms struct {
	// Channel says which recipients it reaches.
	Channel vigie.Channel
	// Lanes is how many loops claim messages. A lane sends one after the other if AtOnce is 1, or else so many at a time that
	// a slow recipient keeps only its own message waiting.
	Lanes, AtOnce int
	// PerHost is how many are sent at a time to one host of webhooks, PerOwner to those of one account, or of the platform.
	PerHost, PerOwner int
	// Attempt is how long an attempt may take, where the lease would allow more; 0 for no limit of its own.
	Attempt time.Duration
	// Host is the domain of the Message-IDs, "" for none.
	Host string
	// Patience says when what was not accepted is tried again.
	Patience Patience
}

// Failure is why a message was not accepted.
type Failure struct {
	// About is what it is about, which decides what follows.
	About Subject
	// All reports that the failure has nothing to do with the message: any other would fail, too. It counts as no attempt.
	All bool
	// After is the least time until the next attempt, as the recipient asks.
	After time.Duration
	// Note is what is recorded, where that must say less than Err.
	Note string
	Err  error
}

// Error describes the failure to an operator.
func (f *Failure) Error() string { return f.Err.Error() }

// note returns what is recorded.
func (f *Failure) note() string { return cmp.Or(f.Note, f.Err.Error()) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Subject is what a failure is about. Only what is about the recipient is final at once.
type Subject string

// The subjects, as the metrics name them.
const (
	// AboutMoment passes: the same message may be accepted later.
	AboutMoment Subject = "temporary"
	// AboutMessage is a refusal of this message. Another may be accepted, and so may the same one on another day.
	AboutMessage Subject = "message"
	// AboutRecipient is final, for this recipient: no message can reach it, or it wants none.
	AboutRecipient Subject = "address"
	// AboutUs is a fault on our side. Once an operator has repaired that, the same message may be accepted.
	AboutUs Subject = "sender"
)

func subjects() []Subject { return []Subject{AboutMoment, AboutMessage, AboutRecipient, AboutUs} }

// Patience says when a message is tried again: after First, then after twice as long each time, up to Longest, of which
// there are Repeats more. It is not given up before Least is over, for edits have it tried sooner.
type Patience struct {
	First, Longest time.Duration
	Repeats        int64
	Least          time.Duration
}

// untilRepaired is the patience with a fault on our side. It never ends.
var untilRepaired = Patience{First: time.Minute, Longest: time.Hour}

// pause returns how long to wait after a failed attempt that follows so many others.
func (p Patience) pause(attempts int64) time.Duration {
	pause := p.First
	for range min(attempts, p.attempts()) {
		pause *= 2
	}
	return min(pause, p.Longest)
}

// attempts returns after how many failed attempts the pause has grown to the longest.
func (p Patience) attempts() (attempts int64) {
	for pause := p.First; pause < p.Longest; pause *= 2 {
		attempts++
	}
	return attempts
}

// over reports whether a failed attempt that follows so many others was the last one, of a message that is so old.
func (p Patience) over(attempts int64, age time.Duration) bool {
	return attempts > p.attempts()+p.Repeats && age >= p.Least
}
