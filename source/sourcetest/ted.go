package sourcetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// TED returns TED's search API and its notices.
func (s *Services) TED() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/notices/search", s.search)
	mux.HandleFunc("GET /en/notice/{number}/xml", func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		for _, n := range s.notices {
			if n.TED == r.PathValue("number") && !n.At.After(s.Now()) {
				w.Header().Set("Content-Type", "application/xml")
				tedNotice.Execute(w, n)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	})
	return s.faulty(mux)
}

var publishedOn = regexp.MustCompile(`^publication-date=([0-9]{4})([0-9]{2})([0-9]{2}) AND `)

// search answers a page of the notices of a day. A token is the place where the next page begins.
func (s *Services) search(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Query          string
		Fields         []string
		Limit          int
		PaginationMode string
		Token          string `json:"iterationNextToken"`
	}
	found := []string(nil)
	if err := json.NewDecoder(r.Body).Decode(&ask); err == nil {
		found = publishedOn.FindStringSubmatch(ask.Query)
	}
	place, err := strconv.Atoi("0" + ask.Token)
	s.mutex.Lock()
	expired := ask.Token != "" && s.random.IntN(100) < s.Rate
	s.mutex.Unlock()
	if found == nil || len(ask.Fields) == 0 || ask.Limit > 250 || ask.PaginationMode != "ITERATION" || err != nil || expired {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	notices := s.of(strings.Join(found[1:], "-"), func(n *Notice) string { return n.TED })
	rows := []any{}
	for _, n := range notices[min(place, len(notices)):min(place+s.Rows, len(notices))] {
		rows = append(rows, map[string]any{"publication-number": "00" + n.TED})
	}
	answer := map[string]any{"notices": rows, "totalNoticeCount": len(notices), "timedOut": false}
	if len(rows) == s.Rows { // also where nothing follows
		answer["iterationNextToken"] = fmt.Sprint(place + s.Rows)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// Subtype is that of the forms, and its list.
func (n *Notice) Subtype() string {
	if n.Kind == "award" {
		return "29"
	}
	return "16"
}

// Root is the element that the notice is.
func (n *Notice) Root() string { return n.root() }

// Change is the code of what a correction or cancellation does.
func (n *Notice) Change() string {
	return map[string]string{"correction": "cor-buy", "cancellation": "cancel"}[n.Kind]
}

// DeadlineDay and DeadlineHour are the parts of the deadline.
func (n *Notice) DeadlineDay() string { day, _, _ := strings.Cut(n.Deadline, "T"); return day }

// DeadlineHour is the clock of the deadline.
func (n *Notice) DeadlineHour() string { _, hour, _ := strings.Cut(n.Deadline, "T"); return hour }

var tedNotice = template.Must(template.New("notice").Parse(`<?xml version="1.0" encoding="UTF-8"?>
<n:{{.Root}} xmlns:n="urn:oasis:names:specification:ubl:schema:xsd:{{.Root}}-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2" xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2" xmlns:efext="http://data.europa.eu/p27/eforms-ubl-extensions/1" xmlns:efac="http://data.europa.eu/p27/eforms-ubl-extension-aggregate-components/1" xmlns:efbc="http://data.europa.eu/p27/eforms-ubl-extension-basic-components/1">
<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent><efext:EformsExtension>
{{if .Change}}<efac:Changes><efac:ChangeReason><cbc:ReasonCode>{{.Change}}</cbc:ReasonCode></efac:ChangeReason></efac:Changes>{{end}}
<efac:NoticeSubType><cbc:SubTypeCode>{{.Subtype}}</cbc:SubTypeCode></efac:NoticeSubType>
<efac:Organizations><efac:Organization><efac:Company><cac:PartyIdentification><cbc:ID>ORG-0001</cbc:ID></cac:PartyIdentification><cac:PartyName><cbc:Name>{{html .Buyer}}</cbc:Name></cac:PartyName><cac:PostalAddress><cac:Country><cbc:IdentificationCode>FRA</cbc:IdentificationCode></cac:Country></cac:PostalAddress></efac:Company></efac:Organization></efac:Organizations>
<efac:Publication><efbc:NoticePublicationID schemeName="ojs-notice-id">{{.TED}}</efbc:NoticePublicationID><efbc:PublicationDate>{{.Day}}+01:00</efbc:PublicationDate></efac:Publication>
</efext:EformsExtension></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>
<cbc:ID schemeName="notice-id">{{.ID}}</cbc:ID><cbc:ContractFolderID>{{.Procedure}}</cbc:ContractFolderID><cbc:IssueDate>{{.Day}}+01:00</cbc:IssueDate><cbc:VersionID>01</cbc:VersionID><cbc:NoticeLanguageCode>FRA</cbc:NoticeLanguageCode>
<cac:ContractingParty><cac:Party><cac:PartyIdentification><cbc:ID>ORG-0001</cbc:ID></cac:PartyIdentification></cac:Party></cac:ContractingParty>
<cac:TenderingProcess><cbc:ProcedureCode>open</cbc:ProcedureCode></cac:TenderingProcess>
<cac:ProcurementProject><cbc:Name languageID="FRA">{{html .Title}}</cbc:Name><cbc:ProcurementTypeCode>works</cbc:ProcurementTypeCode></cac:ProcurementProject>
<cac:ProcurementProjectLot><cbc:ID schemeName="Lot">LOT-0001</cbc:ID><cac:TenderingProcess>{{if .Deadline}}<cac:TenderSubmissionDeadlinePeriod><cbc:EndDate>{{.DeadlineDay}}+02:00</cbc:EndDate><cbc:EndTime>{{.DeadlineHour}}:00+02:00</cbc:EndTime></cac:TenderSubmissionDeadlinePeriod>{{end}}</cac:TenderingProcess><cac:ProcurementProject><cbc:Name languageID="FRA">{{html .Title}}</cbc:Name></cac:ProcurementProject></cac:ProcurementProjectLot>
</n:{{.Root}}>
`))
