package boamp

import (
	"slices"
	"testing"
)

// TestValues takes apart what files that went through CSV have for several values.
func TestValues(t *testing.T) {
	for text, want := range map[string][]string{
		"68;67": {"68", "67"}, "68|67": {"68", "67"}, "68,67": {"68", "67"}, "['68', '67']": {"68", "67"}, "{TRAVAUX,SERVICES}": {"TRAVAUX", "SERVICES"},
		"Voirie, réseaux; Peinture": {"Voirie, réseaux", " Peinture"}, "['Peinture d\\'extérieur', 'Voirie, réseaux']": {"Peinture d'extérieur", "Voirie, réseaux"},
	} {
		if got := values(text); !slices.Equal(got, want) {
			t.Errorf("values(%q) = %q, want %q", text, got, want)
		}
	}
}
