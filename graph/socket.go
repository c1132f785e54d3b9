package graph

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/graph/wire"
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
)

// socket is the transport over WebSocket.
func socket(o Options) transport.Websocket {
	return transport.Websocket{
		Implementation: wire.Sockets{Origins: o.Origins, Most: o.Limits.OnSocket, Full: full(o)},
		InitFunc: func(ctx context.Context, hello transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			if authorization := hello.Authorization(); authorization != "" { // else who asks is who the header says
				viewer, err := o.SignIn(ctx, authorization)
				if err != nil {
					return refused(ctx, err, o.Log), nil, err
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

// full is the answer to an operation too many on one socket.
func full(o Options) func(context.Context) *gqlerror.Error {
	return func(ctx context.Context) *gqlerror.Error {
		return present(o.Log)(ctx, &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
			FR: "Cette connexion a déjà %d opérations en cours, le maximum. Attendez la fin de l’une d’elles.",
			EN: "This connection has %d operations running already, the maximum. Wait for one to end.",
		}.With(o.Limits.OnSocket)})
	}
}

// refused says why a socket is closed to who asks.
func refused(ctx context.Context, err error, log *slog.Logger) context.Context {
	code, text := closeInternal, vigie.Text{FR: "Une erreur s’est produite de notre côté. Réessayez dans un instant.", EN: "Something went wrong on our side. Try again in a moment."}
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
