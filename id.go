package vigie

import (
	"strconv"
	"strings"
)

// Kind is a sort of thing that has a global id.
type Kind string

// The things that have a global id.
const (
	KindAccount   Kind = "account"
	KindWatch     Kind = "watch"
	KindRecipient Kind = "recipient"
	KindBuyer     Kind = "buyer"
	KindTender    Kind = "tender"
	KindNotice    Kind = "notice"
	KindDelivery  Kind = "delivery"
)

// Node is anything that has a global id.
type Node interface {
	// GlobalID is its id across the API.
	GlobalID() string
}

// GlobalID names one thing across the whole API, e.g. "watch_12".
func GlobalID(kind Kind, id int64) string {
	return string(kind) + "_" + strconv.FormatInt(id, 10)
}

// ParseGlobalID is the reverse of [GlobalID]; ok is false for anything that
// GlobalID does not make.
func ParseGlobalID(s string) (kind Kind, id int64, ok bool) {
	name, digits, _ := strings.Cut(s, "_")
	id, err := strconv.ParseInt(digits, 10, 64)
	kind = Kind(name)
	if err != nil || id < 1 || GlobalID(kind, id) != s {
		return "", 0, false
	}
	switch kind {
	case KindAccount, KindWatch, KindRecipient, KindBuyer, KindTender, KindNotice, KindDelivery:
		return kind, id, true
	}
	return "", 0, false
}
