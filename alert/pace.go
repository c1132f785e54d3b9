package alert

import (
	"sync"
	"time"
)

// pace is how many mails a lane claims at once. Much of what claiming and reading costs is the same for one as for many, so
// lanes claim more as long as they send all of it in a fraction of the time for which what was read may be used, and fewer where
// a mail server is slow: what one lane has claimed no other sends. The lanes of a sender share it.
type pace struct {
	mutex sync.Mutex
	limit int
}

const (
	// fewestClaims and mostClaims bound it.
	fewestClaims, mostClaims = 4, 128
)

// next is how many to claim now.
func (p *pace) next() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.limit == 0 {
		p.limit = claimBatch
	}
	return p.limit
}

// took learns from how long it took to send what was claimed.
func (p *pace) took(claimed int, d time.Duration) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case d > readValidFor:
		p.limit = max(p.limit/2, fewestClaims)
	case claimed >= p.limit && d < readValidFor/4:
		p.limit = min(2*p.limit, mostClaims)
	}
}
