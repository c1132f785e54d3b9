package vigie

import "slices"

// overseas are the countries of ISO 3166-1 that are parts of France.
var overseas = []string{"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"}

// Abroad reports whether the place is outside of France.
func (p Place) Abroad() bool { return p.Country != "" && !slices.Contains(overseas, p.Country) }

// Country names a country of ISO 3166-1 alpha-2 to a person; one that is seldom named in notices stands for itself.
func Country(code string) Text {
	if name, ok := countries[code]; ok {
		return name
	}
	return Same(code)
}

var countries = map[string]Text{
	"AD": {"Andorre", "Andorra"}, "AT": {"Autriche", "Austria"}, "BE": {"Belgique", "Belgium"}, "BG": {"Bulgarie", "Bulgaria"},
	"CA": {"Canada", "Canada"}, "CH": {"Suisse", "Switzerland"}, "CY": {"Chypre", "Cyprus"}, "CZ": {"Tchéquie", "Czechia"},
	"DE": {"Allemagne", "Germany"}, "DK": {"Danemark", "Denmark"}, "DZ": {"Algérie", "Algeria"}, "EE": {"Estonie", "Estonia"},
	"ES": {"Espagne", "Spain"}, "FI": {"Finlande", "Finland"}, "FR": {"France", "France"}, "GB": {"Royaume-Uni", "United Kingdom"},
	"GR": {"Grèce", "Greece"}, "HR": {"Croatie", "Croatia"}, "HU": {"Hongrie", "Hungary"}, "IE": {"Irlande", "Ireland"},
	"IT": {"Italie", "Italy"}, "LT": {"Lituanie", "Lithuania"}, "LU": {"Luxembourg", "Luxembourg"}, "LV": {"Lettonie", "Latvia"},
	"MA": {"Maroc", "Morocco"}, "MC": {"Monaco", "Monaco"}, "MT": {"Malte", "Malta"}, "NL": {"Pays-Bas", "Netherlands"},
	"NO": {"Norvège", "Norway"}, "PL": {"Pologne", "Poland"}, "PT": {"Portugal", "Portugal"}, "RO": {"Roumanie", "Romania"},
	"SE": {"Suède", "Sweden"}, "SI": {"Slovénie", "Slovenia"}, "SK": {"Slovaquie", "Slovakia"}, "TN": {"Tunisie", "Tunisia"},
	"US": {"États-Unis", "United States"},
}
