package ted

import (
	"vigie"
	"vigie/ingest/tree"
)

// Why a file is no notice.
var (
	notXML = vigie.Text{
		FR: "Le fichier n’est pas du XML. Vigie lit les avis de TED en XML (eForms), seuls ou en archives .tar.gz.",
		EN: "The file is not XML. Vigie reads TED's notices in XML (eForms), alone or in .tar.gz archives.",
	}
	broken = vigie.Text{
		FR: "Le XML n’est pas valide, ou il est incomplet : téléchargez de nouveau le fichier.",
		EN: "The XML is not valid, or not complete: download the file again.",
	}
	hasDoctype = vigie.Text{
		FR: "Le document a un DOCTYPE : les avis de TED n’en ont pas, et il n’a pas été lu.",
		EN: "The document has a DOCTYPE, which TED's notices do not have: it was not read.",
	}
	tooDeep = vigie.Text{
		FR: "Les éléments du document sont trop imbriqués pour un avis : il n’a pas été lu.",
		EN: "The document's elements are nested too deeply for a notice: it was not read.",
	}
	notFile = vigie.Text{
		FR: "Cette entrée de l’archive n’est pas un fichier (c’est un lien, par exemple) : elle n’a pas été lue.",
		EN: "This entry of the archive is not a file (but a link, say): it was not read.",
	}
	oldSchema = vigie.Text{
		FR: "L’avis est dans l’ancien format de TED (TED_EXPORT), d’avant les eForms : il n’a pas été lu.",
		EN: "The notice is in TED's former format (TED_EXPORT), from before the eForms: it was not read.",
	}
	notNotice = vigie.Text{
		FR: "Le document n’est pas un avis eForms : son élément principal est « %s ».",
		EN: "The document is not a notice in eForms: its root element is “%s”.",
	}
	notProcurement = vigie.Text{
		FR: "L’avis porte sur une société ou un groupement européen, et non sur un marché.",
		EN: "The notice is about a European company or grouping, not a contract.",
	}
	noNumber = vigie.Text{
		FR: "L’avis n’a pas de numéro de publication lisible (123456-2026).",
		EN: "The notice has no readable publication number (123456-2026).",
	}
	noTitle = vigie.Text{
		FR: "L’avis n’a pas de titre.",
		EN: "The notice has no title.",
	}
	noBuyer = vigie.Text{
		FR: "L’avis ne nomme pas d’acheteur.",
		EN: "The notice names no buyer.",
	}
	noDate = vigie.Text{
		FR: "L’avis n’a pas de date de publication lisible.",
		EN: "The notice has no readable date of publication.",
	}
)

// tooLarge is more than a notice has.
func tooLarge() vigie.Text {
	return vigie.Text{
		FR: "Le document dépasse %d Mio, ou a trop d’éléments pour un avis : il n’a pas été lu.",
		EN: "The document is larger than %d MiB, or has too many elements for a notice: it was not read.",
	}.With(tree.MaxSize >> 20)
}
