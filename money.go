package vigie

import (
	"strconv"
	"strings"
)

// Money is an amount in a currency. Amounts are decimal numbers as text, for a float is not exact.
type Money struct {
	// Amount has no leading zeros, and two decimals or none: "120000", "99.50".
	Amount string
	// Currency is of ISO 4217.
	Currency string
}

// Euro is the currency in which amounts are compared.
const Euro = "EUR"

// ParseMoney reads an amount as sources write it, with a point, and the code of its currency. Parts of a cent are rounded
// half up. It reports false for what is no amount above 1, which stands for « not said » in many notices, or has more
// than 13 digits before the point.
func ParseMoney(amount, currency string) (Money, bool) {
	cents, ok := parseCents(strings.TrimSpace(amount))
	currency = strings.ToUpper(strings.TrimSpace(currency))
	if !ok || cents <= 100 || cents > MaxCents || len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Money{}, false
	}
	return Money{formatCents(cents), currency}, true
}

// Euros returns an amount of hundredths of euros.
func Euros(cents int64) Money { return Money{formatCents(cents), Euro} }

// MaxCents is the largest amount, of 13 digits before the point.
const MaxCents = 1e15 - 1

// Text words the amount: « 120 000 € », “120,000 EUR”; both languages empty for the zero Money.
func (m Money) Text() Text {
	if m == (Money{}) {
		return Text{}
	}
	whole, part, _ := strings.Cut(m.Amount, ".")
	fr, en := grouped(whole, " "), grouped(whole, ",")
	if part != "" {
		fr, en = fr+","+part, en+"."+part
	}
	sign := m.Currency
	if sign == Euro {
		sign = "€"
	}
	return Text{fr + " " + sign, en + " " + m.Currency}
}

// Cents returns the amount in hundredths of its currency; the zero Money has none.
func (m Money) Cents() (cents int64, ok bool) {
	if m == (Money{}) {
		return 0, false
	}
	return parseCents(m.Amount)
}

// EuroCents is [Money.Cents] of an amount in euros; others are not compared.
func (m Money) EuroCents() (cents int64, ok bool) {
	if m.Currency != Euro {
		return 0, false
	}
	return m.Cents()
}

// parseCents reads a decimal number as hundredths.
func parseCents(amount string) (cents int64, ok bool) {
	whole, fraction, _ := strings.Cut(amount, ".")
	if len(whole) > 13 || !digits(whole) || whole == "" || fraction != "" && !digits(fraction) {
		return 0, false
	}
	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	fraction = (fraction + "000")[:3]
	thousandths, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil {
		return 0, false
	}
	return units*100 + (thousandths+5)/10, true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// formatCents is the reverse of parseCents.
func formatCents(cents int64) string {
	amount := strconv.FormatInt(cents/100, 10)
	if part := cents % 100; part != 0 {
		amount += "." + strconv.FormatInt(100+part, 10)[1:]
	}
	return amount
}

// ParseAmount reads an amount that a person or a program gives as a bound: digits with a point, and at most two decimals.
func ParseAmount(s string) (amount string, ok bool) {
	cents, ok := parseCents(s)
	if _, fraction, _ := strings.Cut(s, "."); !ok || len(fraction) > 2 {
		return "", false
	}
	return formatCents(cents), true
}

// grouped sets a separator between thousands.
func grouped(digits, separator string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return digits
}
