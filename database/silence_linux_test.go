package database

import (
	"net"
	"syscall"
	"testing"
)

// TestSilence checks that the kernel limits how long PostgreSQL may be silent.
func TestSilence(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := dialer(0).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]struct{ level, name, want int }{
		"keep-alive":              {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		"seconds until the first": {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 10},
		"seconds between":         {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 5},
		"how many":                {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 3},
		"unacknowledged":          {syscall.IPPROTO_TCP, userTimeout, 25_000},
	} {
		var got int
		var optionErr error
		if err := raw.Control(func(fd uintptr) { got, optionErr = syscall.GetsockoptInt(int(fd), option.level, option.name) }); err != nil || optionErr != nil {
			t.Fatal(err, optionErr)
		}
		if got != option.want {
			t.Errorf("%s: %d, not %d", name, got, option.want)
		}
	}
}
