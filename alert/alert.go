// Package alert sees to it that the right people are written to: nothing lost,
// nothing sent twice.
//
// A [Ledger] enters, once and for good, who shall hear of what a notice did to
// a tender. A [Sender] writes down the mails that are due, sends them, and
// notes what became of them. All they know is in the database, so that either
// can be stopped at any moment, and run on several machines.
package alert

// Fault is a point in the work at which a test stops the process, to see that
// nothing is lost.
type Fault string

// The points.
const (
	// AfterMatch: the watches that a notice matches are known, and nothing is
	// written.
	AfterMatch Fault = "after match"
	// AfterEnter: some deliveries of a notice are in the ledger.
	AfterEnter Fault = "after enter"
	// AfterClaim: mails are written down, and not sent.
	AfterClaim Fault = "after claim"
	// BeforeSend: a mail is about to be sent.
	BeforeSend Fault = "before send"
	// AfterSend: a mail was accepted, and that is not written down.
	AfterSend Fault = "after send"
	// AfterRecord: it is.
	AfterRecord Fault = "after record"
)
