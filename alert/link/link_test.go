package link_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"vigie/alert/link"
)

func keys(t testing.TB, secrets ...string) *link.Keys {
	t.Helper()
	for i, s := range secrets {
		secrets[i] = s + strings.Repeat("-", link.MinSecret)
	}
	k, err := link.New(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestToken(t *testing.T) {
	k := keys(t, "one")
	for _, p := range []link.Purpose{link.Confirm, link.LeaveWatch, link.LeaveAll, link.Bounce, link.WatchFeed, link.AccountFeed, link.WatchCalendar, link.AccountCalendar} {
		token := k.Token(p, 1234567890123, "Ana@Example.org")
		if len("bounces+"+token) > 64 { // RFC 5321 §4.5.3.1.1
			t.Errorf("%q is too long for an address", token)
		}
		if got, id, ok := k.Parse(strings.ToUpper(token)); !ok || got != p || id != 1234567890123 {
			t.Errorf("%q parses as %c %d %v", token, got, id, ok)
		}
		if !k.Verify(token, "ana@example.org") || !k.Verify(strings.ToUpper(token), "ANA@example.org") {
			t.Errorf("%q is not accepted", token)
		}
		if k.Verify(token, "bob@example.org") {
			t.Errorf("%q is accepted for another address", token)
		}
		if keys(t, "two").Verify(token, "ana@example.org") {
			t.Errorf("%q is accepted by another secret", token)
		}
	}
}

// A token in which anything was changed is not valid.
func TestForged(t *testing.T) {
	k := keys(t, "one")
	token := k.Token(link.LeaveWatch, 7, "ana@example.org")
	for i := range token {
		for _, c := range "0123456789abcdefghijklmnopqrstuv" {
			forged := token[:i] + string(c) + token[i+1:]
			if forged != token && k.Verify(forged, "ana@example.org") {
				t.Fatalf("%s passes for %s", forged, token)
			}
		}
	}
	for _, forged := range []string{"", token[:39], token + "0", token + "=", " " + token, token[:20] + "\n" + token[20:], strings.Repeat("z", 40)} {
		if _, _, ok := k.Parse(forged); ok || k.Verify(forged, "ana@example.org") {
			t.Errorf("%q is taken for a token", forged)
		}
	}
	if other := k.Token(link.LeaveAll, 7, "ana@example.org"); other[15:] == token[15:] {
		t.Error("two purposes share a signature")
	}
}

// plain is a token as earlier versions made it: purpose and id can be read.
func plain(secret string, p link.Purpose, id int64, address string) string {
	key, _ := hkdf.Key(sha256.New, []byte(secret+strings.Repeat("-", link.MinSecret)), nil, "vigie links in mail", sha256.Size)
	head := binary.BigEndian.AppendUint64([]byte{byte(p)}, uint64(id))
	mac := hmac.New(sha256.New, key)
	mac.Write(append(head, address...))
	return encode(append(head, mac.Sum(nil)[:16]...))
}

func encode(raw []byte) string {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding).EncodeToString(raw)
}

// The links in mails of earlier versions still work, with all secrets.
func TestPlainTokens(t *testing.T) {
	for _, p := range []link.Purpose{link.Confirm, link.LeaveWatch, link.LeaveAll, link.Bounce} {
		token, k := plain("old", p, 1234, "ana@example.org"), keys(t, "new", "old")
		if got, id, ok := k.Parse(token); got != p || id != 1234 || !ok || !k.Verify(token, "ana@example.org") {
			t.Errorf("%s parses as %c %d %v, or is refused", token, got, id, ok)
		}
		if k.Verify(token, "bob@example.org") || keys(t, "new").Verify(token, "ana@example.org") {
			t.Errorf("%s opens another address, or is accepted by another secret", token)
		}
	}
}

// A token reveals neither the number that it holds, nor its distance from another;
// and the number cannot be found by trying tokens in the form of earlier versions.
func TestTokensHideNumbers(t *testing.T) {
	k := keys(t, "one")
	raw := func(token string) []byte {
		b, err := base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding).DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	steps := make(map[uint64]bool)
	const n = 1000
	for id := int64(1); id <= n; id++ {
		a, b := raw(k.Token(link.Bounce, id, "ana@example.org")), raw(k.Token(link.Bounce, id+1, "ana@example.org"))
		steps[binary.BigEndian.Uint64(b[1:])-binary.BigEndian.Uint64(a[1:])] = true
		forged := encode(slices.Concat(binary.BigEndian.AppendUint64([]byte{byte(link.Bounce)}, uint64(id)), a[9:]))
		if k.Verify(forged, "ana@example.org") {
			t.Fatalf("number %d is found by trying", id)
		}
	}
	if len(steps) < n {
		t.Errorf("tokens of numbers that follow one another differ in only %d ways", len(steps))
	}
}

// A secret can be replaced, and the links in sent mails still work.
func TestRotation(t *testing.T) {
	old, rotated := keys(t, "old"), keys(t, "new", "old")
	before, after := old.Token(link.LeaveAll, 7, "a@b.example"), rotated.Token(link.LeaveAll, 7, "a@b.example")
	if before == after || !rotated.Verify(before, "a@b.example") || !rotated.Verify(after, "a@b.example") || old.Verify(after, "a@b.example") {
		t.Errorf("%s, then %s", before, after)
	}
	for _, bad := range [][]string{nil, {"short"}, {strings.Repeat("x", link.MinSecret), ""}} {
		if _, err := link.New(bad); err == nil {
			t.Errorf("secrets %q are accepted", bad)
		}
	}
}

// The fingerprints of secrets are the same each time, and are neither a key nor a token.
func TestSecretFingerprints(t *testing.T) {
	both, again := keys(t, "new", "old").Secrets(), keys(t, "old").Secrets()
	if len(both) != 2 || both[0] == both[1] || both[1] != again[0] {
		t.Errorf("%v, then %v", both, again)
	}
	if k := keys(t, "old"); k.Verify(again[0], "a@b.example") || k.Fingerprints("a@b.example")[0] == again[0] {
		t.Error("a fingerprint is accepted as something else")
	}
}

func FuzzParse(f *testing.F) {
	k := keys(f, "one")
	f.Add(k.Token(link.Confirm, 1, "a@b.example"))
	f.Add(plain("one", link.Confirm, 1, "a@b.example"))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		p, id, ok := k.Parse(token)
		if k.Verify(token, "a@b.example") && (!ok || !strings.EqualFold(k.Token(p, id, "a@b.example"), token) && !strings.EqualFold(plain("one", p, id, "a@b.example"), token)) {
			t.Errorf("%q is accepted, and is not what we make", token)
		}
	})
}

// TestFingerprints: an address is recognised by any of the secrets, in any case, and its fingerprint does not contain
// it.
func TestFingerprints(t *testing.T) {
	old, both := keys(t, "old").Fingerprints("ana@example.org"), keys(t, "new", "old").Fingerprints("Ana@Example.org")
	if len(old) != 1 || len(both) != 2 || both[1] != old[0] || both[0] == old[0] {
		t.Errorf("%v and %v", old, both)
	}
	if keys(t, "old").Fingerprints("bob@example.org")[0] == old[0] {
		t.Error("two addresses have one fingerprint")
	}
	if strings.Contains(old[0], "ana") || len(old[0]) < 24 {
		t.Errorf("the fingerprint is %q", old[0])
	}
}

// A token for one address is not one for another that is only written alike.
func TestTokenOfSimilarAddress(t *testing.T) {
	k := keys(t, "a")
	token := k.Token(link.Confirm, 1, "\u212aim@example.org")
	if !k.Verify(token, "\u212aim@EXAMPLE.org") || k.Verify(token, "kim@example.org") {
		t.Error("the token is not for its address, or for another one")
	}
}
