package boamp

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
	switch f {
	case cut.NotJSON:
		return vigie.Text{
			FR: "L’enregistrement n’est pas un avis en JSON. Vigie lit les exports JSON et JSON Lines du jeu « boamp » d’Opendatasoft.",
			EN: "This record is not a notice in JSON. Vigie reads the JSON and JSON Lines exports of Opendatasoft's dataset “boamp”.",
		}
	case cut.Markup:
		return vigie.Text{
			FR: "Le fichier est en XML ou en HTML : il n’a pas été lu. Vigie lit les exports JSON et JSON Lines du jeu « boamp » d’Opendatasoft.",
			EN: "The file is XML or HTML and was not read. Vigie reads the JSON and JSON Lines exports of Opendatasoft's dataset “boamp”.",
		}
	case cut.Whole, cut.TooLarge, cut.Broken, cut.Truncated, cut.Unclosed:
	}
	return f.Reason()
}

// Why a record is no notice.
var (
	notValid = vigie.Text{
		FR: "L’enregistrement n’est pas du JSON valide.",
		EN: "The record is not valid JSON.",
	}
	oldShape = vigie.Text{
		FR: "L’enregistrement vient de l’ancienne API api.dila.fr (v230) : il n’a pas été lu. Vigie lit les exports du jeu « boamp » d’Opendatasoft.",
		EN: "The record is of the former API api.dila.fr (v230) and was not read. Vigie reads the exports of Opendatasoft's dataset “boamp”.",
	}
	otherShape = vigie.Text{
		FR: "Cet enregistrement n’a aucun champ du BOAMP. Vigie lit les exports du jeu de données « boamp » d’Opendatasoft.",
		EN: "This record has none of BOAMP's fields. Vigie reads the exports of Opendatasoft's dataset “boamp”.",
	}
	wrongType = vigie.Text{
		FR: "Le champ « %s » n’a pas le type attendu.",
		EN: "The field “%s” is not of the type expected.",
	}
	noRef = vigie.Text{
		FR: "L’avis n’a pas de numéro (idweb) lisible.",
		EN: "The notice has no readable number (idweb).",
	}
	noTitle = vigie.Text{
		FR: "L’avis n’a pas d’objet (objet).",
		EN: "The notice has no title (objet).",
	}
	noBuyer = vigie.Text{
		FR: "L’avis ne nomme pas d’acheteur (nomacheteur).",
		EN: "The notice names no buyer (nomacheteur).",
	}
	noDepartment = vigie.Text{
		FR: "« %s » (code_departement) n’est pas un département. Sans lui, l’avis passerait pour national.",
		EN: "“%s” (code_departement) is not a department. Without it, the notice would count as nationwide.",
	}
	noDate = vigie.Text{
		FR: "L’avis n’a pas de date de parution (dateparution) lisible.",
		EN: "The notice has no readable date of publication (dateparution).",
	}
)

// refIn makes out the number of a notice that cannot be read as JSON.
func refIn(data []byte) string {
	if found := refInText.FindSubmatch(data); found != nil {
		return string(found[1])
	}
	return ""
}

var refInText = regexp.MustCompile(`"idweb"\s*:\s*"([0-9A-Za-z_-]{1,100})"`)
