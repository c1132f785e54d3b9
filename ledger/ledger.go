// Package ledger keeps who may be mailed, and which alerts each recipient is owed, was sent or will not be sent: the
// addresses on watches with their consent, the deliveries with their reasons and states, and the mails. It has the
// rules and the statements for these tables; of accounts, watches and tenders it only reads.
//
// Code that changes something that decides about deliveries (a watch, an account, an address) calls the ledger in the
// same transaction, so that the recipients concerned are checked again.
package ledger

import (
	"time"

	"vigie/database"
	"vigie/opaque"
)

// Ledger reads and writes the ledger's tables. Its methods are safe for concurrent use. A method that takes a
// transaction is a part of it; every other one is a transaction of its own, and its errors are translated.
type Ledger struct {
	db *database.DB
	// ids make the Message-IDs of mails.
	ids *opaque.Keys
	// fingerprints returns the fingerprints of an address, see [Ledger.SetFingerprints]; may be nil.
	fingerprints func(address string) []string
	// decide are the rules by which mails are written; tests try others.
	decide func(r *RecipientState, now time.Time, spacing time.Duration, indexed int64) Decision
}

// New returns the ledger in a database; ids are those that the database's clients know.
func New(db *database.DB, ids *opaque.Keys) *Ledger { return &Ledger{db: db, ids: ids, decide: decide} }

// SetFingerprints sets how to hash an address, so that it can be recognised but not read: the function returns the
// fingerprints of an address, first the one to write, then those of older keys. Without it nothing is kept of erased
// addresses. Call it at the start, before the ledger is shared.
func (l *Ledger) SetFingerprints(fingerprints func(address string) []string) {
	l.fingerprints = fingerprints
}
