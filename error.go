package vigie

import (
	"errors"
	"strings"
	"time"
)

// Code says what kind of thing went wrong, to a program.
type Code string

// Codes of what a person typed and can correct.
const (
	Blank    Code = "BLANK"
	TooShort Code = "TOO_SHORT"
	TooLong  Code = "TOO_LONG"
	TooMany  Code = "TOO_MANY"
	Taken    Code = "TAKEN"
	// TooCommon is a keyword of words that mean nothing alone.
	TooCommon Code = "TOO_COMMON"
	// TooSoon is something that may be done again later.
	TooSoon Code = "TOO_SOON"
	// Exhausted is something that was done as often as it may be.
	Exhausted Code = "EXHAUSTED"
	// NotAllowed is something that only somebody else may do, or only by another way.
	NotAllowed Code = "NOT_ALLOWED"
	// NotNeeded is something that is so already.
	NotNeeded Code = "NOT_NEEDED"
	// Conflicting is an input of which one part contradicts another.
	Conflicting Code = "CONFLICTING"
	Invalid     Code = "INVALID"
	NotFound    Code = "NOT_FOUND"
	// VersionMismatch is a change of what was changed since it was read.
	VersionMismatch Code = "VERSION_MISMATCH"
)

// Codes of what the client or the server did wrong.
const (
	// BadRequest is a request that no form can have led to: a foreign cursor,
	// a page size out of bounds.
	BadRequest Code = "BAD_REQUEST"
	// Unauthenticated is a missing, false or expired token.
	Unauthenticated Code = "UNAUTHENTICATED"
	// Forbidden is a token without the scope that is needed.
	Forbidden Code = "FORBIDDEN"
	// LimitExceeded is a request that asks for more than one may: too long, too
	// deep, too dear.
	LimitExceeded Code = "LIMIT_EXCEEDED"
	// TooManyRequests is one request, failed sign-in or subscription too many;
	// later there may be more.
	TooManyRequests Code = "TOO_MANY_REQUESTS"
	// TimedOut is a request that took longer than one may.
	TimedOut Code = "TIMED_OUT"
	// Unavailable is a part that is down or not ready yet; it will come back.
	Unavailable Code = "UNAVAILABLE"
	// Internal is everything else, and a defect.
	Internal Code = "INTERNAL"
)

// Correctable reports whether a code is of what a person typed and can correct.
func (c Code) Correctable() bool {
	switch c {
	case Blank, TooShort, TooLong, TooMany, Taken, TooCommon, TooSoon, Exhausted, NotAllowed, NotNeeded, Conflicting, Invalid, NotFound, VersionMismatch:
		return true
	}
	return false
}

// Error is the product's one kind of error. Drivers' errors become one where
// they enter; it becomes a user's message or a status where it leaves.
type Error struct {
	Code Code
	// Field is where in the input the mistake is, outermost name first, list
	// positions counted from 0; empty where it is not about one field.
	Field []string
	// Text is what a person reads; it says nothing internal.
	Text Text
	// Limit is the limit that was passed; nil where it is about none.
	Limit *Limit
	// RetryAfter is for how long trying again is of no use; 0 where nobody knows.
	RetryAfter time.Duration
	// Err is the cause, for operators; it never reaches a user.
	Err error
}

// Limit is a limit by the name that programs know it by, with how much was
// asked for, 0 where that is not counted, and how much there may be.
type Limit struct {
	Name               string
	Requested, Maximum int
}

// Message is the text of the error: in English if only the author of a program can
// correct the mistake, else in the reader's language.
func (e *Error) Message(reader Locale) string {
	switch e.Code {
	case BadRequest, Forbidden, LimitExceeded:
		return e.Text.EN
	}
	return e.Text.In(reader)
}

// Error describes the error to an operator, in English.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if len(e.Field) > 0 {
		b.WriteString(" at " + strings.Join(e.Field, "."))
	}
	if e.Text.EN != "" {
		b.WriteString(": " + e.Text.EN)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Problems are all the mistakes found in one input; none of it was stored.
type Problems []*Error

// Error lists them.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns them one by one.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, e := range p {
		errs[i] = e
	}
	return errs
}

// Add notes a mistake at a field.
func (p *Problems) Add(code Code, text Text, field ...string) {
	*p = append(*p, &Error{Code: code, Field: field, Text: text})
}

// Err returns the problems as an error, nil where there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// CodeOf returns the code of the first [Error] in err's chain, "" for nil and
// [Internal] for an error of any other kind.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Warning is about an input that was accepted, and may not mean what its
// author thinks.
type Warning struct {
	Field []string
	Code  WarningCode
	Text  Text
}

// WarningCode says what a [Warning] is about.
type WarningCode string

// What can be warned of.
const (
	// TooBroad is a watch that more than [BroadPerDay] tenders a day match.
	TooBroad WarningCode = "TOO_BROAD"
	// StopWordDropped is a word of a text that means nothing alone.
	StopWordDropped WarningCode = "STOP_WORD_DROPPED"
	// RepeatedDropped is a keyword that finds what another one does.
	RepeatedDropped WarningCode = "REPEATED_DROPPED"
	// SignIgnored is a keyword of which signs were left out.
	SignIgnored WarningCode = "SIGN_IGNORED"
	// KeywordExcluded is a keyword that nothing can have that is not excluded.
	KeywordExcluded WarningCode = "KEYWORD_EXCLUDED"
	// UnknownLeftOut is a filter that leaves out tenders which do not say.
	UnknownLeftOut WarningCode = "UNKNOWN_LEFT_OUT"
	// UnknownLetThrough is a filter that tenders pass which do not say.
	UnknownLetThrough WarningCode = "UNKNOWN_LET_THROUGH"
	// DeadlineBeforePublication is a notice whose deadline had passed when it was
	// published.
	DeadlineBeforePublication WarningCode = "DEADLINE_BEFORE_PUBLICATION"
)
