package graph

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"

	"vigie"
)

const (
	// keepAlive is how often something is sent on a stream where nothing
	// happens: proxies cut idle connections after a minute, often.
	keepAlive = 20 * time.Second
	// greeting is how long a socket's client may take to say who it is.
	greeting = 10 * time.Second
	// lastWords is for how long a socket stays open when its token has expired.
	lastWords = time.Second
	// maxQuestion is how long a socket's message may be.
	maxQuestion int64 = 1 << 20
)

// The codes that a socket is closed with: graphql-transport-ws's own, and those
// of RFC 6455.
const (
	closeUnauthorized = 4401
	closeInternal     = 4500
	closeTryAgain     = 1013
	closeGoingAway    = 1001
)

// socket is the transport over WebSocket. Clients of other origins are refused
// by the connection's own check.
func socket(signIn SignIn, log *slog.Logger) transport.Websocket {
	return transport.Websocket{
		Implementation: farewells{},
		InitFunc: func(ctx context.Context, hello transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			if authorization := hello.Authorization(); authorization != "" { // else who asks is who the header says
				viewer, err := signIn(ctx, authorization)
				if err != nil {
					return refused(ctx, err, log), nil, err
				}
				if viewer != nil {
					ctx = WithViewer(ctx, viewer)
				}
			}
			// A moment later, for what is followed has a last word to say.
			ctx, cancel := untilExpired(ctx, lastWords)
			context.AfterFunc(ctx, cancel)
			return ctx, nil, nil
		},
		InitTimeout: greeting, KeepAlivePingInterval: keepAlive, PingPongInterval: keepAlive, PayloadReadLimit: new(maxQuestion),
	}
}

// refused says why a socket is closed to who asks.
func refused(ctx context.Context, err error, log *slog.Logger) context.Context {
	code, text := closeInternal, vigie.Text{FR: "Erreur interne.", EN: "Internal error."}
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		text = e.Text
	}
	switch vigie.CodeOf(err) {
	case vigie.Unauthenticated:
		code = closeUnauthorized
		log.InfoContext(ctx, "token refused", "error", err)
	case vigie.Unavailable:
		code = closeTryAgain
		log.WarnContext(ctx, "sign-in failed", "error", err)
	default:
		log.ErrorContext(ctx, "sign-in failed", "error", err)
	}
	return transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, say(ctx, text)), code)
}

// farewells makes sockets that tell their clients to come back when it is the
// server that ends the request.
type farewells struct {
	transport.CoderWebsocketImplementation
}

// Accept makes a socket of a request.
func (f farewells) Accept(w http.ResponseWriter, r *http.Request, options transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := f.CoderWebsocketImplementation.Accept(w, r, options)
	if err != nil {
		return nil, err
	}
	return farewell{conn.(limited), r.Context()}, nil
}

// limited is what the transport asks of a socket, and may ask.
type limited interface {
	transport.WebsocketConn
	transport.WebsocketReadLimiter
	transport.WebsocketReadDeadliner
}

type farewell struct {
	limited
	request context.Context
}

// WriteClose closes the socket.
func (f farewell) WriteClose(code int, reason string) error {
	if code == transport.WebsocketCloseNormalClosure && f.request.Err() != nil {
		code = closeGoingAway
	}
	return f.limited.WriteClose(code, reason)
}
