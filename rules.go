package vigie

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The forms of what notices hold. Readers of sources leave out what does not have them: [Notice.Validate] refuses it.

// ValidURL reports whether s is an address of the web of at most 2,000 bytes.
func ValidURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(s) <= 2000
}

// ValidDay reports whether s is a day: 2026-11-30.
func ValidDay(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Year() >= minYear && t.Year() < 2200
}

// ValidNUTS reports whether s has the form of a code of the European regions: FR, FRK, FRK2, FRK26.
func ValidNUTS(s string) bool { return nutsForm.MatchString(s) }

// ValidCountry reports whether s has the form of a code of ISO 3166-1 alpha-2: FR.
func ValidCountry(s string) bool { return countryForm.MatchString(s) }

// ValidLanguage reports whether s has the form of a code of ISO 639-1: fr.
func ValidLanguage(s string) bool { return languageForm.MatchString(s) }

// ValidPostcode reports whether s has the form of a postcode: in France of 5 digits.
func ValidPostcode(s string, abroad bool) bool {
	if abroad {
		return foreignPostcode.MatchString(s)
	}
	return len(s) == 5 && digits(s)
}

// ValidWeight reports whether s is a weight of an award criterion: a decimal number with at most two decimals, of
// percent at most 100.
func ValidWeight(s string, unit WeightUnit) bool {
	cents, ok := parseCents(s)
	_, exact := ParseAmount(s)
	return ok && exact && (unit != Percent && unit != "" || cents <= 100_00)
}

// Valid reports whether a duration is one: a number of at most 10,000 with its unit, or none, and days of which the
// first is not after the last.
func (d Duration) Valid() bool {
	numbered := d.Number > 0 && d.Number <= 10_000 && slices.Contains(DurationUnits(), d.Unit) || d.Number == 0 && d.Unit == ""
	days := (d.Start == "" || ValidDay(d.Start)) && (d.End == "" || ValidDay(d.End)) && (d.Start == "" || d.End == "" || d.Start <= d.End)
	return numbered && days
}

// Valid reports whether an amount is one, as [ParseMoney] gives it.
func (m Money) Valid() bool {
	parsed, ok := ParseMoney(m.Amount, m.Currency)
	return m == Money{} || ok && parsed == m
}

var (
	nutsForm        = regexp.MustCompile(`^[A-Z]{2}[A-Z0-9]{0,3}$`)
	countryForm     = regexp.MustCompile(`^[A-Z]{2}$`)
	languageForm    = regexp.MustCompile(`^[a-z]{2}$`)
	foreignPostcode = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z -]{1,11}$`)
)

// checker gathers what is wrong with what a notice says.
type checker struct {
	wrong     Problems
	published time.Time
}

// expect notes a mistake at a field unless what is expected holds.
func (c *checker) expect(holds bool, text Text, field ...string) {
	if !holds {
		c.wrong.Add(Invalid, text, field...)
	}
}

// within is the path of a field of one of several things.
func within(list string, i int, field ...string) []string {
	return append([]string{list, strconv.Itoa(i)}, field...)
}

func (c *checker) content(content *Content) {
	c.deadline(content.Deadline, "Deadline")
	c.expect(content.URL == "" || ValidURL(content.URL), invalidURL(), "URL")
	for i, lot := range content.Lots {
		path := func(field ...string) []string { return within("Lots", i, field...) }
		c.deadline(lot.Deadline, path("Deadline")...)
		c.expect(lot.Value.Valid(), InvalidMoney(), path("Value")...)
		c.expect(lot.Duration.Valid(), invalidDuration(), path("Duration")...)
		c.places(lot.Places, path()...)
		c.awardCriteria(lot.AwardCriteria, path()...)
	}
	c.details(&content.Details)
}

func (c *checker) details(d *Details) {
	c.expect(d.Value.Valid(), InvalidMoney(), "Value")
	c.expect(d.Duration.Valid(), invalidDuration(), "Duration")
	c.expect(d.Renewals >= 0 && d.Renewals <= 100, Text{
		FR: "Le nombre de reconductions doit être compris entre 0 et 100.",
		EN: "The number of renewals must be from 0 to 100.",
	}, "Renewals")
	c.deadline(d.QuestionsUntil, "QuestionsUntil")
	c.expect(d.DocumentsURL == "" || ValidURL(d.DocumentsURL), invalidURL(), "DocumentsURL")
	c.expect(d.SubmissionURL == "" || ValidURL(d.SubmissionURL), invalidURL(), "SubmissionURL")
	c.places(d.Places)
	c.awardCriteria(d.AwardCriteria)
	for i, language := range d.Languages {
		c.expect(ValidLanguage(language), Text{
			FR: "« %s » n’est pas le code d’une langue en deux lettres minuscules, comme fr.",
			EN: "“%s” is not the code of a language in two lower-case letters, such as fr.",
		}.With(language), within("Languages", i)...)
	}
	for i, award := range d.Awards {
		c.award(award, i)
	}
}

func (c *checker) deadline(deadline *time.Time, field ...string) {
	c.expect(deadline == nil || PlausibleDeadline(*deadline, c.published), Text{
		FR: "Cette date limite est impossible : elle est avant 1900, ou plus de 20 ans après la publication. Vérifiez l’année.",
		EN: "This deadline is impossible: it is before 1900, or more than 20 years after publication. Check the year.",
	}, field...)
}

func (c *checker) places(places []Place, path ...string) {
	for i, p := range places {
		here := func(field ...string) []string { return append(slices.Clone(path), within("Places", i, field...)...) }
		c.expect(p != Place{}, Text{
			FR: "Indiquez au moins la ville, le code postal, le département, le code NUTS ou le pays de ce lieu.",
			EN: "Give at least the town, the postcode, the department, the NUTS code or the country of this place.",
		}, here()...)
		c.expect(p.Postcode == "" || ValidPostcode(p.Postcode, p.Abroad()), Text{
			FR: "Ce code postal n’est pas valable : en France, il a 5 chiffres.",
			EN: "This postcode is not valid: in France, it has 5 digits.",
		}, here("Postcode")...)
		_, known := DepartmentByCode(p.Department)
		c.expect(p.Department == "" || known, Text{
			FR: "Il n’existe pas de département « %s ». Indiquez un code comme 01, 2A ou 971.",
			EN: "There is no department “%s”. Give a code such as 01, 2A or 971.",
		}.With(p.Department), here("Department")...)
		c.expect(p.NUTS == "" || ValidNUTS(p.NUTS), Text{
			FR: "« %s » n’est pas un code NUTS, comme FRK26.",
			EN: "“%s” is not a NUTS code, such as FRK26.",
		}.With(p.NUTS), here("NUTS")...)
		c.expect(p.Country == "" || ValidCountry(p.Country), invalidCountry(p.Country), here("Country")...)
	}
}

func (c *checker) awardCriteria(criteria []AwardCriterion, path ...string) {
	for i, criterion := range criteria {
		here := func(field ...string) []string {
			return append(slices.Clone(path), within("AwardCriteria", i, field...)...)
		}
		c.expect(criterion.Kind != "" || criterion.Name != "", Text{
			FR: "Indiquez le type ou le nom de ce critère d’attribution.",
			EN: "Give the kind or the name of this award criterion.",
		}, here()...)
		c.expect(criterion.Weight == "" || ValidWeight(criterion.Weight, criterion.Unit), Text{
			FR: "Cette pondération n’est pas valable : c’est un nombre positif avec 2 chiffres au plus après le point, de 100 au plus s’il s’agit de pour cent.",
			EN: "This weight is not valid: it is a positive number with at most 2 digits after the point, of at most 100 if it is of percent.",
		}, here("Weight")...)
	}
}

func (c *checker) award(award LotAward, i int) {
	c.expect(award.Amount.Valid(), InvalidMoney(), within("Awards", i, "Amount")...)
	c.expect(award.Bids == nil || *award.Bids >= 0 && *award.Bids <= 100_000, Text{
		FR: "Le nombre d’offres doit être compris entre 0 et 100 000.",
		EN: "The number of bids must be from 0 to 100,000.",
	}, within("Awards", i, "Bids")...)
	c.expect(award.Day == "" || ValidDay(award.Day), invalidDay(), within("Awards", i, "Day")...)
	for j, winner := range award.Winners {
		here := func(field string) []string { return within("Awards", i, "Winners", strconv.Itoa(j), field) }
		c.expect(winner.Label() != "", Text{FR: "Indiquez le nom du titulaire.", EN: "Give the name of the winner."}, here("Name")...)
		c.expect(winner.SIRET == "" || ValidSIRET(winner.SIRET), InvalidSIRET(), here("SIRET")...)
		c.expect(winner.Country == "" || ValidCountry(winner.Country), invalidCountry(winner.Country), here("Country")...)
	}
}

// InvalidMoney says that an amount is not one.
func InvalidMoney() Text {
	return Text{
		FR: "Ce montant n’est pas valable : un nombre supérieur à 1, avec 13 chiffres au plus avant le point et 2 après, et une devise en trois lettres majuscules, comme EUR.",
		EN: "This amount is not valid: a number above 1, with at most 13 digits before the point and 2 after, and a currency in three capital letters, such as EUR.",
	}
}

func invalidURL() Text {
	return Text{
		FR: "Cette adresse web n’est pas valable : elle doit commencer par http:// ou https://.",
		EN: "This web address is not valid: it must begin with http:// or https://.",
	}
}

func invalidDuration() Text {
	return Text{
		FR: "Cette durée n’est pas valable : un nombre de 1 à 10 000 avec son unité, ou des jours comme 2026-11-30, dont le premier ne suit pas le dernier.",
		EN: "This duration is not valid: a number from 1 to 10,000 with its unit, or days such as 2026-11-30, of which the first is not after the last.",
	}
}

func invalidDay() Text {
	return Text{FR: "Cette date n’est pas valable. Écrivez-la comme 2026-11-30.", EN: "This day is not valid. Write it as 2026-11-30."}
}

func invalidCountry(code string) Text {
	return Text{
		FR: "« %s » n’est pas le code d’un pays en deux lettres majuscules, comme FR.",
		EN: "“%s” is not the code of a country in two capital letters, such as FR.",
	}.With(code)
}
