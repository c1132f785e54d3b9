package decp

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// contract is a marché or a concession. Its fields have small letters, and
// underlines for the points of the data sets: « acheteur.id » is there as
// acheteur with an id, or as acheteur_id.
type contract struct{ fields tree.Nodes }

// lowered is a value with such names.
func lowered(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = lowered(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, value := range v {
			object[strings.ReplaceAll(strings.ToLower(name), ".", "_")] = lowered(value)
		}
		return object
	}
	return v
}

// text is the first text that says something at one of the paths. « CDL » and the
// others stand for a field without a value.
func (c contract) text(paths ...string) string {
	for _, path := range paths {
		for _, text := range c.fields.At(path).Texts() {
			text = tree.Clean(text)
			switch strings.ToUpper(text) {
			case "", "CDL", "INX", "NC", "MQ", "NAN", "NULL", "NONE":
			default:
				return text
			}
		}
	}
	return ""
}

// notices makes a notice of the contract, and one of each modification, or
// returns why it is not one.
func (c contract) notices() ([]*vigie.Notice, vigie.Text) {
	buyer, number := c.buyer()
	id := strings.Join(strings.Fields(c.text("id")), "_")
	ref := number + "-" + id
	day := cmp.Or(c.day("datenotification"), c.day("datesignature"))
	published := c.published(day, "datepublicationdonnees")
	n := &vigie.Notice{
		Source: Source, SourceRef: ref, Kind: vigie.Award, PublishedAt: published, Buyer: buyer,
		Content: vigie.Content{
			Reference: id,
			Title:     c.text("objet"),
			Natures:   c.natures(),
			Procedure: procedure(c.text("procedure")),
			CPVCodes:  c.cpv(),
			Details: vigie.Details{
				Duration:      c.duration(),
				Technique:     c.technique(),
				Reserved:      c.considers("considerationssociales", "reserve"),
				Social:        c.considers("considerationssociales", "clausesociale", "criteresocial"),
				Environmental: c.considers("considerationsenvironnementales", "clauseenvironnementale", "critereenvironnemental"),
				Awards: []vigie.LotAward{{
					Outcome: vigie.LotAwarded, Winners: c.winners(), Amount: amount(c.text("montant", "valeurglobale")), Bids: c.bids(), Day: day,
				}},
			},
		},
	}
	c.place(&n.Content)
	switch {
	case id == "" && len(c.fields.Among("objet", "acheteur", "acheteur_id", "autoriteconcedante", "titulaires", "concessionnaires")) == 0:
		return nil, otherShape
	case id == "" || !refShape.MatchString(ref):
		return nil, noRef
	case n.Content.Title == "":
		return nil, noTitle
	case buyer.Name == "" && buyer.SIRET == "":
		return nil, noBuyer
	case published.IsZero():
		return nil, noDate
	}
	ingest.Bound(n)
	return append([]*vigie.Notice{n}, c.modifications(n)...), vigie.Text{}
}

// refShape is what a number may be made of.
var refShape = regexp.MustCompile(`^[^\s\pC]{1,100}$`)

// buyer is who buys, by its SIRET: names are seldom there. It returns the number
// as it is given, too, which tells contracts of two buyers apart also where it is
// not valid.
func (c contract) buyer() (b vigie.BuyerName, number string) {
	number = siret(c.text("acheteur_id", "acheteur.id", "autoriteconcedante_id", "autoriteconcedante.id", "idacheteur"))
	b.Name = c.text("acheteur_nom", "acheteur.nom", "acheteur_libelle", "autoriteconcedante_nom", "autoriteconcedante.nom", "nomacheteur")
	if vigie.ValidSIRET(number) {
		b.SIRET = number
	}
	return b, number
}

// siret is a SIRET as it should be written: files that had it as a number lost
// the zeros that it starts with.
func siret(number string) string {
	number = strings.TrimSuffix(strings.Join(strings.Fields(number), ""), ".0")
	if padded := "00000000000000"[:max(0, 14-len(number))] + number; len(number) > 10 && vigie.ValidSIRET(padded) {
		return padded
	}
	return number
}

// day is a day as 2026-11-30, "" where there is none.
func (c contract) day(path string) string {
	s := c.text(path)
	s = s[:min(len(s), len(time.DateOnly))]
	if at, err := time.Parse(time.DateOnly, s); err != nil || at.Year() < 1900 || at.Year() > 2200 {
		return ""
	}
	return s
}

// published is when the data were published; where that is not said, or was
// before there were such data, when the contract was concluded.
func (c contract) published(concluded, path string) time.Time {
	day := c.day(path)
	if day < firstPublished {
		day = max(day, concluded)
	}
	at, _ := ingest.PublicationDay(day)
	return at
}

// firstPublished is a day before the first essential data, which buyers had to
// publish from October 2018 on.
const firstPublished = "2017-01-01"

// cpv is the code of what is bought. Files that had it as a number lost the zero
// that it starts with.
func (c contract) cpv() []string {
	code, _, _ := strings.Cut(c.text("codecpv"), "-")
	code = strings.TrimSuffix(code, ".0")
	if len(code) == 7 && vigie.CPVLabel("0"+code) != "" {
		code = "0" + code
	}
	return ingest.CPVIn([]string{code})
}

// natures tells what is bought: of a concession by its nature, else by the
// division of the code. Divisions 45 and 50 on are works and services (Regulation
// (EC) 213/2008), the others supplies.
func (c contract) natures() []vigie.Nature {
	switch nature := ingest.Letters(c.text("nature")); {
	case nature == "concessiondetravaux":
		return []vigie.Nature{vigie.Works}
	case strings.HasPrefix(nature, "concessiondeservice"), strings.HasPrefix(nature, "delegationdeservice"):
		return []vigie.Nature{vigie.Services}
	}
	codes := c.cpv()
	switch {
	case len(codes) == 0:
		return nil
	case codes[0] < "45":
		return []vigie.Nature{vigie.Supplies}
	case codes[0] < "46":
		return []vigie.Nature{vigie.Works}
	case codes[0] < "50":
		return []vigie.Nature{vigie.Supplies}
	}
	return []vigie.Nature{vigie.Services}
}

// procedure tells how the buyer chose.
func procedure(name string) vigie.Procedure {
	switch name = ingest.Letters(name); {
	case name == "":
		return ""
	case strings.Contains(name, "adaptee"), name == "mapa":
		return vigie.Adapted
	case strings.Contains(name, "dialogue"):
		return vigie.CompetitiveDialogue
	case strings.Contains(name, "sanspublicite"):
		return vigie.OtherProcedure
	case strings.Contains(name, "avecnegociation"), strings.HasPrefix(name, "procedurenegociee"):
		return vigie.Negotiated
	case strings.HasSuffix(name, "ouvert"), strings.HasSuffix(name, "ouverte"):
		return vigie.OpenProcedure
	case strings.HasSuffix(name, "restreint"), strings.HasSuffix(name, "restreinte"):
		return vigie.Restricted
	}
	return vigie.OtherProcedure
}

// technique tells whether the contract sets the terms of others; that of 2019
// says it by its nature.
func (c contract) technique() vigie.Technique {
	names := ingest.Letters(strings.Join(append(c.fields.Among("techniques", "techniques.technique").Texts(), c.text("nature")), " "))
	switch {
	case strings.Contains(names, "systemedacquisitiondynamique"):
		return vigie.DynamicPurchasingSystem
	case strings.Contains(names, "accordcadre"):
		return vigie.FrameworkAgreement
	case strings.Contains(names, "sansobjet"):
		return vigie.OwnContract
	}
	return ""
}

// considers reports whether one of the considerations of a kind is named.
func (c contract) considers(kind string, names ...string) bool {
	singular := strings.ReplaceAll(kind, "considerations", "consideration")
	singular = strings.TrimSuffix(singular, "s")
	said := ingest.Letters(strings.Join(c.fields.Among(kind, kind+"."+singular).Texts(), " "))
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(said, name) })
}

// duration is how long the contract lasts, in months.
func (c contract) duration() vigie.Duration {
	const longest = 1200
	d := vigie.Duration{Start: c.day("datedebutexecution")}
	if months := number(c.text("dureemois")); months > 0 && months <= longest {
		d.Number, d.Unit = months, vigie.Months
	}
	return d
}

// bids is how many were received; none where there is a winner is not meant.
func (c contract) bids() *int {
	const most = 10_000
	if count := number(c.text("offresrecues")); count > 0 && count <= most {
		return &count
	}
	return nil
}

// number is a whole number, 0 for anything else.
func number(s string) int {
	s, _, _ = strings.Cut(s, ".")
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// amount reads an amount in euros, without tax.
func amount(s string) vigie.Money {
	if strings.ContainsAny(s, "eE") {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			s = strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	m, _ := vigie.ParseMoney(s, vigie.Euro)
	return m
}

// winners are who has the contract, with their names where those are given.
func (c contract) winners() []vigie.Winner {
	var list []vigie.Winner
	add := func(w contract, id, kind, name string) {
		if w.text(id, name) == "" {
			return
		}
		winner := vigie.Winner{Name: w.text(name), SIRET: siret(w.text(id))}
		if !vigie.ValidSIRET(winner.SIRET) {
			// The number of a company abroad, or overseas, is all that is known of it.
			if of := ingest.Letters(w.text(kind)); winner.Name == "" && of != "siret" && of != "" {
				winner.Name = w.text(id)
				if !strings.Contains(winner.Name, " ") { // some have a name there
					winner.Name = w.text(kind) + " " + winner.Name
				}
			}
			winner.SIRET = ""
		}
		if winner != (vigie.Winner{}) && !slices.Contains(list, winner) {
			list = append(list, winner)
		}
	}
	for _, holder := range elements(c.fields, "titulaires", "titulaire") {
		add(contract{holder}, "id", "typeidentifiant", "denominationsociale")
	}
	for _, holder := range elements(c.fields, "concessionnaires", "concessionnaire") {
		add(contract{holder}, "id", "typeidentifiant", "denominationsociale")
	}
	for i := 1; i <= 3; i++ {
		n := "_" + strconv.Itoa(i)
		add(c, "titulaire_id"+n, "titulaire_typeidentifiant"+n, "titulaire_denominationsociale"+n)
	}
	return list
}

// elements are those of a list, each of which may be in an object of its own:
// [{"titulaire": {…}}], as in XML.
func elements(n tree.Nodes, list, element string) []tree.Nodes {
	var found []tree.Nodes
	for _, e := range n.At(list).Each() {
		if inner := e.At(element); len(inner) > 0 {
			found = append(found, inner.Each()...)
			continue
		}
		found = append(found, e)
	}
	return found
}
