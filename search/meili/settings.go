package meili

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/meilisearch/meilisearch-go"

	"vigie"
	"vigie/freetext"
	"vigie/search"
	"vigie/search/internal/plan"
)

// settings are those of our indexes that differ from Meilisearch's defaults, in Meilisearch's form, so that they can
// be compared.
func settings() map[string]any {
	exact := func(comparison bool, fields ...string) map[string]any {
		return map[string]any{
			"attributePatterns": fields,
			"features": map[string]any{
				"facetSearch": false, // nobody searches values, and terms have very many
				"filter":      map[string]any{"equality": true, "comparison": comparison},
			},
		}
	}
	return map[string]any{
		"searchableAttributes": []string{}, // texts are found by filters too
		"displayedAttributes":  []string{cursorField, plan.DeadlineHigh, plan.DeadlineLow, plan.PublishedAt, plan.UpdatedAt, plan.ID},
		"filterableAttributes": []any{
			exact(false, append(append(plan.ValueFields(), plan.TextFields()...), plan.Outcome, cursorField)...),
			exact(true, append(plan.NumberFields(), plan.ID, plan.PublishedAt, plan.UpdatedAt, plan.DeadlineLow, plan.DeadlineHigh, plan.Closes)...),
		},
		"sortableAttributes": []string{plan.DeadlineHigh, plan.DeadlineLow, plan.PublishedAt, plan.UpdatedAt, plan.ID},
		"rankingRules":       []string{"sort"},
		"typoTolerance":      map[string]any{"enabled": false, "minWordSizeForTypos": map[string]any{"oneTypo": 5, "twoTypos": 9}, "disableOnWords": []string{}, "disableOnAttributes": []string{}, "disableOnNumbers": false},
		"faceting":           map[string]any{"maxValuesPerFacet": max(search.MaxFacetValues, freetext.MaxVocabulary), "sortFacetValuesBy": map[string]any{"*": "count"}},
		// More than there will ever be: rows past it would be lost.
		"pagination":  map[string]any{"maxTotalHits": 1_000_000_000},
		"facetSearch": false,
		// Past this, rows would come unsorted, and nothing would say so.
		"searchCutoffMs": 30_000,
	}
}

// differ reports whether an index has other settings than ours.
func differ(current map[string]any) (bool, error) {
	text, err := json.Marshal(settings())
	if err != nil {
		return false, err
	}
	var ours map[string]any
	if err := json.Unmarshal(text, &ours); err != nil {
		return false, err
	}
	for name, value := range ours {
		if !reflect.DeepEqual(current[name], value) {
			return true, nil
		}
	}
	return false, nil
}

// applySettings gives an index our settings, unless it has them.
func (x *index) applySettings(ctx context.Context) error {
	path := "/indexes/" + x.uid + "/settings"
	current, err := try(ctx, x.engine, func() (map[string]any, error) {
		var current map[string]any
		return current, x.engine.call(ctx, http.MethodGet, path, nil, &current)
	})
	if err != nil {
		return err
	}
	other, err := differ(current)
	if err != nil {
		return search.Internal(err)
	}
	if !other {
		return nil
	}
	err = x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
		info := new(meilisearch.TaskInfo)
		return info, x.engine.call(ctx, http.MethodPatch, path, settings(), info)
	})
	if vigie.CodeOf(err) == vigie.Internal {
		return &vigie.Error{
			Code: vigie.Unavailable,
			Text: vigie.Text{
				FR: "Meilisearch refuse les réglages de Vigie. Installez la version 1.50 ou une version plus récente.",
				EN: "Meilisearch refuses Vigie's settings. Install version 1.50 or newer.",
			},
			Err: err,
		}
	}
	return err
}

// call makes a request that the library cannot: it does not read, nor write in
// whole, settings with rules for filters. It fails as the library does.
func (e *Engine) call(ctx context.Context, method, path string, body, answer any) error {
	fault := &meilisearch.Error{Endpoint: path, Method: method, Function: "settings"}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fault.WithErrCode(meilisearch.ErrCodeMarshalRequest, err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, e.url+path, content)
	if err != nil {
		return fault.WithErrCode(meilisearch.ErrCodeMarshalRequest, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return fault.WithErrCode(meilisearch.MeilisearchCommunicationError, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fault.WithErrCode(meilisearch.MeilisearchCommunicationError, err)
	}
	fault.StatusCode = resp.StatusCode
	if resp.StatusCode >= 300 {
		fault.ErrorBody(text)
		return fault.WithErrCode(meilisearch.MeilisearchApiError)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fault.WithErrCode(meilisearch.ErrCodeResponseUnmarshalBody, err)
	}
	return nil
}
