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
	// maxCached is how many accounts are kept.
	maxCached = 10_000
)

// accountCache holds the accounts of who signed in a moment ago, for pages ask several
// times in a row. What this process changes is seen at once.
type accountCache struct {
	mutex    sync.Mutex
	accounts *simplelru.LRU[person, *cachedAccount]
}

// person is who claims are about.
type person struct{ issuer, subject string }

// cachedAccount is an account as it was read at a time. It is taken out when the
// account changes; a read that began before then finds its place gone, and keeps
// nothing.
type cachedAccount struct {
	account vigie.Account
	at      time.Time // zero until it was read
}

func newAccountCache() *accountCache {
	accounts, err := simplelru.NewLRU[person, *cachedAccount](maxCached, nil)
	if err != nil {
		panic("store: no room for accounts: " + err.Error())
	}
	return &accountCache{accounts: accounts}
}

// find returns the account that claims are about, nil where it must be read, as
// it must where the claims change it: then place is for [accountCache.keep].
func (m *accountCache) find(c Claims, now time.Time) (account *vigie.Account, place *cachedAccount) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	who := person{c.Issuer, c.Subject}
	place, ok := m.accounts.Get(who)
	if !ok {
		place = new(cachedAccount)
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
func (m *accountCache) keep(account *vigie.Account, now time.Time, place *cachedAccount) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if current, _ := m.accounts.Peek(person{account.Issuer, account.Subject}); current == place {
		place.account, place.at = *account, now
	}
}

// forget is for after an account was changed, or may have been.
func (m *accountCache) forget(who person) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.accounts.Remove(who)
}
