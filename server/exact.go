package main

import (
	"errors"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// exactly reads JSON that decides who may do what: members have their exact
// names, and a name that comes twice is refused. Go's own package matches names
// without case and takes the last of several.
func exactly(text []byte, into any) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	return json.Unmarshal(text, into)
}
