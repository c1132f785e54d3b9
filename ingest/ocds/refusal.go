package ocds

import (
	"regexp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/cut"
)

// refuse is a release that could not be read, and why.
func refuse(line int, ref string, reason vigie.Text, cause error) ingest.Record {
	r := ingest.Refuse(ref, reason, cause)
	r.Line = line
	return r
}

// faultReason says what is wrong with a piece of the file.
func faultReason(f cut.Fault) vigie.Text {
	switch f {
	case cut.NotJSON:
		return vigie.Text{
			FR: "L’enregistrement n’est pas en JSON. Vigie lit les fichiers JSON et JSON Lines du standard OCDS.",
			EN: "This record is not JSON. Vigie reads the JSON and JSON Lines files of the standard OCDS.",
		}
	case cut.Markup:
		return vigie.Text{
			FR: "Le fichier est en XML ou en HTML : il n’a pas été lu. Vigie lit les fichiers JSON et JSON Lines du standard OCDS.",
			EN: "The file is XML or HTML and was not read. Vigie reads the JSON and JSON Lines files of the standard OCDS.",
		}
	case cut.Whole, cut.TooLarge, cut.Broken, cut.Truncated, cut.Unclosed:
	}
	return f.Reason()
}

// Why a release is no notice.
var (
	notValid = vigie.Text{
		FR: "L’enregistrement n’est pas du JSON valide.",
		EN: "The record is not valid JSON.",
	}
	otherShape = vigie.Text{
		FR: "Cet enregistrement n’a aucun champ du standard OCDS (ocid, tag, tender).",
		EN: "This record has none of the fields of the standard OCDS (ocid, tag, tender).",
	}
	noRelease = vigie.Text{
		FR: "Cet enregistrement (record) ne contient ni avis (releases), ni avis compilé (compiledRelease).",
		EN: "This record holds neither releases nor a compiled release.",
	}
	noOCID = vigie.Text{
		FR: "L’avis n’a pas d’identifiant de procédure (ocid) lisible.",
		EN: "The release has no readable ocid.",
	}
	noRef = vigie.Text{
		FR: "L’avis n’a pas d’identifiant (id) lisible.",
		EN: "The release has no readable id.",
	}
	noDate = vigie.Text{
		FR: "L’avis n’a pas de date de publication (date) lisible.",
		EN: "The release has no readable date of publication (date).",
	}
	noTitle = vigie.Text{
		FR: "L’avis n’a pas d’objet (tender.title), et aucun avis de la même procédure lu avant lui n’en a un. Importez ensemble les fichiers de la procédure, les plus anciens d’abord.",
		EN: "The release has no title (tender.title), and no release of the same ocid read before it has one. Import the files of the procedure together, the oldest first.",
	}
	noBuyer = vigie.Text{
		FR: "L’avis ne nomme pas d’acheteur (buyer), et aucun avis de la même procédure lu avant lui n’en nomme un. Importez ensemble les fichiers de la procédure, les plus anciens d’abord.",
		EN: "The release names no buyer, and no release of the same ocid read before it names one. Import the files of the procedure together, the oldest first.",
	}
)

// idIn makes out the id of a release that cannot be read as JSON.
func idIn(data []byte) string {
	if found := idInText.FindSubmatch(data); found != nil {
		return string(found[1])
	}
	return ""
}

var idInText = regexp.MustCompile(`"ocid"\s*:\s*"([^"\\\s]{1,100})"`)
