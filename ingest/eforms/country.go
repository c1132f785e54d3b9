package eforms

import (
	"strings"
	"time"

	"golang.org/x/text/language"

	"vigie"
)

// country is the code of two letters of a country's of three, "" for what is none.
func country(code string) string {
	if code == "1A0" { // Kosovo, in the code lists of the Publications Office
		return "XK"
	}
	region, err := language.ParseRegion(strings.TrimSpace(code))
	if err != nil || !region.IsCountry() {
		return ""
	}
	return region.Canonicalize().String()
}

// countryOfNUTS is the country of a code of the European regions, "" for what is none.
func countryOfNUTS(code string) string { return country(vigie.CountryOfNUTS(code)) }

// isoLanguage is the code of two letters of a language's of three, in lower case; "" for what is none.
func isoLanguage(code string) string {
	base, err := language.ParseBase(strings.ToLower(strings.TrimSpace(code)))
	if err != nil {
		return ""
	}
	return base.String()
}

// zoneOf is the time zone of a country's capital; nil for a country that is not named here. Notices of the French
// overseas are in the time of Paris, as all are that BOAMP has.
func zoneOf(country string) *time.Location {
	if place := (vigie.Place{Country: country}); country != "" && !place.Abroad() {
		return vigie.Paris()
	}
	name, ok := zones[country]
	if !ok {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// zones are those of the capitals of the countries that publish at TED: of the European Union, of the European Economic
// Area, and of those around them.
var zones = map[string]string{
	"AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CY": "Asia/Nicosia", "CZ": "Europe/Prague",
	"DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid", "FI": "Europe/Helsinki",
	"GR": "Europe/Athens", "HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome",
	"LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MT": "Europe/Malta", "NL": "Europe/Amsterdam",
	"PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana",
	"SK": "Europe/Bratislava",
	"IS": "Atlantic/Reykjavik", "LI": "Europe/Vaduz", "NO": "Europe/Oslo", "CH": "Europe/Zurich", "GB": "Europe/London",
	"AL": "Europe/Tirane", "BA": "Europe/Sarajevo", "GE": "Asia/Tbilisi", "MD": "Europe/Chisinau", "ME": "Europe/Podgorica",
	"MK": "Europe/Skopje", "RS": "Europe/Belgrade", "TR": "Europe/Istanbul", "UA": "Europe/Kyiv", "XK": "Europe/Belgrade",
}
