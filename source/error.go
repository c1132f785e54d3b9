package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vigie"
)

// ServiceError is a fault of a source's service, or of the way to it.
type ServiceError struct {
	// Reason says what is wrong, for operators and in public; it names no address.
	Reason string
	// Err is the cause, which may name addresses; it may be nil.
	Err error
}

func (e *ServiceError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *ServiceError) Unwrap() error { return e.Err }

// fault is a [ServiceError] without a cause.
func fault(format string, values ...any) error {
	return &ServiceError{Reason: fmt.Sprintf(format, values...)}
}

// Busy says that a service asks to wait.
type Busy struct{ For time.Duration }

func (e *Busy) Error() string { return fmt.Sprintf("the service asks to wait for %s", e.For) }

// DayError is why a day was not read whole.
type DayError struct {
	Day Day
	Err error
}

func (e *DayError) Error() string { return fmt.Sprintf("%s: %v", e.Day, e.Err) }

func (e *DayError) Unwrap() error { return e.Err }

// ErrorText returns what may be said in public of an error.
func ErrorText(err error) string {
	if service, ok := errors.AsType[*ServiceError](err); ok {
		return service.Reason
	}
	if busy, ok := errors.AsType[*Busy](err); ok {
		return busy.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took too long"
	}
	return "it failed"
}

// unreadable reports whether a record could not be read because its file could not.
func unreadable(err error) bool { return vigie.CodeOf(err) == vigie.Unavailable }
