package query

import (
	"fmt"
	"strconv"
	"strings"
)

// numberDigits is how many digits the numbers of criteria of the kind [Range] have, zeros in front included, so that
// texts sort as their numbers do.
const numberDigits = 15

// number is a number as facts have it.
func number(n int64) string { return fmt.Sprintf("%0*d", numberDigits, n) }

// Between is the value of an atom that asks for the numbers from one to another, both included.
func Between(from, to int64) string { return number(from) + "-" + number(to) }

// bounds is the reverse of Between; ok is false for any other text.
func bounds(text string) (from, to int64, ok bool) {
	first, last, _ := strings.Cut(text, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	to, err = strconv.ParseInt(last, 10, 64)
	return from, to, err == nil
}

// Bounds returns the numbers between which an atom asks for one, both included; ok is false for an atom that asks for a
// value.
func (a Atom) Bounds() (from, to int64, ok bool) {
	if !a.Field.isRange() {
		return 0, 0, false
	}
	return bounds(a.Value)
}

func (f Field) isRange() bool {
	c := f.Criterion()
	return c != nil && c.Kind == Range
}

// Number returns the number that a tender has of a criterion of the kind [Range]; ok is false if it has none.
func (f Facts) Number(field Field) (n int64, ok bool) {
	for _, value := range f[field] {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return n, true
		}
	}
	return 0, false
}
