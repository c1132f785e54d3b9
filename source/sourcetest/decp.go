package sourcetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// DECP returns a portal with the awards among the notices, as Opendatasoft serves them.
func (s *Services) DECP() http.Handler {
	mux := http.NewServeMux()
	const dataset = "/api/explore/v2.1/catalog/datasets/decp-2022-marches-valides/"
	awards := func(w http.ResponseWriter, r *http.Request) ([]*Notice, bool) {
		day, ok := strings.CutPrefix(r.URL.Query().Get("where"), "datenotification=date'")
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return nil, false
		}
		return s.of(strings.TrimSuffix(day, "'"), func(n *Notice) string {
			if n.Kind != "award" {
				return ""
			}
			return n.ID
		}), true
	}
	mux.HandleFunc("GET "+dataset+"records", func(w http.ResponseWriter, r *http.Request) {
		if notices, ok := awards(w, r); ok {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(map[string]any{"total_count": len(notices), "results": []any{}})
		}
	})
	mux.HandleFunc("GET "+dataset+"exports/jsonl", func(w http.ResponseWriter, r *http.Request) {
		if notices, ok := awards(w, r); ok {
			w.Header().Set("Content-Type", "application/x-ndjson")
			lines := json.NewEncoder(w)
			for i, n := range notices {
				lines.Encode(map[string]any{
					"id": fmt.Sprintf("%s-%d", n.Day, i), "acheteur_id": "99900000000011", "objet": n.Title, "codecpv": "45233140-2", "montant": 120000, "dureemois": 12,
					"datenotification": n.Day, "lieuexecution_code": "69", "lieuexecution_typecode": "Code département", "titulaire_id_1": "99900000000029",
					"titulaire_typeidentifiant_1": "SIRET", "procedure": "Procédure adaptée", "nature": "Marché",
				})
			}
		}
	})
	return s.faulty(mux)
}
