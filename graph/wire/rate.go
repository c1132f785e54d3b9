package wire

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

// Rate is how many operations a caller may ask. Clients learn it from the header
// fields of draft-ietf-httpapi-ratelimit-headers.
type Rate struct {
	// Policy names the rule; "" for none.
	Policy string
	// Quota operations may be asked in each Window; Left are left now, and all of
	// Quota again after Reset.
	Quota, Left   int
	Window, Reset time.Duration
}

// Write writes the header fields RateLimit-Policy and RateLimit.
func (r Rate) Write(h http.Header) {
	if r.Policy == "" {
		return
	}
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", r.Policy, r.Quota, Seconds(r.Window)))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", r.Policy, r.Left, Seconds(r.Reset)))
}

// Seconds are whole seconds, at least as long as d: for what may not be too early.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
