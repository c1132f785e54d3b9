package meili

import (
	"context"
	"errors"
	"net/http"

	"github.com/cenkalti/backoff/v5"
	"github.com/meilisearch/meilisearch-go"

	"vigie"
	"vigie/search"
)

// passing reports whether the failure of a request may pass within seconds. A timeout does not count: waiting as long
// again helps nobody.
func passing(err error) bool {
	e, ok := errors.AsType[*meilisearch.Error](err)
	if !ok {
		return !errors.Is(err, context.DeadlineExceeded) // an answer that was cut off
	}
	switch e.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.ErrCode == meilisearch.MeilisearchCommunicationError
}

// failure turns an error of the library into one of ours: a server that fails is unavailable, a request that it
// refuses is a defect of ours.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if permanent, ok := errors.AsType[*backoff.PermanentError](err); ok {
		err = permanent.Unwrap()
	}
	if _, ok := errors.AsType[*vigie.Error](err); ok {
		return err
	}
	e, ok := errors.AsType[*meilisearch.Error](err)
	if !ok {
		return search.Unavailable(err)
	}
	switch {
	case e.ErrCode == meilisearch.ErrCodeMarshalRequest:
		return search.Internal(err)
	case e.MeilisearchApiError.Code == "index_not_found":
		return search.Unavailable(err)
	case e.StatusCode == http.StatusUnauthorized, e.StatusCode == http.StatusForbidden,
		e.StatusCode == http.StatusRequestTimeout, e.StatusCode == http.StatusTooManyRequests:
		return search.Unavailable(err)
	case e.StatusCode >= 400 && e.StatusCode < 500:
		return search.Internal(err)
	}
	return search.Unavailable(err)
}

// isAbout reports whether Meilisearch gave an error of that code, at once or
// in a task.
func isAbout(err error, code string) bool {
	if e, ok := errors.AsType[*meilisearch.Error](err); ok {
		return e.MeilisearchApiError.Code == code
	}
	if e, ok := errors.AsType[*taskError](err); ok {
		return e.code == code
	}
	return false
}

// isTooLarge reports whether Meilisearch, or a proxy before it, refused a
// request for its size.
func isTooLarge(err error) bool {
	e, ok := errors.AsType[*meilisearch.Error](err)
	return ok && e.StatusCode == http.StatusRequestEntityTooLarge
}
