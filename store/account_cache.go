package store

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"vigie"
)

const (
	// cacheFor is how long a cached account is used after it was read. Changes that other processes make, erasure
	// included, are seen only after that.
	cacheFor = 5 * time.Second
	// maxCached is the most accounts that are kept.
	maxCached = 10_000
)

// accountCache holds the accounts that signed in a moment ago, because a page sends several requests in a row.
// Changes by this process are seen at once. It is not golang-lru's expirable.LRU, because that reads the machine's
// clock and not the store's, and keeps a read that began before a change.
type accountCache struct {
	mutex    sync.Mutex
	accounts *simplelru.LRU[person, *cachedAccount]
}

// person identifies the owner of claims.
type person struct{ issuer, subject string }

// cachedAccount is an account as it was read at a time. A change of the account removes it; a read that began before
// the change finds it removed and keeps nothing.
type cachedAccount struct {
	account vigie.Account
	at      time.Time // zero until it was read
}

func newAccountCache() *accountCache {
	accounts, err := simplelru.NewLRU[person, *cachedAccount](maxCached, nil)
	if err != nil {
		panic("store: account cache: " + err.Error())
	}
	return &accountCache{accounts: accounts}
}

// find returns the account of the claims, nil where it must be read: it is not cached, or the claims change it. Then
// place is for [accountCache.keep].
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
	if age := now.Sub(place.at); age < 0 || age >= cacheFor || follow(&known, c, now) {
		return nil, place
	}
	return &known, place
}

// keep keeps an account that was read, at now or later, unless it was changed since the read began.
func (m *accountCache) keep(account *vigie.Account, now time.Time, place *cachedAccount) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if current, _ := m.accounts.Peek(person{account.Issuer, account.Subject}); current == place {
		place.account, place.at = *account, now
	}
}

// remove removes an account that was changed, or may have been.
func (m *accountCache) remove(who person) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.accounts.Remove(who)
}
