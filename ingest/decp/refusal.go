package decp

import (
	"regexp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/cut"
)

// refuse is a record that could not be read, and why.
func refuse(line int, ref string, reason vigie.Text, cause error) ingest.Record {
	r := ingest.Refuse(ref, reason, cause)
	r.Line = line
	return r
}

// faultReason says what is wrong with a piece of the file.
func faultReason(f cut.Fault) vigie.Text {
	if f == cut.NotJSON || f == cut.Markup {
		return vigie.Text{
			FR: "L’enregistrement n’est pas un contrat en JSON. Vigie lit les données essentielles de la commande publique (DECP) en JSON, JSON Lines et XML.",
			EN: "This record is not a contract in JSON. Vigie reads the essential data of French public contracts (DECP) as JSON, JSON Lines and XML.",
		}
	}
	return f.Reason()
}

// Why a record is no notice.
var (
	notValid = vigie.Text{
		FR: "L’enregistrement n’est pas du JSON valide.",
		EN: "The record is not valid JSON.",
	}
	brokenXML = vigie.Text{
		FR: "Le XML est mal formé : la lecture s’est arrêtée à cet enregistrement. Tout ce qui précède a été lu.",
		EN: "The XML is not well-formed: reading stopped at this record. Everything before was read.",
	}
	otherShape = vigie.Text{
		FR: "Ce fichier ou cet enregistrement n’a aucun contrat des données essentielles de la commande publique (DECP).",
		EN: "This file or record has no contract of the essential data of French public contracts (DECP).",
	}
	noRef = vigie.Text{
		FR: "Le contrat n’a pas d’identifiant (id) lisible.",
		EN: "The contract has no readable id.",
	}
	noTitle = vigie.Text{
		FR: "Le contrat n’a pas d’objet (objet).",
		EN: "The contract has no title (objet).",
	}
	noBuyer = vigie.Text{
		FR: "Le contrat n’a ni SIRET d’acheteur valable (acheteur.id), ni nom d’acheteur.",
		EN: "The contract has neither a valid SIRET of its buyer (acheteur.id) nor the buyer's name.",
	}
	noDate = vigie.Text{
		FR: "Le contrat n’a ni date de publication (datePublicationDonnees), ni date de notification lisible.",
		EN: "The contract has neither a readable date of publication (datePublicationDonnees) nor one of notification.",
	}
)

// idIn makes out the number of a contract that cannot be read as JSON.
func idIn(data []byte) string {
	if found := idInText.FindSubmatch(data); found != nil {
		return string(found[1])
	}
	return ""
}

var idInText = regexp.MustCompile(`"id"\s*:\s*"([0-9A-Za-z_./-]{1,100})"`)
