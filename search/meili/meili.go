// Package meili keeps search indexes in a Meilisearch server, 1.50 or newer.
package meili

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/meilisearch/meilisearch-go"

	"vigie"
	"vigie/search"
	"vigie/search/internal/plan"
)

// prefix begins the uids of our indexes. They are recognised by their primary key, [plan.ID], which no other
// product's documents have.
const prefix = "vigie-"

// Options are what an operator may set; zero fields have defaults.
type Options struct {
	// Timeout limits one request; one minute if zero.
	Timeout time.Duration
	// Patience is how long a request is repeated that failed for a reason that may pass, such as a server that is
	// starting; three seconds if zero, not at all if negative.
	Patience time.Duration
	// Body is how many bytes of documents go into one request; 16 MiB if zero. Meilisearch accepts 100 MB by default,
	// proxies may accept much less: after a refusal for size it is halved.
	Body int
}

// largest is the size of the largest document that is sent, in bytes: more may be cut off in the middle, without an
// answer.
const largest = 64 << 20

// Engine is a Meilisearch server.
type Engine struct {
	server   meilisearch.ServiceManager
	http     *http.Client
	url, key string
	patience time.Duration
	// body is how many bytes of documents go into one request now.
	body atomic.Int64
}

var _ search.Engine = (*Engine)(nil)

// Open returns the engine of a server, which need not be running yet. The key must permit creating, changing,
// searching and deleting indexes with our prefix.
func Open(address, key string, o Options) (*Engine, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &vigie.Error{
			Code: vigie.Invalid,
			Text: vigie.Text{
				FR: "L’adresse de Meilisearch n’est pas valable. Forme attendue : http://hôte:7700",
				EN: "Meilisearch's address is not valid. Expected form: http://host:7700",
			},
			Err: err,
		}
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	// Meilisearch sends a compressed answer in two parts, and the second only
	// when the first is acknowledged: 40 ms later, by the rules of TCP.
	transport.DisableCompression = true
	client := &http.Client{Timeout: o.Timeout, Transport: transport}
	address = strings.TrimRight(address, "/")
	if o.Body == 0 {
		o.Body = 16 << 20
	}
	e := &Engine{
		// The library's own retries send an empty body.
		server: meilisearch.New(address, meilisearch.WithAPIKey(key), meilisearch.WithCustomClient(client), meilisearch.DisableRetries()),
		http:   client, url: address, key: key, patience: o.Patience,
	}
	e.body.Store(int64(o.Body))
	return e, nil
}

// Open returns the index of that name. It creates it if there is none, and applies our settings if it has others.
func (e *Engine) Open(ctx context.Context, name string) (search.Index, error) {
	if err := search.CheckName(name); err != nil {
		return nil, err
	}
	x := &index{engine: e, uid: prefix + name, manager: e.server.Index(prefix + name)}
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

// Names returns the names of our indexes.
func (e *Engine) Names(ctx context.Context) ([]string, error) {
	const page = 1000
	var names []string
	for offset := int64(0); ; offset += page {
		list, err := try(ctx, e, func() (*meilisearch.IndexesResults, error) {
			return e.server.ListIndexesWithContext(ctx, &meilisearch.IndexesQuery{Offset: offset, Limit: page})
		})
		if err != nil {
			return nil, err
		}
		for _, x := range list.Results {
			if name, ok := strings.CutPrefix(x.UID, prefix); ok && x.PrimaryKey == plan.ID {
				names = append(names, name)
			}
		}
		if offset+page >= list.Total {
			return names, nil
		}
	}
}

// Drop removes an index of ours.
func (e *Engine) Drop(ctx context.Context, name string) error {
	if err := search.CheckName(name); err != nil {
		return err
	}
	found, err := e.find(ctx, prefix+name)
	if err != nil || !found {
		return err
	}
	err = e.run(ctx, func() (*meilisearch.TaskInfo, error) {
		return e.server.DeleteIndexWithContext(ctx, prefix+name)
	})
	if isAbout(err, "index_not_found") {
		return nil
	}
	return err
}

// find reports whether there is an index of that uid; if it is not ours, that is an error.
func (e *Engine) find(ctx context.Context, uid string) (bool, error) {
	found, err := try(ctx, e, func() (*meilisearch.IndexResult, error) {
		return e.server.GetIndexWithContext(ctx, uid)
	})
	if isAbout(err, "index_not_found") {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if found.PrimaryKey != plan.ID {
		return false, &vigie.Error{
			Code: vigie.Invalid,
			Text: vigie.Text{
				FR: "L’index Meilisearch %s n’a pas été créé par Vigie : il n’a pas été modifié. Renommez-le ou supprimez-le.",
				EN: "The Meilisearch index %s was not created by Vigie and was not changed. Rename or delete it.",
			}.With(uid),
		}
	}
	return true, nil
}

// Ping reports whether the server answers and accepts our key.
func (e *Engine) Ping(ctx context.Context) error {
	indexes, err := e.server.ListIndexesWithContext(ctx, &meilisearch.IndexesQuery{Limit: 1})
	if err == nil && indexes.Limit != 1 { // the answer repeats the request's limit, which other servers do not
		return search.Unavailable(errors.New("the server is not a Meilisearch"))
	}
	return failure(err)
}

// oldestMinor is that of 1.50, the oldest Meilisearch that has all that we use.
const oldestMinor = 50

// Version returns the server's version; "" where our key may not ask for it. One that is too old for us is an error.
func (e *Engine) Version(ctx context.Context) (string, error) {
	said, err := e.server.VersionWithContext(ctx)
	if refused, ok := errors.AsType[*meilisearch.Error](err); ok && refused.StatusCode == http.StatusForbidden {
		return "", nil
	}
	if err != nil {
		return "", failure(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(said.PkgVersion, "%d.%d", &major, &minor); err == nil && (major < 1 || major == 1 && minor < oldestMinor) {
		return said.PkgVersion, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "Meilisearch %s est trop ancien : installez la version 1.50 ou une version plus récente.", EN: "Meilisearch %s is too old: install version 1.50 or newer.",
		}.With(said.PkgVersion)}
	}
	return said.PkgVersion, nil
}

// Close closes idle connections; the server keeps the indexes.
func (e *Engine) Close() error {
	e.http.CloseIdleConnections()
	return nil
}

// run enqueues a task and returns when it is done. Meilisearch answers both at
// once, and whether it succeeded only with the task.
func (e *Engine) run(ctx context.Context, enqueue func() (*meilisearch.TaskInfo, error)) error {
	info, err := try(ctx, e, enqueue)
	if err != nil {
		return err
	}
	const interval = 20 * time.Millisecond
	task, err := try(ctx, e, func() (*meilisearch.Task, error) {
		return e.server.WaitForTaskWithContext(ctx, info.TaskUID, interval)
	})
	if err != nil {
		return err
	}
	if task.Status == meilisearch.TaskStatusSucceeded {
		return nil
	}
	cause := &taskError{uid: task.UID, kind: string(task.Type), status: string(task.Status), code: task.Error.Code, message: task.Error.Message}
	if task.Status == meilisearch.TaskStatusFailed && task.Error.Type == "invalid_request" {
		return search.Internal(cause)
	}
	return search.Unavailable(cause)
}

// taskError is a task that did not succeed.
type taskError struct {
	uid                         int64
	kind, status, code, message string
}

func (e *taskError) Error() string {
	return fmt.Sprintf("meilisearch: task %d, %s, %s: %s: %s", e.uid, e.kind, e.status, e.code, e.message)
}

// try sends a request, and repeats it while it fails for a reason that may pass. All our requests may be repeated.
func try[T any](ctx context.Context, e *Engine, request func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 50 * time.Millisecond
	pause.MaxInterval = time.Second
	options := []backoff.RetryOption{backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(e.patience)}
	if e.patience < 0 {
		options = append(options, backoff.WithMaxTries(1))
	}
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := request()
		if err != nil && !passing(err) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, options...)
	return result, failure(err)
}
