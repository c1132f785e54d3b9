package vigie

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is a sort of thing that has an id.
type Kind string

// The things that have an id.
const (
	KindAccount   Kind = "account"
	KindWatch     Kind = "watch"
	KindRecipient Kind = "recipient"
	KindBuyer     Kind = "buyer"
	KindTender    Kind = "tender"
	KindNotice    Kind = "notice"
	KindDelivery  Kind = "delivery"
	KindMail      Kind = "mail"
	KindWebhook   Kind = "webhook"
	// KindDepartment is numbered by [Department.Number].
	KindDepartment Kind = "department"
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{KindAccount, KindWatch, KindRecipient, KindBuyer, KindTender, KindNotice, KindDelivery, KindMail, KindWebhook, KindDepartment}
}

// Node is anything that the API gives by its id.
type Node interface {
	// GlobalID is its name within the server, see [GlobalID].
	GlobalID() string
}

// GlobalID names one thing among all, e.g. "watch_12", within the server: in the
// search index, in logs. Numbers count what all accounts do, so clients get the
// ids of package opaque; earlier versions gave out these.
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
	if !slices.Contains(Kinds(), kind) {
		return "", 0, false
	}
	return kind, id, true
}
