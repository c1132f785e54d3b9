// Package link is a stand-in.
package link

type Purpose byte

const (
	Confirm Purpose = iota + 1
	LeaveWatch
	LeaveAll
	Bounce
)

type Keys struct{}

func New(secrets []string) (*Keys, error) { return &Keys{}, nil }

func (k *Keys) Token(p Purpose, id int64, address string) string { return "tok" }
