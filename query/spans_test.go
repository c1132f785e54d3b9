package query_test

import (
	"slices"
	"strings"
	"testing"

	"vigie/query"
)

func TestSpans(t *testing.T) {
	for _, test := range []struct {
		keywords   []string
		text, want string
	}{
		{[]string{"voirie"}, "La voirie, les VOIRIES et l'envoi", "La [voirie], les [VOIRIES] et l'envoi"},
		{[]string{"refection"}, "Réfection re\u0301fections", "[Réfection] [re\u0301fections]"},
		{[]string{"maîtrise d'œuvre"}, "Maîtrise d’oeuvre pour une œuvre", "[Maîtrise d’oeuvre] pour une œuvre"},
		{[]string{"espaces verts"}, "Des espaces. Verts, ces espaces verts ?", "Des espaces. Verts, ces [espaces verts] ?"},
		{[]string{"chauffe-eau"}, "Un chauffe eau, de l'eau qui chauffe", "Un [chauffe eau], de l'eau qui chauffe"},
		{[]string{"vrd", "pont"}, "Ponts et V.R.D.", "[Ponts] et [V.R.D]."},
		{[]string{"CCAS"}, "Le C.C.A.S. et le C. C. A. S. de Lyon, le CCAS, le ccas", "Le [C.C.A.S]. et le [C. C. A. S]. de Lyon, le [CCAS], le [ccas]"},
		{[]string{"S.D.I.S."}, "véhicules pour le SDIS", "véhicules pour le [SDIS]"},
		{[]string{"Ste Thérèse"}, "École Sainte-Thérèse, St Thérèse", "École [Sainte-Thérèse], [St Thérèse]"},
		{[]string{"3000 m2", "22 kW"}, "3\u00a0000 m², une pompe de 22kW", "[3\u00a0000 m²], une pompe de [22kW]"},
		{[]string{"kW"}, "22kW", "22[kW]"},
		{[]string{"maîtrise d'œuvre"}, "maitrise doeuvre", "[maitrise doeuvre]"},
		{[]string{"R&D", "C++", "C#"}, "R & D, R+2, C et C++, C#.", "[R & D], R+2, C et [C++], [C#]."},
		{[]string{"travail"}, "travaux et temps de travail", "travaux et temps de [travail]"},
		{[]string{"de", ""}, "de l'eau", "de l'eau"},
		{nil, "voirie", "voirie"},
		{[]string{"route de la mer"}, "route", "route"},
	} {
		spans := query.Spans(test.text, test.keywords)
		got := test.text
		for _, s := range slices.Backward(spans) {
			got = got[:s.Start] + "[" + got[s.Start:s.End] + "]" + got[s.End:]
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", strings.Join(test.keywords, ", "), got, test.want)
		}
	}
}
