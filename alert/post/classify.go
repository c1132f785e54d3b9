package post

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule says what a reply is about. It applies if the reply has all that it names.
type rule struct {
	// from and to are the phases, both included.
	from, to phase
	// codes are reply codes, or their first digits; none for any.
	codes []string
	// enhanced are enhanced status codes, or their beginnings up to a dot; "-" is
	// for a reply that has none, or one that says nothing. None for any.
	enhanced []string
	// words are what the text of the reply must match, if set.
	words *regexp.Regexp
	kind  Kind
	// source is the reason for the rule.
	source string
}

// rules returns the rules in order: the first that applies decides. What a reply is about matters more than whether
// it calls itself permanent: only an address can be refused permanently. A reply that may be about the sender or
// about the address is taken to be about the sender: a mistake on our side must not suppress addresses.
func rules() []rule {
	const first, last = recipient, end
	return []rule{
		{from: connecting, to: sender, codes: []string{"4"}, kind: Temporary, source: "RFC 5321 §4.2.1: the command may be tried again"},
		{from: first, to: last, enhanced: []string{"5.6.7", "5.6.9"}, kind: ForAddress, source: "RFC 6531 §3.5, §3.7.4: the recipient's address cannot get there; ours are ASCII"},
		{from: connecting, to: sender, enhanced: []string{"5.6.7"}, kind: ForAddress, source: "RFC 6531 §3.5: SMTPUTF8 is asked for because of the recipient alone"},
		{from: connecting, to: sender, codes: []string{"5"}, kind: ForSender, source: "RFC 5321 §3.1, §3.3; RFC 4954 §6: no recipient was named yet"},
		{from: first, to: last, words: aboutSender, kind: ForSender, source: "Postfix smtpd_delay_reject, Exim sender verification: the sender is refused when the recipient is named, also by 5.1.0 and 5.1.1"},
		{from: first, to: last, enhanced: []string{"4.1.7", "4.1.8", "5.1.7", "5.1.8"}, kind: ForSender, source: "RFC 3463 §3.2: the sender's address"},
		{from: first, to: last, codes: []string{"454", "530", "534", "535", "538"}, kind: ForSender, source: "RFC 4954 §6, RFC 3207 §4: login or TLS"},
		{from: first, to: last, enhanced: []string{"4.7."}, kind: ForSender, source: "RFC 3463 §3.8, RFC 7372: policy about us, also while a server calls it temporary (Postfix: 454 4.7.1 relay, 450 4.7.25 reverse DNS)"},
		{from: first, to: last, codes: []string{"4"}, kind: Temporary, source: "RFC 5321 §4.2.1"},
		{from: first, to: last, enhanced: []string{"4."}, kind: Temporary, source: "RFC 3463 §2: the class says more than the reply code"},
		{from: end, to: last, enhanced: []string{"5.7.0", "5.7.1"}, kind: ForMessage, source: "RFC 3463 §3.8: after the message, its content"},
		{from: first, to: last, enhanced: []string{"5.7."}, kind: ForSender, source: "RFC 3463 §3.8, RFC 4954 §5, RFC 7372 §3, RFC 7505 §4.2: not authorised, relaying, DKIM, SPF, reverse DNS, too much mail"},
		{from: first, to: last, enhanced: []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, kind: ForAddress, source: "RFC 3463 §3.2, §3.3; RFC 7505 §4.1: no mailbox, no system, no syntax, moved, no mail at all, disabled"},
		{from: first, to: last, enhanced: []string{"5.2.3", "5.3.4"}, kind: ForSender, source: "RFC 3463 §3.3, §3.4: too large, as we composed it"},
		{from: first, to: last, enhanced: []string{"5.2.2", "5.3.", "5.4."}, kind: Temporary, source: "RFC 3463 §3.3 to §3.5: mailbox full, the other system, the network"},
		{from: recipient, to: recipient, codes: []string{"556"}, enhanced: []string{"-"}, kind: ForAddress, source: "RFC 7504 §4: the domain takes no mail"},
		{from: recipient, to: recipient, codes: []string{"552"}, enhanced: []string{"-"}, kind: Temporary, source: "RFC 5321 §4.5.3.1.10: to be taken for 452"},
		{from: start, to: last, codes: []string{"552"}, enhanced: []string{"-"}, kind: ForSender, source: "RFC 5321 §4.2.3, RFC 1870 §6: too large, as we composed it"},
		{from: recipient, to: recipient, enhanced: []string{"-"}, words: aboutUs, kind: ForSender, source: "RFC 5321 §4.2.3: 550 stands for policy as well; Exim, qmail: relaying denied without an enhanced code"},
		{from: recipient, to: recipient, codes: []string{"550", "551", "553"}, enhanced: []string{"-"}, words: nobodyThere, kind: ForAddress, source: "RFC 5321 §4.2.3: mailbox not found, user not local, name not allowed"},
		{from: first, to: last, codes: []string{"500", "502", "503", "504", "521", "555"}, enhanced: []string{"-"}, kind: ForSender, source: "RFC 5321 §4.2.4, RFC 7504 §3: how we speak, or to whom"},
		{from: first, to: last, enhanced: []string{"5.5."}, kind: ForSender, source: "RFC 3463 §3.6: how we speak"},
		{from: first, to: last, codes: []string{"5"}, kind: ForMessage, source: "RFC 5321 §4.2.1: what is left, such as 550 and 554 after the message, 5.6.x (RFC 3463 §3.7)"},
	}
}

var (
	aboutSender = regexp.MustCompile(`(?i)\b(sender (address )?(rejected|verif\w*|denied|not)|relay(ing)? (access )?(denied|not)|not permitted to relay|client host rejected|helo command rejected)`)
	aboutUs     = regexp.MustCompile(`(?i)\b(relay\w*|rcpthosts|senders?|authenti\w*|spam|policy|policies|block(ed|ing)?|\w*lists?|listed|spf|dkim|dmarc|reputation|permitted|authori[sz]ed|denied)\b`)
	nobodyThere = regexp.MustCompile(`(?i)\b(unknown|inconnue?|no such|not? exist|not found|unroutable|unrouteable|no mailbox|invalid (user|recipient|address|mailbox)|(user|mailbox|recipient|account) (is )?(disabled|inactive|invalid)|doesn't (have|exist))\b`)
)

// classify returns what a reply with a code of 400 or above is about.
func classify(code int, enhanced, said string, at phase) Kind {
	return which(code, enhanced, said, at).kind
}

// which returns the rule that decides.
func which(code int, enhanced, said string, at phase) rule {
	digits := strconv.Itoa(code)
	for _, r := range rules() {
		if r.from <= at && at <= r.to && fits(r.codes, digits) && r.fitsEnhanced(enhanced) && (r.words == nil || r.words.MatchString(said)) {
			return r
		}
	}
	return rule{} // not a refusal
}

func (r rule) fitsEnhanced(enhanced string) bool {
	switch enhanced {
	case "", "5.0.0", "5.1.0", "5.5.0": // "other" says nothing
		return len(r.enhanced) == 0 || slices.Contains(r.enhanced, "-") || slices.Contains(r.enhanced, enhanced)
	}
	return slices.ContainsFunc(r.enhanced, func(e string) bool {
		return e == enhanced || strings.HasSuffix(e, ".") && strings.HasPrefix(enhanced, e)
	}) || len(r.enhanced) == 0
}

// fits reports whether a code is among those that a rule names.
func fits(codes []string, code string) bool {
	return len(codes) == 0 || slices.ContainsFunc(codes, func(c string) bool { return strings.HasPrefix(code, c) })
}
