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
	accounts *simplelru.LRU[Claims, metAccount]
	// changes counts the changes of accounts.
	changes int
}

type metAccount struct {
	account vigie.Account
	at      time.Time
}

func newMet() *met {
	accounts, err := simplelru.NewLRU[Claims, metAccount](mostMet, nil)
	if err != nil {
		panic("store: no room for accounts: " + err.Error())
	}
	return &met{accounts: accounts}
}

// find returns the account that claims are about, nil where it must be read:
// then changes is for [met.keep].
func (m *met) find(c Claims, now time.Time) (account *vigie.Account, changes int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	known, ok := m.accounts.Get(c)
	if age := now.Sub(known.at); !ok || age < 0 || age >= fresh {
		return nil, m.changes
	}
	return &known.account, m.changes
}

// keep keeps an account as it was read, at now or later, unless any was changed
// since: it may have been read before that.
func (m *met) keep(c Claims, account *vigie.Account, now time.Time, changes int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.changes == changes {
		m.accounts.Add(c, metAccount{*account, now})
	}
}

// forget is for after an account was changed, or may have been.
func (m *met) forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.changes++
	m.accounts.Purge()
}
