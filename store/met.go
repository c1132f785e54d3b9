package store

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"vigie"
)

const (
	// fresh is for how long an account is taken for what it was when it was last
	// read. What other processes change of it meanwhile, or that they erase it, is
	// seen after that.
	fresh = 5 * time.Second
	// mostMet is how many accounts are kept.
	mostMet = 10_000
)

// met are the accounts of who signed in a moment ago, for pages ask several
// times in a row. What this process changes is seen at once.
type met struct {
	mutex    sync.Mutex
	accounts *simplelru.LRU[person, *metAccount]
}

// person is who claims are about.
type person struct{ issuer, subject string }

// metAccount is an account as it was read at a time. It is taken out when the
// account changes; a read that began before then finds its place gone, and keeps
// nothing.
type metAccount struct {
	account vigie.Account
	at      time.Time // zero until it was read
}

func newMet() *met {
	accounts, err := simplelru.NewLRU[person, *metAccount](mostMet, nil)
	if err != nil {
		panic("store: no room for accounts: " + err.Error())
	}
	return &met{accounts: accounts}
}

// find returns the account that claims are about, nil where it must be read, as
// it must where the claims change it: then place is for [met.keep].
func (m *met) find(c Claims, now time.Time) (account *vigie.Account, place *metAccount) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	who := person{c.Issuer, c.Subject}
	place, ok := m.accounts.Get(who)
	if !ok {
		place = new(metAccount)
		m.accounts.Add(who, place)
	}
	known := place.account
	if age := now.Sub(place.at); age < 0 || age >= fresh || follow(&known, c, now) {
		return nil, place
	}
	return &known, place
}

// keep keeps an account as it was read, at now or later, unless it was changed
// since: it may have been read before that.
func (m *met) keep(account *vigie.Account, now time.Time, place *metAccount) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if current, _ := m.accounts.Peek(person{account.Issuer, account.Subject}); current == place {
		place.account, place.at = *account, now
	}
}

// forget is for after an account was changed, or may have been.
func (m *met) forget(who person) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.accounts.Remove(who)
}
