package sourcetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FindATender returns the United Kingdom's service, which knows the notices as releases. Its next pages lose rows, but for
// those of a procedure.
func (s *Services) FindATender() http.Handler {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/1.0/ocdsReleasePackages", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		from, wrongFrom := time.ParseInLocation("2006-01-02T15:04:05", query.Get("updatedFrom"), london)
		to, wrongTo := time.ParseInLocation("2006-01-02T15:04:05", query.Get("updatedTo"), london)
		if wrongFrom != nil || wrongTo != nil || query.Get("limit") != "100" || len(query) != 3 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mutex.Lock()
		var found []*Notice
		for _, n := range s.notices {
			if !n.At.Before(from) && !n.At.After(to) && !n.At.After(s.Now()) {
				found = append(found, n)
			}
		}
		s.mutex.Unlock()
		slices.SortFunc(found, func(a, b *Notice) int { return a.At.Compare(b.At) })
		next := ""
		if len(found) > 100 {
			found, next = found[:100], "https://example.org/lost"
		}
		s.releases(w, found, next)
	})
	mux.HandleFunc("GET /api/1.0/ocdsReleasePackages/{ocid}", func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		var found []*Notice
		for _, n := range s.notices {
			if ocidPrefix+n.Procedure == r.PathValue("ocid") && !n.At.After(s.Now()) {
				found = append(found, n)
			}
		}
		s.mutex.Unlock()
		skip, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		if len(found) <= skip {
			http.NotFound(w, r)
			return
		}
		found, next := found[skip:], ""
		if len(found) > 100 {
			found, next = found[:100], "https://example.org"+r.URL.Path+"?cursor="+strconv.Itoa(skip+100)
		}
		s.releases(w, found, next)
	})
	return s.faulty(mux)
}

// releases sends notices as a package of releases.
func (s *Services) releases(w http.ResponseWriter, notices []*Notice, next string) {
	page := map[string]any{"version": "1.1", "uri": "https://example.org", "publishedDate": s.Now(), "publisher": map[string]any{"name": "Example"}}
	if next != "" {
		page["links"] = map[string]any{"next": next}
	}
	releases := []any{}
	for _, n := range notices {
		releases = append(releases, n.release())
	}
	page["releases"] = releases
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(page)
}

// ocidPrefix is the service's.
const ocidPrefix = "ocds-h6vhtk-"

// release is the notice as a release of OCDS. A cancellation says nothing but that.
func (n *Notice) release() map[string]any {
	tag := map[string]string{"call": "tender", "correction": "tenderUpdate", "cancellation": "tenderCancellation", "award": "award"}[n.Kind]
	if n.Kind == "cancellation" {
		return map[string]any{
			"ocid": ocidPrefix + n.Procedure, "id": n.ID, "date": n.At, "tag": []string{tag}, "initiationType": "tender",
			"tender": map[string]any{"id": n.Procedure, "status": "cancelled"},
		}
	}
	return map[string]any{
		"ocid": ocidPrefix + n.Procedure, "id": n.ID, "date": n.At, "tag": []string{tag}, "initiationType": "tender",
		"parties": []any{map[string]any{"id": "1", "name": n.Buyer, "roles": []string{"buyer"}}}, "buyer": map[string]any{"id": "1", "name": n.Buyer},
		"tender": map[string]any{"id": n.Procedure, "title": n.Title, "status": "active", "mainProcurementCategory": "works"},
	}
}
