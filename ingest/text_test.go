package ingest_test

import (
	"testing"

	"vigie/ingest"
)

func TestWebAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"https://www.example.org/a":         "https://www.example.org/a",
		"HTTP://example.org":                "HTTP://example.org",
		"www.example.org/a?b=c":             "https://www.example.org/a?b=c",
		"www.example.org/?a=1&amp;region=2": "https://www.example.org/?a=1&region=2",
		"javascript:alert(1)":               "",
		"javascript://example.org/%0aalert": "",
		"ftp://example.org":                 "",
		"https://":                          "",
		"https://user:secret@example.org":   "",
		"https://exa\nmple.org":             "",
		"voir le profil":                    "",
	} {
		if got := ingest.WebAddress(in); got != want {
			t.Errorf("webAddress(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDocumentsChanged(t *testing.T) {
	for text, want := range map[string]bool{
		"":                               false,
		"Le DCE a été modifié.":          true,
		"Modifications apportées au DCE": true,
		"Ajout d’une pièce au dossier de consultation":                          true,
		"Nouvelle version du CCTP mise en ligne":                                true,
		"Le règlement de la consultation (RC) et le C.C.T.P. ont été complétés": true,
		"Mise à jour de l’article 3 du cahier des charges":                      true,
		"La date limite est modifiée, le DCE est sur le profil d’acheteur.":     false,
		"DCE téléchargeable en ligne, date de remise modifiée":                  false,
		"La date est reportée. Le dossier de consultation est inchangé.":        false,
		"Le DCE n’est pas modifié":                                              false,
		"Visite ajoutée le 3 décembre":                                          false,
	} {
		if got := ingest.DocumentsChanged(text); got != want {
			t.Errorf("DocumentsChanged(%q) = %v", text, got)
		}
	}
}
