package sourcetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// BOAMP returns a portal with the dataset « boamp », as Opendatasoft serves it.
func (s *Services) BOAMP() http.Handler {
	mux := http.NewServeMux()
	const dataset = "/api/explore/v2.1/catalog/datasets/boamp/"
	mux.HandleFunc("GET "+dataset+"records", func(w http.ResponseWriter, r *http.Request) {
		notices, ok := s.asked(w, r)
		if !ok {
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		json.NewEncoder(w).Encode(map[string]any{"total_count": len(notices), "results": []any{}})
	})
	mux.HandleFunc("GET "+dataset+"exports/jsonl", func(w http.ResponseWriter, r *http.Request) {
		notices, ok := s.asked(w, r)
		if !ok {
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		lines := json.NewEncoder(w)
		for _, n := range notices {
			lines.Encode(n.boamp())
		}
	})
	return s.faulty(mux)
}

var whereDay = regexp.MustCompile(`^dateparution=date'([0-9]{4}-[0-9]{2}-[0-9]{2})'$`)

// asked returns the notices that a request asks for.
func (s *Services) asked(w http.ResponseWriter, r *http.Request) ([]*Notice, bool) {
	found := whereDay.FindStringSubmatch(r.URL.Query().Get("where"))
	if found == nil || r.URL.Query().Get("offset") != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error_code": "InvalidRESTParameterError"}`)
		return nil, false
	}
	return s.of(found[1], func(n *Notice) string { return n.BOAMP }), true
}

// boamp is the notice as a record of the dataset.
func (n *Notice) boamp() map[string]any {
	state, nature := map[string]string{"correction": "RECTIFICATIF", "cancellation": "ANNULATION"}[n.Kind], "APPEL_OFFRE"
	if n.Kind == "award" {
		nature = "ATTRIBUTION"
	}
	if state == "" {
		state = "INITIAL"
	}
	record := map[string]any{
		"idweb": n.BOAMP, "id": strings.ReplaceAll(n.BOAMP, "-", "_"), "contractfolderid": n.Procedure, "objet": n.Title, "famille": "JOUE",
		"dateparution": n.Day, "nomacheteur": n.Buyer, "nature": nature, "etat": state, "type_procedure": "OUVERT", "code_departement": []string{"69"},
		"url_avis": "https://www.boamp.fr/pages/avis/?q=idweb:" + n.BOAMP, "type_marche": []string{"TRAVAUX"}, "donnees": nil, "gestion": nil,
	}
	if n.Deadline != "" {
		record["datelimitereponse"] = n.Deadline + ":00+00:00"
		management, _ := json.Marshal(map[string]any{"INDEXATION": map[string]any{"DATE_LIMITE_REPONSE": n.Deadline + ":00"}})
		record["gestion"] = string(management)
	}
	if !n.Bare {
		data, _ := json.Marshal(map[string]any{"EFORMS": map[string]any{n.root(): map[string]any{
			"cbc:ID": map[string]any{"@schemeName": "notice-id", "#text": n.ID}, "cbc:VersionID": "01", "cbc:ContractFolderID": n.Procedure,
		}}})
		record["donnees"] = string(data)
	}
	return record
}

// root is the element that a notice in eForms is.
func (n *Notice) root() string {
	if n.Kind == "award" {
		return "ContractAwardNotice"
	}
	return "ContractNotice"
}
