package post

import (
	"strings"
	"testing"
)

// TestClassify checks what servers' replies are about, with at least one reply for each row of the table.
func TestClassify(t *testing.T) {
	decided := make(map[string]int)
	for _, test := range []struct {
		at   phase
		said string
		want Kind
	}{
		// Before the recipient is named, the reply is about the sender.
		{connecting, "421 4.3.2 Service not available", Temporary},
		{connecting, "454 4.7.0 Temporary authentication failure", Temporary},
		{connecting, "535 5.7.8 Authentication credentials invalid", ForSender},
		{connecting, "554 5.7.1 Client host rejected", ForSender},
		{connecting, "521 mail.example does not accept mail", ForSender},
		{sender, "451 4.3.0 Try again later", Temporary},
		{sender, "550 5.7.1 Sender not authorised", ForSender},
		{sender, "550 5.1.1 User unknown", ForSender},
		{sender, "553 5.1.8 Domain of sender does not exist", ForSender},
		{sender, "550 no", ForSender},
		{sender, "552 5.3.4 Message size exceeds fixed limit", ForSender},
		{sender, "553 5.6.7 SMTPUTF8 is not for you", ForAddress},
		// About the address only.
		{recipient, "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in virtual mailbox table", ForAddress},
		{recipient, "450 4.1.1 <x@y.example>: User unknown", Temporary},
		{recipient, "550 5.1.2 Domain not found", ForAddress},
		{recipient, "501 5.1.3 Bad recipient address syntax", ForAddress},
		{recipient, "551 5.1.6 Moved, no forwarding address", ForAddress},
		{recipient, "556 5.1.10 Recipient domain has a null MX", ForAddress},
		{recipient, "550 5.2.1 The account is disabled", ForAddress},
		{end, "550 5.1.1 No such user", ForAddress},
		{recipient, "553 5.6.7 Non-ASCII addresses not permitted for that recipient", ForAddress},
		{end, "554 5.6.9 UTF-8 header message cannot be transferred", ForAddress},
		{recipient, "556 Domain does not accept mail", ForAddress},
		{recipient, "550 User unknown", ForAddress},
		{recipient, "550 Unrouteable address", ForAddress},
		{recipient, "553 Invalid recipient", ForAddress},
		{recipient, "550 5.0.0 No such mailbox", ForAddress},
		{recipient, "550 5.1.0 Utilisateur inconnu", ForAddress},
		// About the sender, whatever the address.
		{recipient, "550 5.1.0 <x@y.example>: Sender address rejected: User unknown in virtual mailbox table", ForSender},
		{recipient, "550 5.1.1 <x@y.example>: Sender address rejected: User unknown in local sender table", ForSender},
		{recipient, "550-Verification failed for <x@y.example>\n550-Unrouteable address\n550 Sender verify failed", ForSender},
		{recipient, "450 4.1.8 <x@y.example>: Domain not found", ForSender},
		{recipient, "501 5.1.7 Bad sender address syntax", ForSender},
		{recipient, "530 Authentication required", ForSender},
		{recipient, "530 5.7.0 Must issue a STARTTLS command first", ForSender},
		{start, "454 TLS not available due to temporary reason", ForSender},
		{recipient, "454 4.7.1 <x@y.example>: Relay access denied", ForSender},
		{recipient, "450 4.7.25 cannot find your hostname", ForSender},
		{end, "421 4.7.28 Unusual rate of mail", ForSender},
		{recipient, "554 5.7.1 <x@y.example>: Relay access denied", ForSender},
		{recipient, "550 5.7.1 Service unavailable; Client host blocked", ForSender},
		{recipient, "550 relay not permitted", ForSender},
		{recipient, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", ForSender},
		{recipient, "553 sorry, that domain isn't in my list of allowed rcpthosts", ForSender},
		{recipient, "550 Unknown user, or blocked by policy", ForSender},
		{end, "550 5.7.26 Unauthenticated mail is not accepted: DMARC", ForSender},
		{end, "550 5.7.20 No passing DKIM signature found", ForSender},
		{end, "550 5.7.23 SPF validation failed", ForSender},
		{end, "552 5.3.4 Message too big for system", ForSender},
		{recipient, "552 5.2.3 Message length exceeds administrative limit", ForSender},
		{end, "552 Message exceeds fixed maximum message size", ForSender},
		{recipient, "503 5.5.1 nested MAIL command", ForSender},
		{start, "554 5.5.1 Error: no valid recipients", ForSender},
		{recipient, "504 Parameter not implemented", ForSender},
		{recipient, "555 Parameters not recognized", ForSender},
		// About neither: it is tried again.
		{recipient, "451 Local error in processing", Temporary},
		{start, "452 4.3.1 Insufficient system storage", Temporary},
		{end, "451 4.3.0 Queue file write error", Temporary},
		{recipient, "550 4.2.1 Try again later", Temporary},
		{recipient, "552 5.2.2 Mailbox full", Temporary},
		{recipient, "552 Too many recipients", Temporary},
		{end, "550 5.3.2 System not accepting network messages", Temporary},
		{recipient, "550 5.4.1 Recipient address rejected: Access denied", Temporary},
		{end, "554 5.4.6 Too many hops", Temporary},
		// About the message.
		{end, "554 5.7.1 Message rejected as spam", ForMessage},
		{end, "552 5.7.0 Blocked because of its content", ForMessage},
		{end, "554 5.6.0 Message contains a virus", ForMessage},
		{end, "554 5.6.1 Media not supported", ForMessage},
		{end, "550 no", ForMessage},
		{end, "554 Transaction failed", ForMessage},
		{recipient, "550 no", ForMessage},
		{recipient, "550 5.5.0 Requested action not taken: mailbox unavailable", ForMessage},
		{recipient, "554 Transaction failed", ForMessage},
		{end, "550 User unknown", ForMessage},
		// An IP address is not an enhanced code.
		{recipient, "550 5.1.1.4 is on our list", ForSender},
		{recipient, "550 no mail from host 5.1.1 or so", ForMessage},
		// Of several lines, only the last may have the code.
		{recipient, "550-No,\n5.1.1 says the server", ForAddress},
	} {
		got := fromReply(test.said, test.at)
		decided[which(got.Code, got.Enhanced, got.Reply, test.at).source]++
		if got.Kind != test.want || got.Code == 0 {
			t.Errorf("%q in phase %d is %s (by %q), want %s", test.said, test.at, got.Kind, which(got.Code, got.Enhanced, got.Reply, test.at).source, test.want)
		}
	}
	rows := make(map[string]bool)
	for i, r := range rules() {
		if rows[r.source] || !strings.Contains(r.source, "RFC") && !strings.Contains(r.source, "Postfix") {
			t.Errorf("row %d has no source of its own: %q", i, r.source)
		}
		rows[r.source] = true
		if decided[r.source] == 0 {
			t.Errorf("no reply above is decided by row %d, %s (%s)", i, r.kind, r.source)
		}
	}
	// Every reply has a row.
	for at := connecting; at <= end; at++ {
		for code := 400; code < 600; code++ {
			for _, enhanced := range []string{"", "4.0.0", "5.0.0", "5.1.0", "5.9.9"} {
				if which(code, enhanced, "", at).source == "" {
					t.Errorf("no row for %d %s in phase %d", code, enhanced, at)
				}
			}
		}
	}
}

// What a server replies can be stored and shown, with any bytes in it.
func TestReplyIsPrintable(t *testing.T) {
	got := fromReply("450 4.2.0 a\x00b\x1b[31m\xe9\r\n  c", recipient)
	if got.Reply != "450 4.2.0 ab[31m\uFFFD c" || got.Code != 450 || got.Enhanced != "4.2.0" || got.Kind != Temporary {
		t.Errorf("%+v", got)
	}
}
