package boamp

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// decided fills in what became of a lot, by its winners or a flag that says why
// there are none, and reports whether that is known.
func decided(a *vigie.LotAward, flags []string) bool {
	if len(a.Winners) > 0 {
		a.Outcome = vigie.LotAwarded
		return true
	}
	for _, flag := range flags {
		if reason, ok := withoutWinner[ingest.Letters(flag)]; ok {
			a.Outcome, a.Reason, a.Amount = vigie.LotUnawarded, reason, vigie.Money{}
			return true
		}
	}
	return false
}

// withoutWinner are the flags of lots without a winner.
var withoutWinner = map[string]string{
	"infructueux": "Infructueux : aucune offre n’a été retenue.",
	"sanssuite":   "Déclaré sans suite par l’acheteur.",
}

// euros reads an amount as French publishers write it: « 160 000,00 ». The
// currency is an attribute, on the amount or around it, or not said.
func euros(n tree.Nodes) vigie.Money {
	for _, around := range n.Each() {
		amount := around
		if value := around.Among("valeur", "VALEUR"); len(value) > 0 {
			amount = value[:1]
		}
		currency := vigie.Euro
		for _, attribute := range []string{amount.Attribute("devise"), amount.Attribute("DEVISE"), around.Attribute("devise"), around.Attribute("DEVISE")} {
			if attribute != "" {
				currency = attribute
				break
			}
		}
		digits := strings.Join(strings.Fields(strings.NewReplacer(",", ".", "€", "").Replace(amount.Raw())), "")
		if m, ok := vigie.ParseMoney(digits, currency); ok {
			return m
		}
	}
	return vigie.Money{}
}

// count is a number of at most a limit, 0 for what is none.
func count(s string, limit int) int {
	n, err := strconv.Atoi(strings.TrimSuffix(s, ".0"))
	if err != nil || n < 0 || n > limit {
		return 0
	}
	return n
}

// number is how many bids there were, nil for what is no number.
func number(s string) *int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= maxBids {
		return &n
	}
	return nil
}

const (
	// maxMonths is the longest duration, of a century.
	maxMonths = 1200
	maxBids   = 100_000
)

// dayOf is the day of a date, "" for what is none.
func dayOf(s string) string {
	s = s[:min(len(s), len(time.DateOnly))]
	if at, err := time.Parse(time.DateOnly, s); err != nil || at.Year() < 1990 {
		return ""
	}
	return s
}

// firstAddress is the first address on the web among texts.
func firstAddress(n tree.Nodes) string {
	for _, text := range n.Texts() {
		if address := ingest.WebAddress(text); address != "" {
			return address
		}
	}
	return ""
}

var (
	postcodeAndTown = regexp.MustCompile(`^(\d{5})[\s,]+(\pL[\pL '’-]{1,60})$`)
	percentage      = regexp.MustCompile(`^(?:100(?:\.0{1,2})?|\d{1,2}(?:\.\d{1,2})?)$`)
)
