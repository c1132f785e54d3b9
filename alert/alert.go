// Package alert mails the right recipients: nothing is lost, and nothing is sent twice but where a
// crash leaves no choice: see [Sender].
//
// An [Alerter] finds out which recipients are alerted of a notice's effect on a tender, and enters the deliveries into
// the ledger. A
// [Sender] writes the mails that are due, sends them, and records their outcome. Their whole state is in the
// database, so that either can stop at any moment and can run on several machines.
package alert

// Fault is a point in the work at which a test stops the process, to check that nothing is lost.
type Fault string

// The points.
const (
	// AfterMatch: the watches that a notice matches have been found, and nothing is written yet.
	AfterMatch Fault = "after match"
	// AfterEnter: some deliveries of a notice are in the ledger.
	AfterEnter Fault = "after enter"
	// AfterClaim: mails are claimed, and none is sent.
	AfterClaim Fault = "after claim"
	// BeforeSend: a mail is about to be sent.
	BeforeSend Fault = "before send"
	// AfterSend: a mail was accepted, and that is not recorded yet.
	AfterSend Fault = "after send"
	// AfterRecord: it is recorded.
	AfterRecord Fault = "after record"
)
