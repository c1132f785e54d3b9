package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// errAddress is why no connection is made.
var errAddress = errors.New("not an address for webhooks")

// guard decides where connections may go. It is asked for each one, after the name was resolved and before the first
// packet leaves; so it does not matter what the name led to before.
type guard struct {
	networks []netip.Prefix
	// plain is whether the connection has no TLS: only the networks that were named may be spoken to so.
	plain bool
}

// control is for [net.Dialer.Control].
func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(to) {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	return nil
}

// allows reports whether a connection to an address may be made.
func (g guard) allows(to netip.AddrPort) bool {
	addr := plainForm(to.Addr())
	if !addr.IsValid() || !allowedPort(to.Port()) {
		return false
	}
	named := slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(addr) })
	return named || !g.plain && public(addr)
}

// allowedPort: those of HTTP, and those that any user of a machine can listen at. Below 1024 are other services, such as
// mail's, that could take a request for one of their own.
func allowedPort(port uint16) bool { return port == 80 || port == 443 || port >= 1024 }

// plainForm is the IPv4 address that an IPv6 address stands for, by mapping (RFC 4291 §2.5.5.2) or by the translation
// between both worlds (NAT64, RFC 6052); else the address itself.
func plainForm(a netip.Addr) netip.Addr {
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.Unmap()
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public reports whether an address is of one host on the public internet. The ranges are those that IANA's registries
// of special addresses (RFC 6890) do not call globally reachable, with few others.
func public(a netip.Addr) bool {
	special := special4
	if a.Is6() {
		// All that is allocated so far; so neither local addresses nor those of one network (fc00::/7), nor multicast.
		if !global6.Contains(a) {
			return false
		}
		special = special6
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

var (
	global6  = netip.MustParsePrefix("2000::/3")
	special4 = prefixes(
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // shared by a provider's customers (CGNAT)
		"127.0.0.0/8",     // this host
		"169.254.0.0/16",  // of the link; metadata of clouds at 169.254.169.254
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // of protocols; metadata of a cloud at 192.0.0.192
		"192.0.2.0/24",    // for documentation
		"192.31.196.0/24", // AS112, which answers no HTTP
		"192.52.193.0/24", // AMT
		"192.88.99.0/24",  // relays of 6to4
		"192.168.0.0/16",  // private
		"192.175.48.0/24", // AS112
		"198.18.0.0/15",   // for measurements
		"198.51.100.0/24", // for documentation
		"203.0.113.0/24",  // for documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast

		"168.63.129.16/32", // public, but within a cloud (Azure) the host of the machine
	)
	special6 = prefixes(
		"2001::/23",         // of protocols, Teredo among them
		"2001:db8::/32",     // for documentation
		"2002::/16",         // 6to4, which leads to IPv4 addresses of all kinds
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // for documentation
	)
)

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, p := range list {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}
