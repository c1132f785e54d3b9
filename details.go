package vigie

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Details are what a bidder decides by, beyond what tenders are sorted by. A zero field says nothing. The business terms
// (BT) are those of the eForms (Implementing Regulation (EU) 2019/1780).
type Details struct {
	// Value is what the buyer estimates the contract at, without tax, options and renewals included (BT-27); of a
	// framework what is spent at most (BT-271).
	Value    Money    `json:",omitzero"`
	Duration Duration `json:",omitzero"`
	// Renewals is how often the contract can be renewed (BT-58).
	Renewals  int       `json:",omitempty"`
	Technique Technique `json:",omitempty"`
	// QuestionsUntil is the last moment for questions to the buyer (BT-13).
	QuestionsUntil *time.Time `json:",omitempty"`
	// DocumentsURL is where the procurement documents are (BT-15), SubmissionURL where bids go (BT-18).
	DocumentsURL  string `json:",omitempty"`
	SubmissionURL string `json:",omitempty"`
	// Places are where the contract is performed.
	Places []Place `json:",omitempty"`
	// Reserved reports whether only sheltered workshops, inclusion firms or the like may bid (BT-71); Social and
	// Environmental whether there are such conditions or objectives (BT-774, BT-775).
	Reserved      bool `json:",omitempty"`
	Social        bool `json:",omitempty"`
	Environmental bool `json:",omitempty"`
	// AwardCriteria are those of the tender, where its lots do not have their own.
	AwardCriteria []AwardCriterion `json:",omitempty"`
	// Languages are those of bids: ISO 639-1, in lower case, sorted.
	Languages []string `json:",omitempty"`
	// Awards are what became of the lots, one for each that something is known of; one with Lot "" is of the whole.
	Awards []LotAward `json:",omitempty"`
}

// over returns base with everything that d says put over it.
func (d Details) over(base Details) Details {
	over(&base.Value, d.Value)
	over(&base.Duration, d.Duration)
	over(&base.Renewals, d.Renewals)
	over(&base.Technique, d.Technique)
	over(&base.QuestionsUntil, d.QuestionsUntil)
	over(&base.DocumentsURL, d.DocumentsURL)
	over(&base.SubmissionURL, d.SubmissionURL)
	overList(&base.Places, d.Places)
	over(&base.Reserved, d.Reserved)
	over(&base.Social, d.Social)
	over(&base.Environmental, d.Environmental)
	overList(&base.AwardCriteria, d.AwardCriteria)
	overList(&base.Languages, d.Languages)
	base.Awards = mergeAwards(base.Awards, d.Awards)
	return base
}

// mergeAwards puts awards over earlier ones, lot by lot: each lot may be awarded by a notice of its own.
func mergeAwards(earlier, later []LotAward) []LotAward {
	merged := slices.Clone(earlier)
	for _, award := range later {
		i := slices.IndexFunc(merged, func(a LotAward) bool { return a.Lot == award.Lot })
		if i < 0 {
			merged = append(merged, award)
			continue
		}
		merged[i] = award
	}
	return merged
}

// Equal reports whether d and e say the same.
func (d Details) Equal(e Details) bool {
	return d.Value == e.Value && d.Duration == e.Duration && d.Renewals == e.Renewals && d.Technique == e.Technique &&
		equalTime(d.QuestionsUntil, e.QuestionsUntil) && d.DocumentsURL == e.DocumentsURL && d.SubmissionURL == e.SubmissionURL &&
		slices.Equal(d.Places, e.Places) && d.Reserved == e.Reserved && d.Social == e.Social && d.Environmental == e.Environmental &&
		slices.Equal(d.AwardCriteria, e.AwardCriteria) && slices.Equal(d.Languages, e.Languages) &&
		slices.EqualFunc(d.Awards, e.Awards, LotAward.Equal)
}

// Abroad reports whether all that is known of the place of performance is outside of France: such a tender is of no
// department, and not nationwide either.
func (c *Content) Abroad() bool {
	places := c.Details.Places
	return len(c.Departments) == 0 && len(places) > 0 && !slices.ContainsFunc(places, func(p Place) bool { return !p.Abroad() })
}

// maxLocated is how many places of lots are places of the whole.
const maxLocated = 100

// Locate fills in what places imply: where the whole has none, those of its lots; where no departments are given, those of
// its places.
func (c *Content) Locate() {
	d := &c.Details
	if len(d.Places) == 0 {
		for _, lot := range c.Lots {
			for _, p := range lot.Places {
				if len(d.Places) < maxLocated && !slices.Contains(d.Places, p) {
					d.Places = append(d.Places, p)
				}
			}
		}
	}
	if len(c.Departments) > 0 {
		return
	}
	for _, p := range d.Places {
		if p.Department != "" {
			c.Departments = append(c.Departments, p.Department)
		}
	}
	c.Departments = Sorted(c.Departments)
}

// CountryOfNUTS is the country of a code of the European regions, which has letters of its own for two of them.
func CountryOfNUTS(code string) string {
	switch code[:2] {
	case "EL":
		return "GR"
	case "UK":
		return "GB"
	}
	return code[:2]
}

// Lot is a part of a tender that can be bid for alone.
type Lot struct {
	Number      string `json:",omitempty"`
	Title       string
	Description string `json:",omitempty"`
	Value       Money  `json:",omitzero"`
	// CPVCodes are of 8 digits, sorted.
	CPVCodes []string `json:",omitempty"`
	Nature   Nature   `json:",omitempty"`
	Places   []Place  `json:",omitempty"`
	Duration Duration `json:",omitzero"`
	// Deadline is that of the lot, where the lots have different ones.
	Deadline      *time.Time       `json:",omitempty"`
	AwardCriteria []AwardCriterion `json:",omitempty"`
}

// Equal reports whether l and m say the same.
func (l Lot) Equal(m Lot) bool {
	return l.Number == m.Number && l.Title == m.Title && l.Description == m.Description && l.Value == m.Value &&
		slices.Equal(l.CPVCodes, m.CPVCodes) && l.Nature == m.Nature && slices.Equal(l.Places, m.Places) &&
		l.Duration == m.Duration && equalTime(l.Deadline, m.Deadline) && slices.Equal(l.AwardCriteria, m.AwardCriteria)
}

// Place is where a contract is performed, as far as the notice says.
type Place struct {
	Town     string `json:",omitempty"`
	Postcode string `json:",omitempty"`
	// Department is an INSEE code.
	Department string `json:",omitempty"`
	// NUTS is a code of the European regions, of 2 to 5 characters.
	NUTS string `json:",omitempty"`
	// Country is ISO 3166-1 alpha-2, "" for not said.
	Country string `json:",omitempty"`
}

// Text words a place: « Bourg-en-Bresse (01000) », « Ain (01) », « Kehl (Allemagne) ».
func (p Place) Text() Text {
	if p.Town != "" && p.Abroad() {
		return Text{"%s (%s)", "%s (%s)"}.With(p.Town, Country(p.Country))
	}
	var where Text
	switch department, _ := DepartmentByCode(p.Department); {
	case p.Town != "" && cmp.Or(p.Postcode, p.Department) != "":
		where = Same(p.Town + " (" + cmp.Or(p.Postcode, p.Department) + ")")
	case p.Town != "":
		where = Same(p.Town)
	case department.Name != "":
		where = Same(department.Name + " (" + department.Code + ")")
	default:
		where = Same(cmp.Or(p.Postcode, p.NUTS))
	}
	switch country := Country(p.Country); {
	case where == Text{}:
		return country
	case p.Abroad():
		return Text{"%s, %s", "%s, %s"}.With(where, country)
	}
	return where
}

// Technique is whether a contract stands alone or sets the terms of later ones.
type Technique string

// The techniques (BT-765, BT-766): where a notice says that it is neither a framework nor a dynamic purchasing system,
// it is a contract of its own.
const (
	OwnContract             Technique = "CONTRACT"
	FrameworkAgreement      Technique = "FRAMEWORK"
	DynamicPurchasingSystem Technique = "DYNAMIC_PURCHASING_SYSTEM"
)

// Techniques returns all of them.
func Techniques() []Technique {
	return []Technique{OwnContract, FrameworkAgreement, DynamicPurchasingSystem}
}

// Label names the technique to a person.
func (t Technique) Label() Text {
	switch t {
	case OwnContract:
		return Text{"Marché simple", "Contract"}
	case FrameworkAgreement:
		return Text{"Accord-cadre", "Framework agreement"}
	case DynamicPurchasingSystem:
		return Text{"Système d’acquisition dynamique", "Dynamic purchasing system"}
	}
	return Same(string(t))
}

// Duration is how long a contract lasts: a number of units, or days between which it runs, either of which may be
// unknown.
type Duration struct {
	Number int          `json:",omitempty"`
	Unit   DurationUnit `json:",omitempty"`
	// Start and End are days, 2026-11-30.
	Start string `json:",omitempty"`
	End   string `json:",omitempty"`
}

// DurationUnit is a unit of a duration.
type DurationUnit string

// The units.
const (
	Days   DurationUnit = "DAY"
	Weeks  DurationUnit = "WEEK"
	Months DurationUnit = "MONTH"
	Years  DurationUnit = "YEAR"
)

// count words a number of units: « 1 an », « 48 mois ».
func (u DurationUnit) count(n int) Text {
	names := map[DurationUnit][2]Text{
		Days:   {{"jour", "day"}, {"jours", "days"}},
		Weeks:  {{"semaine", "week"}, {"semaines", "weeks"}},
		Months: {{"mois", "month"}, {"mois", "months"}},
		Years:  {{"an", "year"}, {"ans", "years"}},
	}[u]
	name := names[1]
	if n == 1 {
		name = names[0]
	}
	return Text{"%d " + name.FR, "%d " + name.EN}.With(n)
}

// day words a day: 30/11/2026; what is not one stays as it is.
func day(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return t.Format("02/01/2006")
}

// DurationUnits returns all of them.
func DurationUnits() []DurationUnit { return []DurationUnit{Days, Weeks, Months, Years} }

// Text words a duration: « 48 mois », « du 01/01/2027 au 31/12/2027 »; both languages empty for the zero Duration.
func (d Duration) Text() Text {
	switch {
	case d.Number > 0:
		return d.Unit.count(d.Number)
	case d.Start != "" && d.End != "":
		return Text{"du %s au %s", "from %s to %s"}.With(day(d.Start), day(d.End))
	case d.Start != "":
		return Text{"à partir du %s", "from %s"}.With(day(d.Start))
	case d.End != "":
		return Text{"jusqu’au %s", "until %s"}.With(day(d.End))
	}
	return Text{}
}

// AwardCriterion is what bids are compared by.
type AwardCriterion struct {
	Kind AwardCriterionKind `json:",omitempty"`
	Name string             `json:",omitempty"`
	// Weight is a decimal number as text, of percent, or of points or a rank where Unit says so; "" where none is given.
	Weight string     `json:",omitempty"`
	Unit   WeightUnit `json:",omitempty"`
}

// WeightUnit is what the weight counts: percent where nothing is said.
func (c AwardCriterion) WeightUnit() WeightUnit { return cmp.Or(c.Unit, Percent) }

// Text words an award criterion: « Prix : 60 % ».
func (c AwardCriterion) Text() Text {
	name := Same(c.Name)
	if c.Name == "" {
		name = c.Kind.Label()
	}
	if c.Weight == "" {
		return name
	}
	french := strings.ReplaceAll(c.Weight, ".", ",")
	switch c.WeightUnit() {
	case Points:
		return Text{"%s : %s points", "%s: %s points"}.With(name, Text{french, c.Weight})
	case Rank:
		return Text{"%s (rang %s)", "%s (rank %s)"}.With(name, c.Weight)
	case Percent:
	}
	return Text{"%s : %s %%", "%s: %s%%"}.With(name, Text{french, c.Weight})
}

// Label names the kind to a person.
func (k AwardCriterionKind) Label() Text {
	switch k {
	case PriceCriterion:
		return Text{"Prix", "Price"}
	case CostCriterion:
		return Text{"Coût", "Cost"}
	case QualityCriterion:
		return Text{"Qualité", "Quality"}
	}
	return Same(string(k))
}

// AwardCriterionKind is a kind of award criterion (BT-539).
type AwardCriterionKind string

// The kinds of award criteria.
const (
	PriceCriterion   AwardCriterionKind = "PRICE"
	CostCriterion    AwardCriterionKind = "COST"
	QualityCriterion AwardCriterionKind = "QUALITY"
)

// WeightUnit is what the weight of an award criterion counts (BT-5421).
type WeightUnit string

// The units of weights.
const (
	Percent WeightUnit = "PERCENT"
	Points  WeightUnit = "POINTS"
	// Rank is an order of importance, 1 the first.
	Rank WeightUnit = "RANK"
)

// LotAward is what became of a lot.
type LotAward struct {
	// Lot is its number, "" where the tender has no lots or the notice speaks of all.
	Lot     string `json:",omitempty"`
	Outcome AwardOutcome
	// Reason is why there is no winner, as the notice says it in French.
	Reason  string   `json:",omitempty"`
	Winners []Winner `json:",omitempty"`
	Amount  Money    `json:",omitzero"`
	// Bids is how many were received; nil where that is not said.
	Bids *int `json:",omitempty"`
	// Day is when the winner was chosen, or the contract concluded: 2026-11-30.
	Day string `json:",omitempty"`
}

// Equal reports whether a and b say the same.
func (a LotAward) Equal(b LotAward) bool {
	return a.Lot == b.Lot && a.Outcome == b.Outcome && a.Reason == b.Reason && slices.Equal(a.Winners, b.Winners) &&
		a.Amount == b.Amount && (a.Bids == b.Bids || a.Bids != nil && b.Bids != nil && *a.Bids == *b.Bids) && a.Day == b.Day
}

// AwardOutcome is what became of a lot (BT-142).
type AwardOutcome string

// The outcomes of lots.
const (
	LotAwarded AwardOutcome = "AWARDED"
	// LotUnawarded is a lot without a winner: no bid was right, or the buyer gave it up.
	LotUnawarded AwardOutcome = "NOT_AWARDED"
)

// Winner is who gets a contract. Companies that win are published by law (Code de la commande publique, R2183-1).
type Winner struct {
	// Name is "" where a source has the SIRET alone.
	Name string `json:",omitempty"`
	// SIRET is 14 digits, "" where none is given.
	SIRET   string `json:",omitempty"`
	Town    string `json:",omitempty"`
	Country string `json:",omitempty"` // ISO 3166-1 alpha-2
}

// Label names the winner: by its SIRET where no name is known.
func (w Winner) Label() string { return cmp.Or(w.Name, w.SIRET) }
