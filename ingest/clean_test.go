package ingest_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"vigie/ingest"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"Travaux de voirie", "Travaux de voirie"},
		{"  Travaux\n de\t voirie ", "Travaux de voirie"},
		{"Lot\u00a01\u202f: voirie\u2028suite", "Lot 1 : voirie suite"},

		// Entities.
		{"MAITRISE D'&#140;UVRE", "MAITRISE D'ŒUVRE"},
		{"d&#146;eau, 5 &#x80;", "d’eau, 5 €"},
		{"Communaut&eacute; d&#039;agglom&eacute;ration", "Communauté d'agglomération"},
		{"fruits &amp; légumes", "fruits & légumes"},
		{"&amp;quot;clos couvert&amp;quot;", "\"clos couvert\""},
		{"&nbsp;voirie&nbsp;: &laquo;&nbsp;A&nbsp;&raquo;", "voirie : « A »"},
		{"R&D, H&M;, exploitation&notation, &notit; &inconnu;", "R&D, H&M;, exploitation&notation, &notit; &inconnu;"},
		{"&#0;&#7;a", "\ufffda"},
		{"&#55296;&#9999999;", "\ufffd\ufffd"},

		// Markup, and what only looks like it.
		{"<p>Réfection</p><p>de la <b>toi</b>ture</p>", "Réfection de la toiture"},
		{"ligne<br/>suivante<BR>encore", "ligne suivante encore"},
		{"10 m<sup>2</sup>", "10 m2"},
		{"&lt;strong&gt;urgent&lt;/strong&gt;", "urgent"},
		{"<a href=\"https://www.example.org\" target='_blank'>ici</a>", "ici"},
		{"a<!-- rien -->b <![CDATA[c]]>", "a b c"},
		{"a<!-- un\ncommentaire > long -->b", "a b"},
		{"<style>p { color: red }</style><p>Voirie</p>", "Voirie"},
		{"<script>alert('<p>')</script>Voirie", "Voirie"},
		{"<!DOCTYPE html><html><head><title>Sans titre</title></head><body>Voirie</body></html>", "Voirie"},
		{"Voirie<o:p></o:p> et réseaux<o:p>&nbsp;</o:p>", "Voirie et réseaux"},
		{"Classe <A> ou <B>", "Classe <A> ou <B>"},
		{"<b>Classe</b> <A>", "Classe <A>"},
		{"prix <a partir de 3", "prix <a partir de 3"},
		{"si a <b & c", "si a <b & c"},
		{"<!-- sans fin", "<!-- sans fin"},
		{"<style>sans fin", "sans fin"},
		{"I <3 la voirie </3", "I <3 la voirie </3"},
		{"construction d'un << DOJO >>", "construction d'un << DOJO >>"},
		{"tuyaux < 5 m et > 2 m, <P1 et P2>, <blanc>", "tuyaux < 5 m et > 2 m, <P1 et P2>, <blanc>"},

		// What cannot be seen, and bytes of Windows-1252 taken for Latin-1.
		{"plan d\u0092action \u0096 mise en \u009cuvre", "plan d’action – mise en œuvre"},
		{"amé\u00adnage\ufeffment\u202e", "aménagement"},
		{"voirie\u200bréseaux", "voirie réseaux"},
		{"a\x00b\x07c\x7f", "abc"},
		{"\u0081a", "\ufffda"},
		{"e\u0301tude", "étude"},
		{"\xffa", "\ufffda"},
	} {
		if got := ingest.Clean(test.in); got != test.want {
			t.Errorf("Clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{
		{"été", 3, "été"},
		{"pompiers 👩‍🚒👩‍🚒", 12, "pompiers…"},
		{"👩‍🚒👩‍🚒", 5, "👩‍🚒…"},
		{"étés", 3, "ét…"},
		{"un deux trois", 13, "un deux trois"},
		{"un deux trois", 12, "un deux…"},
		{"un deux trois", 9, "un deux…"},
		{"un deux trois", 8, "un deux…"},
		{"un deux trois", 1, "…"},
		{"un deuxtroisquatrecinq", 12, "un deuxtroi…"},
	} {
		if got := ingest.Shorten(test.in, test.n); got != test.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
}

func TestCleanLines(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"<ul><li>Peinture</li><li>Plomberie</li></ul>", "Peinture\n\nPlomberie"},
		{"<p>Réfection</p>\n<p>de la <b>toi</b>ture</p>", "Réfection\n\nde la toiture"},
		{"ligne<br/>suivante\r\nencore \n\n\n une autre ", "ligne\nsuivante\nencore\n\nune autre"},
		{"<table><tr><td>a</td><td>b</td></tr></table>", "a\n\nb"},
		{" un  deux ", "un deux"},
	} {
		if got := ingest.CleanLines(test.in); got != test.want {
			t.Errorf("CleanLines(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"d&#146;eau", "<p>a</p>", "&amp;amp;lt;", "\u0092\x00\xff", " \u0301a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ingest.Clean(s)
		if !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) || strings.ContainsAny(got, "\n\r\t\x00\u00a0") ||
			strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
			t.Errorf("Clean(%q) = %q", s, got)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	s := strings.Repeat("Travaux d&#039;aménagement des abords de l’école primaire, lot n° 1 : voirie. ", 10)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		ingest.Clean(s)
	}
}
