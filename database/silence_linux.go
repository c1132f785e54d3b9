package database

import (
	"errors"
	"strings"
	"syscall"
)

// userTimeout is TCP_USER_TIMEOUT of tcp(7), in milliseconds; package syscall
// has no name for it.
const userTimeout = 0x12

// limitSilence breaks a connection when what was sent over it is not acknowledged: Linux by itself would try for a
// quarter of an hour.
func limitSilence(network, _ string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	failed := conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(silenceLimit.Milliseconds()))
	})
	return errors.Join(failed, err)
}
